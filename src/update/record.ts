/*
 * The progress of an update: one value in the key-value store, beside the settings. The old and the new firmware read what the
 * other has written, so it is JSON, of which each uses the fields that it knows. The store writes a value completely or not at
 * all.
 */
import { fromASCII, toASCII } from "../common/ascii.js";
import type { Slots } from "./io.js";
import { isOffer, type Offer } from "./offer.js";

/** Its key in the store. */
export const UPDATE_KEY = "update";
/** Longest `why` and `sensor`, in characters. */
const MAX_TEXT = 160;
/** At the end of a `why` that was cut. */
const CUT = "...";

/** The name of each phase in `status` and log, after the version. */
const WORDS = Object.freeze({
  /** Blocks are being written. */
  receiving: "is being received",
  /** All blocks are written, and are read back. */
  verifying: "is verified",
  /** The signature is valid, and the image is about to start. */
  switching: "is started",
  /** The image has started. */
  trial: "is on trial",
  confirmed: "is confirmed",
  rolledBack: "was rolled back",
  failed: "failed",
});

/** The phases; `confirmed`, `rolledBack` and `failed` are the results of an update. */
export type Phase = keyof typeof WORDS;

/** The update has ended. */
export function isOver(phase: Phase | undefined): boolean {
  return phase === "confirmed" || phase === "rolledBack" || phase === "failed";
}

/** The progress of an update. */
export interface UpdateRecord {
  phase: Phase;
  offer: Offer;
  /** The slot for the image. */
  readonly target: number;
  /** Bytes that are certainly written. */
  at: number;
  /** How often the image was selected. */
  tries: number;
  /** On a device that sleeps: times in a row that it was awake and no block came. */
  quiet: number;
  /** The sensor's fault before the switch, as `faultInRecord` has it; "": none. */
  sensor: string;
  /** Why it ended, or what ended the trial; "": not known. */
  why: string;
}

/** What is needed of `embedded:storage/key-value`. */
export interface UpdateStore {
  read(key: string): ArrayBuffer | Uint8Array | undefined;
  write(key: string, value: ArrayBuffer): void;
}

/** The record of the last update; undefined: there is none, or it is damaged. */
export function readRecord(store: UpdateStore): UpdateRecord | undefined {
  try {
    const record = JSON.parse(fromASCII(new Uint8Array(store.read(UPDATE_KEY) as ArrayBuffer)) as string);
    if (isOffer(record.offer) && Object.hasOwn(WORDS, record.phase)) return record;
  } catch {} // no JSON, or a store that cannot be read: there is none
  return;
}

/** A fault as a record has it, printable ASCII of limited length: for comparing it with one read from a record. */
export function faultInRecord(fault: string): string {
  return fromASCII(toASCII(fault.slice(0, MAX_TEXT))) as string;
}

/** Shortens a `why` that is too long. @throws the exceptions of the store */
export function writeRecord(store: UpdateStore, record: UpdateRecord): void {
  const { why } = record;
  if (why.length > MAX_TEXT) record.why = `${why.slice(0, MAX_TEXT - CUT.length)}${CUT}`;
  store.write(UPDATE_KEY, toASCII(JSON.stringify(record)).buffer as ArrayBuffer);
}

/** For people: `0.3.0 failed: wrong signature`. */
export function lineOf({ phase, offer, why }: UpdateRecord): string {
  return `${offer.version} ${WORDS[phase]}${why === "" ? "" : `: ${why}`}`;
}

/** The phase in which a boot begins; undefined: no update is under way. */
export function phaseAtBoot(record: UpdateRecord | undefined, slots: Slots): Phase | undefined {
  const { phase, target } = record ?? {};
  const isNew = slots.running === target;
  if (phase === undefined || isOver(phase)) return slots.isTrial ? "trial" : undefined;
  if (phase === "receiving" || phase === "verifying") return isNew ? undefined : phase;
  // A phase of "trial" or "switching". In the new slot: without a trial, "switching" means that a cut erase has damaged the entry in boot
  // selection, and "trial" that the image was confirmed and the power was cut before this was recorded.
  if (isNew) return slots.isTrial || phase === "switching" ? "trial" : "confirmed";
  // In the old slot: "switching" without a failure means that the power was cut before the image was selected, or while it was.
  return phase === "trial" || slots.hasFailed ? "rolledBack" : "verifying";
}
