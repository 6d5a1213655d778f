/*
 * A day of the network rooms in miniature: what is told must be the same in every engine. Imported by a test in Node and, bundled,
 * by the same test in XS, so nothing of either is in here.
 */
import { NTPServer } from "../../boards/parts/ntp.js";
import { WiFiLink } from "../../boards/parts/wifi-link.js";
import { BootGuard } from "../../src/health/boot-guard.js";
import { Watchdog } from "../../src/health/watchdog.js";
import { discoveryMessage } from "../../src/homeassistant/discovery.js";
import { Link } from "../../src/network/link.js";
import { TimeSync } from "../../src/network/time-sync.js";
import { VirtualTime } from "../support/virtual-time.js";

/** Everything that was told, a line each. */
export function scenario(): string {
  const time = new VirtualTime();
  const told: string[] = [];
  const tell = (text: string): number => told.push(`${time.nowMs} ${text}`);
  const random = (): number => 0.5;
  const { timers } = time;

  let entry: ArrayBuffer | undefined;
  const store = {
    read: () => entry,
    write: (value: ArrayBuffer) => {
      entry = value;
    },
  };
  for (let i = 0; i < 5; i++) {
    const guard = new BootGuard({ entry: store, timers });
    guard.remember("uncaught: Fehler in der Küche 🛁");
    guard.close();
  }
  tell(new BootGuard({ entry: store, timers }).explanation);

  const ntp = new NTPServer({ timers, utcMs: () => Date.UTC(2040, 0, 2) + time.nowMs });
  const sync = new TimeSync({
    ntp,
    host: "pool.ntp.org",
    timers,
    random,
    uptimeMs: time.clock.uptimeMs,
    setUtc: (utcMs) => tell(new Date(utcMs).toISOString()),
  });
  const wifi = new WiFiLink({
    timers,
    accessPoints: [
      { ssid: "home", password: "correct horse", rssi: -60 },
      { ssid: "café 🛁", rssi: -70 },
    ],
  });
  const onChange = (up: boolean, detail: string): void => {
    tell(`${up ? "up" : "down"}: ${detail}`);
    if (up) sync.linkUp();
    else sync.linkDown();
  };
  const onFault = (error: unknown): number => tell(`fault: ${error}`);
  const link = new Link({ wifi, ssid: "home", password: "wrong", timers, random, onChange, onFault });
  time.advance(60_000);
  link.setCredentials("café 🛁", "");
  time.advance(60_000);
  link.scan({ onFound: ({ ssid, rssi }) => tell(`${ssid} ${rssi}`), onDone: (error) => tell(`scanned ${error}`) });
  time.advance(10_000);
  wifi.down();
  time.advance(60_000);
  wifi.up();
  time.advance(100_000);
  const watchdog = new Watchdog({ timers, restart: tell });
  watchdog.watch(1_000);
  time.advance(90_000_000);

  const { topic, payload } = discoveryMessage({
    room: '湯 🛁🛁🛁\ud83d"\\ ü',
    id: "ü-1",
    format: "json",
    version: "1",
  });
  tell(`${topic} ${payload.join(" ")}`);
  tell(JSON.stringify([link.status(), sync.status()]));
  return told.join("\n");
}
