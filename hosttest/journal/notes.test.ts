/*
 * The journal's notes, and what it does when a note is missing, damaged or refused.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NorFlash } from "../../boards/parts/flash/nor-flash.js";
import { Journal, type JournalStore } from "../../src/journal/journal.js";
import { ROOM } from "../../src/journal/notes.js";
import { MAX_PAYLOAD } from "../../src/journal/render.js";
import { Sticky } from "../../src/journal/sticky.js";
import { Outbox } from "../../src/outbox/outbox.js";
import { SessionRecord } from "../../src/thermometer/broker/session-record.js";
import { Lifetime } from "../../src/thermometer/lifetime.js";
import { sampleOf } from "../support/sample.js";
import { ReadingDevice, START_UTC_MS, stamp, utf8 } from "./device.js";

const HOUR = 3_600_000;

describe("what is counted over the device's life", () => {
  test("survives a reboot and any number of blocks: boots, dead letters, possible doubles", () => {
    const device = new ReadingDevice({ blocks: 4 });
    device.lifetime.countDeadLetter();
    device.lifetime.countPossibleDoubles(3);
    device.lifetime.countPossibleDoubles(0);
    for (let i = 0; i < 500; i++) device.outbox.settle(device.append(20));
    device.boot();
    expect(device.lifetime).toMatchObject({ boots: 2, deadLetters: 1, possibleDoubles: 3 });
  });

  test("is damaged: the boot's number is taken from the clock's note, so that no reading is dated by another boot", () => {
    const device = new ReadingDevice();
    device.boot();
    device.boot();
    device.setClock();
    const old = device.append(20);
    device.pass(HOUR);
    damageNote(device.flash, device.outbox, 3);
    device.boot();
    expect(device.outbox.readNote(ROOM)).toBeDefined();
    expect(device.lifetime.boots).toBe(4);
    device.pass(HOUR);
    device.setClock();
    expect(device.see(old)?.ts).toBe(stamp(START_UTC_MS));
  });
});

describe("the session record", () => {
  test("a smaller window later in the same session does not hide what a larger one has sent; another session's does not count", () => {
    const device = new ReadingDevice();
    device.sessionRecord.record("t1", "broker", 1883, 32);
    device.sessionRecord.record("t1", "broker", 1883, 8);
    expect(device.sessionRecord.perhapsSent).toBe(32);
    device.boot();
    expect(device.sessionRecord.perhapsSent).toBe(32);
    device.sessionRecord.record("t1", "broker", 1883, 40);
    expect(device.sessionRecord.perhapsSent).toBe(40);
    device.sessionRecord.record("t1", "other", 1883, 8);
    device.boot();
    expect(device.sessionRecord.perhapsSent).toBe(8);
  });

  test("is this broker's and this client's, until it is another's", () => {
    const device = new ReadingDevice();
    expect(device.sessionRecord.is("t1", "broker", 1883)).toBe(false);
    device.sessionRecord.record("t1", "broker", 1883, 8);
    device.boot();
    expect(device.sessionRecord.is("t1", "broker", 1883)).toBe(true);
    for (const [id, host, port] of [
      ["t2", "broker", 1883],
      ["t1", "other", 1883],
      ["t1", "broker", 8883],
    ] as const) {
      expect(device.sessionRecord.is(id, host, port)).toBe(false);
    }
  });
});

describe("a flash that does not take notes", () => {
  /** An outbox of which `note` fails while `fails` is set. */
  function failing(flash: NorFlash): JournalStore & { fails: boolean; readonly outbox: Outbox } {
    const outbox = new Outbox({ flash });
    return {
      fails: true,
      outbox,
      append: (payload, qos) => outbox.append(payload, qos),
      skip: () => outbox.skip(),
      note(tag, value) {
        if (this.fails) throw new Error("no free space");
        outbox.note(tag, value);
      },
      get nextSequence() {
        return outbox.nextSequence;
      },
      readNote: (tag) => outbox.readNote(tag),
      noteAt: (sequence, tag) => outbox.noteAt(sequence, tag),
      findNoteAfter: (sequence, tag, visit) => outbox.findNoteAfter(sequence, tag, visit),
    };
  }

  test("with an entry for each channel: -1 if the first is refused, whether the second is or not; otherwise the first one's number", () => {
    const outcomes: number[] = [];
    let next = 100;
    const store: JournalStore = {
      append: () => {
        const number = next++;
        return outcomes.shift() === -1 ? -1 : number;
      },
      note: () => {},
      nextSequence: 100,
      readNote: () => undefined,
      noteAt: () => undefined,
      findNoteAfter: () => false,
    };
    const journal = new Journal({
      store,
      notes: new Sticky(store),
      clock: { uptimeMs: () => 5_000, utcMs: () => undefined },
      boot: 1,
      room: utf8("bath"),
      format: "json",
      intervalMs: 60_000,
      isEach: true,
      topicOf: (room: Uint8Array) => room,
    });
    const sample = sampleOf({ temperature: 20, humidity: 50 });
    outcomes.push(-1, 0);
    expect(journal.append(sample, 1)).toBe(-1);
    outcomes.push(0, -1);
    expect(journal.append(sample, 1)).toBe(102);
    outcomes.push(-1, -1);
    expect(journal.append(sample, 1)).toBe(-1);
  });

  test("refuses and counts readings until notes can be written: no exception, no misinterpretation", () => {
    const store = failing(new NorFlash({ blocks: 8 }));
    const clock = { uptimeMs: () => 5_000, utcMs: () => START_UTC_MS };
    const options = {
      store,
      clock,
      room: utf8("bath"),
      format: "json",
      intervalMs: 60_000,
      isEach: false,
      topicOf: (room: Uint8Array) => room,
    } as const;
    const notes = new Sticky(store);
    const lifetime = new Lifetime(store, notes);
    const sessionRecord = new SessionRecord(store, notes);
    const journal = new Journal({ ...options, notes, boot: lifetime.boots });
    const sample = sampleOf({ temperature: 20 });
    lifetime.countDeadLetter();
    sessionRecord.record("id", "host", 1, 8);
    expect(journal.append(sample, 1)).toBe(-1);
    expect(store.outbox.statistics().refused).toBe(1);
    store.fails = false;
    expect(journal.append(sample, 1)).toBe(1);
    expect(sessionRecord.is("id", "host", 1)).toBe(true);
    store.fails = true;
    expect(journal.append(sample, 1)).toBe(2); // no note remains to be written
    store.fails = false;
    const nextNotes = new Sticky(store);
    const nextLife = new Lifetime(store, nextNotes);
    const next = new Journal({ ...options, notes: nextNotes, boot: nextLife.boots, room: utf8("attic") });
    expect(nextLife).toMatchObject({ boots: 2, deadLetters: 1, possibleDoubles: 0 });
    const entry = store.outbox.seek(1);
    expect(entry && next.render(entry)?.topic).toEqual(utf8("bath"));
  });
});

