/*
 * How far an update has come: one value in the key-value store, beside the settings. Written by the old firmware and read by the new
 * one, and the other way round: JSON, of which each takes what it knows. The store writes a value at once or not at all.
 */
import { fromASCII, toASCII } from "../common/ascii.js";
import { isOffer, type Offer } from "./offer.js";

/** Under which key it lies. */
export const UPDATE_KEY = "update";
/** Characters of `why`. */
const MAX_WHY = 160;

/**
 * "receiving": blocks are written. "verifying": all are. "switching": it is genuine, and is about to start. "trial": it has started.
 * "confirmed", "rolledBack", "failed": how it ended.
 */
export type Phase = "receiving" | "verifying" | "switching" | "trial" | "confirmed" | "rolledBack" | "failed";

const PHASES: readonly Phase[] = Object.freeze([
  "receiving",
  "verifying",
  "switching",
  "trial",
  "confirmed",
  "rolledBack",
  "failed",
]);

/** How far an update has come. */
export interface UpdateRecord {
  phase: Phase;
  offer: Offer;
  /** The slot that the image is for. */
  readonly target: number;
  /** The version that ran before. */
  readonly from: string;
  /** So many bytes are surely written. */
  at: number;
  /** How often it was selected. */
  tries: number;
  /** Of a device that sleeps: sleeps in a row before which no block had come. */
  quiet: number;
  /** What was wrong with the sensor before the switch; "": nothing. */
  sensor: string;
  /** Why it ended, or what ended the trial; "": not said. */
  why: string;
}

/** What is needed of `embedded:storage/key-value`. */
export interface UpdateStore {
  read(key: string): ArrayBuffer | Uint8Array | undefined;
  write(key: string, value: ArrayBuffer): void;
}

/** The last update's; undefined: there was none, or nothing sound is there. */
export function readRecord(store: UpdateStore): UpdateRecord | undefined {
  try {
    const value = store.read(UPDATE_KEY);
    if (value === undefined) return;
    const text = fromASCII(value instanceof Uint8Array ? value : new Uint8Array(value)) as string;
    const { phase, offer, target, from, at, tries, quiet, sensor, why } = JSON.parse(text);
    if (!PHASES.includes(phase) || !isOffer(offer)) return;
    return {
      phase,
      offer,
      target: Number(target),
      from: String(from),
      at: Number(at) || 0,
      tries: Number(tries) || 0,
      quiet: Number(quiet) || 0,
      sensor: String(sensor),
      why: String(why),
    };
  } catch {
    return;
  }
}

/** @throws what the store throws */
export function writeRecord(store: UpdateStore, record: UpdateRecord): void {
  record.why = record.why.slice(0, MAX_WHY);
  record.sensor = record.sensor.slice(0, MAX_WHY);
  store.write(UPDATE_KEY, toASCII(JSON.stringify(record)).buffer as ArrayBuffer);
}

/** What a boot makes of it. */
export type Duty = "none" | "receive" | "verify" | "trial" | "report";

/**
 * What this boot has to do. `words`: how the life before this one ended, for a trial that could not say it. An end that is found here
 * is entered into `record`, which is to be written then: "report".
 */
export function dutyOf(
  record: UpdateRecord | undefined,
  slots: { readonly running: number; readonly isTrial: boolean; readonly hasFailed: boolean },
  words: string,
): Duty {
  if (record === undefined) return slots.isTrial ? "trial" : "none";
  const isNew = slots.running === record.target;
  switch (record.phase) {
    case "receiving":
      return isNew ? "none" : "receive";
    case "verifying":
      return isNew ? "none" : "verify";
    case "switching":
      if (isNew) return "trial";
      if (!slots.hasFailed) return "verify"; // the power went before it was selected, or while it was
      break;
    case "trial":
      if (isNew) return "trial";
      break;
    case "confirmed":
    case "rolledBack":
    case "failed":
      return slots.isTrial ? "trial" : "none";
    default:
      throw new TypeError(`phase: ${JSON.stringify(record.phase satisfies never)}`);
  }
  record.phase = "rolledBack";
  if (record.why === "") record.why = `it ended before it was confirmed${words === "" ? "" : `: ${words}`}`;
  return "report";
}
