/*
 * The previous image can read what an image on trial writes: the trial continues a full outbox in firmware 0.1's format, which 0.1 can
 * read again. The newest format is written only after the confirmation.
 */
import { expect, test } from "vitest";
import { generator, NorFlash } from "../../boards/parts/flash/nor-flash.js";
import { Formats } from "../../src/journal/formats.js";
import { Journal } from "../../src/journal/journal.js";
import { Sticky } from "../../src/journal/sticky.js";
import { decodeHeader, emptyHeader, isHeader } from "../../src/outbox/flash/layout.js";
import { Outbox } from "../../src/outbox/outbox.js";
import { sampleOf } from "../support/sample.js";
import { Version1Flash } from "../support/version-1-flash.js";

const BLOCKS = 6;
const OPEN_WORD = 4;
const PAYLOAD = 24; // too long for a short frame, which 0.1 did not have

/** The format versions of the blocks that are in use or were. */
function versions(flash: NorFlash): Set<number> {
  const found = new Set<number>();
  for (let block = 0; block < flash.blocks; block++) {
    const words = new Int32Array(flash.bytes.slice(block * 4096, block * 4096 + 64).buffer);
    const header = emptyHeader();
    if (isHeader(words, OPEN_WORD) && decodeHeader(header, words, OPEN_WORD)) found.add(header.version);
  }
  return found;
}

/** Settles all entries, and checks that each is unchanged and none is missing. @returns their number */
function drain(outbox: Outbox): number {
  const { entries } = outbox;
  let last = -1;
  for (let left = entries; left > 0; left--) {
    const entry = outbox.seek(0)!;
    expect(entry.sequence).toBeGreaterThan(last);
    last = entry.sequence;
    expect([...entry.payload.subarray(0, entry.payloadLength)]).toEqual([...payloadOf(entry.sequence)]);
    outbox.settle(entry.sequence);
  }
  expect(outbox.seek(0)).toBeUndefined();
  return entries;
}

/** Entries of consecutive numbers. */
function append(outbox: Outbox, count: number): void {
  for (let n = 0; n < count; n++) outbox.append(payloadOf(outbox.nextSequence), 1);
}

const payloadOf = (n: number): Uint8Array => new Uint8Array(PAYLOAD).map((_, at) => (n * 7 + at) & 255);

/** A full flash, as firmware 0.1 leaves it. */
function full(): NorFlash {
  const flash = new NorFlash({ blocks: BLOCKS, random: generator(1) });
  const old = new Outbox({ flash: new Version1Flash(flash), whenFull: "refuse" });
  while (old.append(payloadOf(old.nextSequence), 1) >= 0) {}
  return flash;
}

test("a trial on a full outbox of 0.1, through two rounds of it and a power cut, and back: 0.1 reads all that is there", () => {
  const flash = full();
  let trial = new Outbox({ flash, keepsFormat: true });
  expect(trial.entries).toBeGreaterThan(500);
  append(trial, 300);
  flash.powerOff();
  flash.powerOn();
  trial = new Outbox({ flash, keepsFormat: true });
  append(trial, 1_200);
  const { entries } = trial;
  expect(versions(flash)).toEqual(new Set([1]));
  const old = new Outbox({ flash: new Version1Flash(flash) });
  expect(old.nextSequence).toBe(trial.nextSequence);
  expect(drain(old)).toBe(entries);
});

test("after the confirmation the next block has the newest format, and all is read", () => {
  const flash = full();
  const outbox = new Outbox({ flash, keepsFormat: true });
  expect(outbox.isNewestFormat).toBe(false);
  outbox.useNewestFormat();
  append(outbox, 200);
  expect([...versions(flash)].sort()).toEqual([1, 2]);
  const { entries } = outbox;
  expect(drain(new Outbox({ flash }))).toBe(entries);
});

test("on a flash without an outbox, a trial starts with the oldest format; on one with today's it continues with that", () => {
  const flash = new NorFlash({ blocks: BLOCKS, random: generator(2) });
  new Outbox({ flash, keepsFormat: true }).append(payloadOf(1), 1);
  expect(versions(flash)).toEqual(new Set([1]));
  const today = new NorFlash({ blocks: BLOCKS, random: generator(3) });
  new Outbox({ flash: today }).append(payloadOf(1), 1);
  const trial = new Outbox({ flash: today, keepsFormat: true });
  expect(trial.isNewestFormat).toBe(true);
});

test("samples are stored in full records during the trial, and in short ones afterwards", () => {
  const lengths: number[] = [];
  let uptimeMs = 0;
  const store = {
    append: (payload: Uint8Array) => lengths.push(payload.length) - 1,
    get nextSequence() {
      return lengths.length;
    },
    note: () => {},
    readNote: () => undefined,
    noteAt: () => undefined,
    findNoteAfter: () => false,
  };
  const formats = new Formats(true);
  const journal = new Journal({
    store,
    formats,
    notes: new Sticky(store),
    clock: { uptimeMs: () => uptimeMs, utcMs: () => undefined },
    boot: 1,
    room: Uint8Array.of(0x6b),
    topicOf: (room) => room,
    format: "json",
    isEach: false,
    intervalMs: 10_000,
  });
  const sample = sampleOf({ temperature: 21.5 });
  const take = (count: number): void => {
    for (let n = 0; n < count; n++, uptimeMs += 10_000) journal.append(sample, 1);
  };
  take(60);
  expect(new Set(lengths)).toEqual(new Set([12]));
  formats.confirm();
  take(60);
  expect(lengths.at(-1)).toBe(3);
});