describe("any bytes for an entry", () => {
  test("are rendered or not, and never throw", () => {
    const device = new ReadingDevice();
    device.append(20);
    device.boot("attic");
    device.setClock();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), fc.nat(3), fc.boolean(), (bytes, sequence, like) => {
        const payload = Uint8Array.from(bytes);
        if (like) payload[0] = payload.length === 12 ? 2 : 8;
        const message = device.journal.render({ sequence, payload, payloadLength: payload.length });
        if (![12, 14, 18, 22].includes(payload.length)) expect(message).toBeUndefined();
        else if (message !== undefined) expect(message.payloadLength).toBeLessThanOrEqual(MAX_PAYLOAD);
        expect(typeof device.journal.describe({ sequence, payload, payloadLength: payload.length })).toBe("string");
      }),
      { numRuns: 2_000 },
    );
  });
});

/** Flips a bit in every copy of the latest value of a note. */
function damageNote(flash: NorFlash, outbox: Outbox, tag: number): void {
  const value = outbox.readNote(tag) ?? new Uint8Array(0);
  const wanted = Uint8Array.of(tag, ...value);
  let found = 0;
  for (let at = 0; at < flash.bytes.length - wanted.length; at++) {
    if (!wanted.every((byte, i) => flash.bytes[at + i] === byte)) continue;
    flash.bytes[at + 1] ^= 0x10;
    found++;
  }
  expect(found).toBeGreaterThan(0);
}
