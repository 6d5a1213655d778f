/*
 * Faults of devices that sleep, in addition to those of all: power cuts in each state, lost RTC memory, a router that is down for
 * weeks, the button. Most network faults do not affect a device that is asleep, so here they wait until the radio is on.
 */
import type { Random } from "../random.js";

/** "bit", "word": one bit or word is changed. "otherFirmware": an update, whose image finds the memory of the previous one. */
export type MemoryDamage = "lost" | "noise" | "bit" | "word" | "otherFirmware";
const DAMAGES: readonly MemoryDamage[] = ["lost", "noise", "bit", "word", "otherFirmware"];

/** `T`: faults of all devices. */
export type SleeperTrouble<T> =
  | { readonly kind: "memory"; readonly device: number; readonly how: MemoryDamage }
  | { readonly kind: "button"; readonly device: number }
  /** So long after the radio is next switched on. */
  | { readonly kind: "atReport"; readonly device: number; readonly afterMs: number; readonly trouble: T };

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

type Cut =
  | { readonly kind: "cut"; readonly device: number; readonly offMs: number }
  | { readonly kind: "cutInFlash"; readonly device: number; readonly steps: number; readonly offMs: number };
type Outage =
  | { readonly kind: "wifiDown"; readonly device: number; readonly forMs: number }
  | { readonly kind: "brokerRestart"; readonly sessions: "lost"; readonly forMs: number };

/** `drawOther`: draws a fault of all devices. */
export function drawSleeperTrouble<T>(
  random: Random,
  devices: number,
  drawOther: () => T,
): SleeperTrouble<T | Cut> | Outage {
  const device = random.whole(0, devices - 1);
  switch (random.whole(0, 19)) {
    case 0:
    case 1:
    case 2:
      return { kind: "memory", device, how: random.pick(DAMAGES) };
    case 3:
    case 4:
      return { kind: "button", device };
    case 5:
      return { kind: "wifiDown", device, forMs: Math.floor(random.exponential(random.pick([HOUR, 6 * HOUR, DAY]))) };
    case 6:
      if (random.chance(0.9)) return { kind: "wifiDown", device, forMs: Math.floor(random.exponential(HOUR)) };
      return { kind: "wifiDown", device, forMs: random.whole(7 * DAY, 30 * DAY) };
    case 7:
      return { kind: "brokerRestart", sessions: "lost", forMs: Math.floor(random.exponential(HOUR)) };
    case 8:
    case 9:
    case 10:
    case 11:
      return { kind: "atReport", device, afterMs: random.whole(0, 1500), trouble: drawReportCut(random, device) };
    default:
      return { kind: "atReport", device, afterMs: random.whole(0, 1500), trouble: drawOther() };
  }
}

function drawReportCut(random: Random, device: number): Cut {
  const offMs = Math.floor(random.exponential(20 * SECOND));
  return random.chance(0.5)
    ? { kind: "cutInFlash", device, steps: random.whole(0, 300), offMs }
    : { kind: "cut", device, offMs };
}
