/*
 * One flipped bit in any note on flash: room, clock, base, counters of life, session. Each block's head repeats the notes in force, so every
 * reading is sent as without the damage. (The last copy of a note that nothing repeats is another matter: journal.test.ts.)
 */
import { describe, expect, test } from "vitest";
import { NorFlash } from "../../boards/parts/flash/nor-flash.js";
import { BASE, CLOCK, ROOM } from "../../src/journal/notes.js";
import { ReadingDevice, type Seen } from "./device.js";

const MINUTE = 60_000;
const KIND_OF_NOTE = 4;
const LIFETIME = 3;
const SESSION = 2;

interface Found {
  readonly at: number;
  readonly tag: number;
  readonly size: number;
}

/** The notes on flash, by the layout in src/outbox/README.md. In units of 16, what the array holds is encrypted. */
function notesOn(flash: NorFlash): Found[] {
  const bytes = new Uint8Array(flash.bytes.length);
  flash.read(bytes, 0);
  const found: Found[] = [];
  for (let at = 0; at + 8 < bytes.length; at += 4) {
    const info = bytes[at + 1] | (bytes[at + 2] << 8);
    const check = ((info ^ (info >>> 7) ^ (info >>> 14)) & 0x7f) ^ 0x55;
    if (bytes[at] !== 0xfc || bytes[at + 3] !== check || info >>> 12 !== KIND_OF_NOTE) continue;
    found.push({ at, tag: bytes[at + 4], size: 8 + (((info & 0xfff) + 3) & ~3) });
  }
  return found;
}

/** The message of every waiting reading, rendered in either order, because what was found for one entry is used for the next. */
function sentBy(device: ReadingDevice, isBackward = false): Map<number, Seen | undefined> {
  const waiting = device.waiting();
  if (isBackward) waiting.reverse();
  const sent = waiting.map((sequence) => [sequence, device.see(sequence)] as const);
  return new Map(isBackward ? sent.reverse() : sent);
}

/** Three boots in two rooms, whose clocks are set late; the last one ends in a block without new notes. */
function history(geometry: { blocks: number; blockLength: number; writeUnit: 1 | 16 }, perBlock: number): Uint8Array {
  const device = new ReadingDevice(geometry);
  let value = 20;
  const take = (blocks: number): void => {
    for (let i = 0; i < blocks * perBlock; i++) {
      device.pass(MINUTE);
      value += 0.01;
      device.append(value);
    }
  };
  take(0.3);
  device.setClock();
  device.sessionRecord.record("thermometer", "broker", 1883, 8);
  take(1);
  device.boot("attic");
  take(0.2);
  device.setClock();
  take(1.4);
  device.boot();
  take(0.2);
  device.setClock();
  take(1);
  return device.flash.bytes;
}

describe.each([
  { blocks: 8, blockLength: 1024, writeUnit: 1, perBlock: 90 },
  { blocks: 12, blockLength: 1024, writeUnit: 16, perBlock: 40 },
] as const)("in units of $writeUnit", ({ perBlock, ...geometry }) => {
  const image = history(geometry, perBlock);
  const open = (bytes: Uint8Array): ReadingDevice => new ReadingDevice({ ...geometry, bytes, room: "attic" });
  const good = open(image.slice());
  const expected = sentBy(good);
  const notes = notesOn(new NorFlash({ ...geometry, bytes: image }));
  const newest = Math.max(...notes.map(({ at }) => Math.floor(at / geometry.blockLength)));

  test("the history has every note several times, and every reading is sent with its time", () => {
    for (const tag of [ROOM, CLOCK, SESSION, LIFETIME, BASE]) {
      expect(notes.filter((note) => note.tag === tag).length).toBeGreaterThan(2);
    }
    expect(new Set([...expected.values()].map((seen) => seen?.topic)).size).toBe(2);
    expect([...expected.values()].every((seen) => seen?.ts !== undefined)).toBe(true);
  });

  test("a bit flipped in header, value or check of any note changes no message, no boot's number and no session", () => {
    for (const { at, tag, size } of notes) {
      for (const i of [2, 5, size - 3]) {
        const bytes = image.slice();
        bytes[at + i] ^= 1 << (i & 7);
        const device = open(bytes);
        const where = `tag ${tag} at ${at}, byte ${i}`;
        expect(sentBy(device, i % 2 === 0), where).toEqual(expected);
        expect(device.lifetime.boots, where).toBe(good.lifetime.boots);
        expect(device.sessionRecord.perhapsSent, where).toBe(good.sessionRecord.perhapsSent);
      }
    }
  });

  test("all repetitions of the clock's notes but those of the newest block are damaged: the first block's readings have their times", () => {
    const bytes = image.slice();
    const clocks = notes.filter(({ at, tag }) => tag === CLOCK && at % geometry.blockLength < 200);
    const ofBlock = (at: number): number => Math.floor(at / geometry.blockLength);
    const damaged = clocks.filter(({ at }) => ofBlock(at) !== newest);
    expect(damaged.length).toBeGreaterThan(1);
    for (const { at } of damaged) bytes[at + 5] ^= 4;
    const device = open(bytes);
    for (const sequence of [...expected.keys()].slice(0, perBlock / 2)) {
      expect(device.see(sequence)).toEqual(expected.get(sequence));
    }
  });

  test("in the newest block's head: also when the blocks before it are drained, and after more boots", () => {
    const first = newest * geometry.blockLength;
    for (const { at, tag } of notes.filter((note) => note.at >= first)) {
      const bytes = image.slice();
      bytes[at + 5] ^= 4;
      const device = open(bytes);
      device.append(20);
      const kept = [...expected.keys()].slice(-10);
      for (const sequence of expected.keys()) if (sequence < kept[0]) device.outbox.settle(sequence);
      device.outbox.close();
      for (let boot = 0; boot < 3; boot++) {
        device.boot();
        for (const sequence of kept)
          expect(device.see(sequence), `tag ${tag} at ${at}`).toEqual(expected.get(sequence));
      }
      expect(device.lifetime.boots).toBe(good.lifetime.boots + 3);
      expect(device.sessionRecord.perhapsSent).toBe(good.sessionRecord.perhapsSent);
    }
  });
});
