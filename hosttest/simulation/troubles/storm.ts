/*
 * The schedule of all faults of a run, drawn from the seed before it begins. It is a list, so that a failing run can be
 * shrunk by leaving events out; each event has its own random numbers, so that the others stay the same.
 * Times are milliseconds of virtual time.
 */
import type { Random } from "../random.js";
import { drawSleeperTrouble, type SleeperTrouble } from "../sleepers/troubles.js";
import type { Versions, VersionTrouble } from "./versions.js";

/** Faults of all devices, sleeping or not. */
export type UsualTrouble =
  /** The power fails during flash work, after so many programmed bytes; it returns after `offMs`. */
  | { readonly kind: "cutInFlash"; readonly device: number; readonly steps: number; readonly offMs: number }
  | { readonly kind: "cut"; readonly device: number; readonly offMs: number }
  /** A series of cuts: after each, the power fails again within the first flash operations. */
  | { readonly kind: "brownouts"; readonly device: number; readonly times: number }
  | { readonly kind: "wifiDown"; readonly device: number; readonly forMs: number }
  | { readonly kind: "reset" }
  | { readonly kind: "halfOpen" }
  | { readonly kind: "blackHole"; readonly forMs: number }
  | { readonly kind: "refusing"; readonly forMs: number }
  | { readonly kind: "slow"; readonly latencyMs: number; readonly forMs: number }
  | { readonly kind: "narrow"; readonly roomBytes: number; readonly forMs: number }
  | { readonly kind: "brokerRestart"; readonly sessions: "kept" | "lost"; readonly forMs: number }
  | { readonly kind: "brokerRefuses"; readonly code: number; readonly forMs: number }
  | { readonly kind: "brokerStalls"; readonly forMs: number }
  | { readonly kind: "brokerLate"; readonly lateMs: number; readonly forMs: number }
  | { readonly kind: "brokerCloses"; readonly probability: number; readonly forMs: number }
  | { readonly kind: "sensorGone"; readonly device: number; readonly forMs: number }
  | { readonly kind: "clockJump"; readonly device: number; readonly byMs: number; readonly how: Lie }
  | { readonly kind: "newSettings"; readonly device: number; readonly room: string; readonly qos: 1 | 2 }
  | VersionTrouble;

export type Trouble = UsualTrouble | SleeperTrouble<UsualTrouble>;

/**
 * Source of a wrong time: all servers; all, but marked as not synchronised; one of three; an attacker who sees the question and forges one
 * answer, or who does not see it and forges many.
 */
export type Lie = "all" | "unsynchronised" | "oneServer" | "forgedOnce" | "forgedBlind";
const LIES: readonly Lie[] = ["all", "unsynchronised", "oneServer", "forgedOnce", "forgedBlind"];

export interface Event {
  readonly atMs: number;
  readonly seed: number;
  readonly trouble: Trouble;
}

export interface StormOptions {
  readonly random: Random;
  readonly devices: number;
  readonly lengthMs: number;
  /** Power cuts per device and day, on average. */
  readonly cutsPerDay: number;
  /** Everything else, per day. */
  readonly troublesPerDay: number;
  readonly versions: Versions;
  /** The devices sleep between their samples. */
  readonly sleepers: boolean;
}

/** Number of faults that concern versions for each other fault. */
const VERSION_SHARE = 0.25;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const ROOMS = ["kitchen", "bath", "Büro", "attic", "nursery"];

/** All the events of a run, in the order of their times. */
export function brew(options: StormOptions): Event[] {
  const { random, devices, lengthMs, cutsPerDay, troublesPerDay, versions, sleepers } = options;
  const events: Event[] = [];
  const add = (everyMs: number, draw: (random: Random) => Trouble): void => {
    for (let atMs = random.exponential(everyMs); atMs < lengthMs; atMs += random.exponential(everyMs)) {
      const own = random.fork();
      events.push({ atMs: Math.floor(atMs), seed: own.bits(), trouble: draw(own) });
    }
  };
  for (let device = 0; device < devices; device++) {
    if (cutsPerDay > 0) add(DAY / cutsPerDay, (own) => drawCut(own, device));
  }
  if (troublesPerDay > 0) {
    const anyTrouble = (own: Random): UsualTrouble => drawTrouble(own, devices);
    const versionTrouble = (own: Random): UsualTrouble => versions.drawTrouble(own, devices, ROOMS, drawLength(own));
    // Network faults are timed for a report: at other times there is no connection to disturb.
    const timed = (own: Random, draw: typeof anyTrouble): Trouble =>
      sleepers ? drawSleeperTrouble(own, devices, () => draw(own)) : draw(own);
    add(DAY / troublesPerDay, (own) => timed(own, anyTrouble));
    add(DAY / troublesPerDay / VERSION_SHARE, (own) => timed(own, versionTrouble));
  }
  return events.sort((a, b) => a.atMs - b.atMs);
}

function drawCut(random: Random, device: number): Trouble {
  const offMs = Math.floor(random.exponential(random.chance(0.1) ? HOUR : 20 * SECOND));
  if (random.chance(0.1)) return { kind: "brownouts", device, times: random.whole(2, 12) };
  // Most cuts are timed to fall inside a program or an erase.
  if (random.chance(0.8))
    return { kind: "cutInFlash", device, steps: random.whole(0, random.pick([30, 300, 3000])), offMs };
  return { kind: "cut", device, offMs };
}

/** Length of a fault: mostly short, sometimes long enough to fill an outbox. */
function drawLength(random: Random): number {
  if (random.chance(0.02)) return Math.floor(random.exponential(12 * HOUR));
  return Math.floor(random.exponential(random.pick([5 * SECOND, MINUTE, 10 * MINUTE])));
}

function drawTrouble(random: Random, devices: number): UsualTrouble {
  const device = random.whole(0, devices - 1);
  const forMs = drawLength(random);
  switch (random.whole(0, 14)) {
    case 0:
    case 1:
      return { kind: "wifiDown", device, forMs };
    case 2:
      return { kind: "reset" };
    case 3:
      return { kind: "halfOpen" };
    case 4:
      return { kind: "blackHole", forMs };
    case 5:
      return { kind: "refusing", forMs };
    case 6:
      return { kind: "slow", latencyMs: random.whole(100, 8000), forMs };
    case 7:
      return { kind: "narrow", roomBytes: random.whole(1, 64), forMs };
    case 8:
      return { kind: "brokerRestart", sessions: random.chance(0.4) ? "lost" : "kept", forMs };
    case 9:
      return { kind: "brokerRefuses", code: random.pick([2, 3, 4, 5]), forMs };
    case 10:
      return { kind: "brokerStalls", forMs };
    case 11:
      return random.chance(0.5)
        ? { kind: "brokerLate", lateMs: random.whole(100, 20 * SECOND), forMs }
        : { kind: "brokerCloses", probability: random.unit() * 0.4, forMs };
    case 12:
      return { kind: "sensorGone", device, forMs };
    case 13:
      return {
        kind: "clockJump",
        device,
        byMs: random.whole(-3, 3) * HOUR + random.whole(-HOUR, HOUR),
        how: random.pick(LIES),
      };
    default:
      return { kind: "newSettings", device, room: random.pick(ROOMS), qos: random.pick([1, 2] as const) };
  }
}
