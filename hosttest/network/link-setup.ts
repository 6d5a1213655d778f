import { type AccessPoint, WiFiLink } from "../../boards/parts/wifi-link.js";
import { Link, type LinkOptions } from "../../src/network/link.js";
import type { Network } from "../../src/network/survey.js";
import { VirtualTime } from "../support/virtual-time.js";

export const HOME: AccessPoint = { ssid: "home", password: "correct horse", rssi: -60 };
export const OPEN: AccessPoint = { ssid: "café", rssi: -80 };

/** A device, the air around it, and its log. `random` 0.999: every wait has its maximum. */
export function setup(options: Partial<LinkOptions> = {}, air: readonly AccessPoint[] = [HOME, OPEN]) {
  const time = new VirtualTime();
  const wifi = new WiFiLink({ timers: time.timers, accessPoints: air });
  const log: string[] = [];
  const faults: unknown[] = [];
  const start = (more: Partial<LinkOptions> = {}) =>
    new Link({
      wifi,
      ssid: "home",
      password: "correct horse",
      timers: time.timers,
      random: () => 0.999,
      onChange: (up, detail) => log.push(`${up ? "up" : "down"}: ${detail}`),
      onFault: (error) => faults.push(error),
      ...options,
      ...more,
    });
  return { time, wifi, log, faults, start };
}

/** Scans and collects. */
export function scanned(link: Link) {
  const result: { networks: Network[]; error?: Error; done: number } = { networks: [], done: 0 };
  const began = link.scan({
    onFound: (network) => result.networks.push(network),
    onDone: (error) => {
      result.error = error;
      result.done++;
    },
  });
  return { began, result };
}
