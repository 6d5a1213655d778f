/*
 * How far an update has come: one value in the key-value store, beside the settings. Written by the old firmware and read by the new
 * one, and the other way round: JSON, of which each takes what it knows. The store writes a value at once or not at all.
 */
import { fromASCII, toASCII } from "../common/ascii.js";
import type { Slots } from "./io.js";
import { isOffer, type Offer } from "./offer.js";

/** Under which key it lies. */
export const UPDATE_KEY = "update";
/** Characters of `why`. */
const MAX_WHY = 160;

/** What each phase is called in a line for people, after the version. */
const WORDS = Object.freeze({
  /** Blocks are written. */
  receiving: "comes",
  /** All are, and are read back. */
  verifying: "is verified",
  /** It is genuine, and is about to start. */
  switching: "is started",
  /** It has started. */
  trial: "is on trial",
  confirmed: "is confirmed",
  rolledBack: "was taken back",
  failed: "failed",
});

/** The last three: how an update ended. */
export type Phase = keyof typeof WORDS;

/** No update is under way any more. */
export function isOver(phase: Phase | undefined): boolean {
  return phase === "confirmed" || phase === "rolledBack" || phase === "failed";
}

/** How far an update has come. */
export interface UpdateRecord {
  phase: Phase;
  offer: Offer;
  /** The slot that the image is for. */
  readonly target: number;
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
    const record = JSON.parse(fromASCII(new Uint8Array(store.read(UPDATE_KEY) as ArrayBuffer)) as string);
    if (isOffer(record.offer) && Object.hasOwn(WORDS, record.phase)) return record;
  } catch {} // no JSON, or a store that cannot be read: there is none
  return;
}

/** @throws what the store throws */
export function writeRecord(store: UpdateStore, record: UpdateRecord): void {
  record.why = record.why.slice(0, MAX_WHY);
  record.sensor = record.sensor.slice(0, MAX_WHY);
  store.write(UPDATE_KEY, toASCII(JSON.stringify(record)).buffer as ArrayBuffer);
}

/** For people: `0.3.0 failed: wrong signature`. */
export function lineOf({ phase, offer, why }: UpdateRecord): string {
  return `${offer.version} ${WORDS[phase]}${why === "" ? "" : `: ${why}`}`;
}

/** The phase that a boot begins in; undefined: no update is under way. */
export function phaseAtBoot(record: UpdateRecord | undefined, slots: Slots): Phase | undefined {
  const { phase, target } = record ?? {};
  const isNew = slots.running === target;
  if (phase === undefined || isOver(phase)) return slots.isTrial ? "trial" : undefined;
  if (phase === "receiving" || phase === "verifying") return isNew ? undefined : phase;
  if (isNew) return slots.isTrial ? "trial" : "confirmed"; // the power went before that was entered
  // Else it went before the image was selected, or while it was.
  return phase === "trial" || slots.hasFailed ? "rolledBack" : "verifying";
}
