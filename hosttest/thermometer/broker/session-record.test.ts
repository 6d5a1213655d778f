/*
 * Which version of MQTT a broker speaks, remembered beside the session: across boots, for that broker alone, and 5 is tried again
 * after days.
 */
import { describe, expect, test } from "vitest";
import { Sticky } from "../../../src/journal/sticky.js";
import { WINDOW } from "../../../src/outbox/blocks/marks.js";
import { SessionRecord } from "../../../src/thermometer/broker/session-record.js";

const TAG = 2;
const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 10, 28, 13);

/** A flash of one note; `writes` counts. */
function recordOn(note?: Uint8Array) {
  const flash = { note, writes: 0 };
  const store = {
    readNote: (tag: number) => (tag === TAG ? flash.note : undefined),
    note: (_tag: number, value: Uint8Array) => {
      flash.note = value.slice();
      flash.writes++;
    },
  };
  const sticky = new Sticky(store);
  return { flash, record: new SessionRecord(store, sticky), boot: () => new SessionRecord(store, sticky) };
}

describe("the version that a broker speaks", () => {
  test("is known after a boot; 5 for good, 3.1.1 for three days", () => {
    const { record, boot } = recordOn();
    expect(record.level(NOW_MS)).toBeUndefined();
    record.record("t1", "broker", 1883, 8, 5, NOW_MS);
    expect(boot().level(NOW_MS + 100 * DAY_MS)).toBe(5);
    record.record("t1", "broker", 1883, 8, 4, NOW_MS);
    expect(boot().level(NOW_MS)).toBe(4);
    expect(boot().level(NOW_MS + 2 * DAY_MS)).toBe(4);
    expect(boot().level(NOW_MS + 3 * DAY_MS)).toBeUndefined();
    expect(boot().level(undefined)).toBe(4); // the clock is not set: it cannot be seen to be old
  });

  test("a day from a clock that ran ahead does not count for ever", () => {
    const { record, boot } = recordOn();
    record.record("t1", "broker", 1883, 8, 4, NOW_MS + 400 * DAY_MS);
    expect(boot().level(NOW_MS)).toBeUndefined();
  });

  test("one seen without a clock is dated when it is seen again with one", () => {
    const { flash, record, boot } = recordOn();
    record.record("t1", "broker", 1883, 8, 4, undefined);
    expect(boot().level(undefined)).toBe(4);
    expect(boot().level(NOW_MS)).toBeUndefined(); // it may be old
    record.record("t1", "broker", 1883, 8, 4, NOW_MS);
    expect(boot().level(NOW_MS + DAY_MS)).toBe(4);
    expect(flash.writes).toBe(2);
  });

  test("is not used for another broker, and kept if an answer does not contain it", () => {
    const { record } = recordOn();
    record.record("t1", "broker", 1883, 8, 4, NOW_MS);
    record.record("t1", "broker", 1883, 32);
    expect([record.level(NOW_MS), record.perhapsSent]).toEqual([4, 32]);
    record.record("t1", "other", 1883, 8);
    expect([record.level(NOW_MS), record.perhapsSent]).toEqual([undefined, 8]);
  });

  test("a new session begins with its own reach; what was sent in the old one is forgotten with it", () => {
    const { record, boot } = recordOn();
    record.record("t1", "broker", 1883, 8, 5, NOW_MS);
    record.record("t1", "broker", 1883, 24);
    record.record("t1", "broker", 1883, 8, 5, NOW_MS);
    expect(boot().perhapsSent).toBe(24);
    record.record("t1", "broker", 1883, 16, 5, NOW_MS, true);
    expect([boot().perhapsSent, boot().level(NOW_MS)]).toEqual([16, 5]);
  });

  test("a reach that one byte cannot hold stands for all that the outbox delivers from its oldest entry on", () => {
    for (const reach of [255, WINDOW, 1_000]) {
      const { record, boot } = recordOn();
      record.record("t1", "broker", 1883, reach);
      expect(boot().perhapsSent).toBe(WINDOW);
    }
    const { record, boot } = recordOn();
    record.record("t1", "broker", 1883, 254);
    expect(boot().perhapsSent).toBe(254);
  });

  test("costs no flash while nothing changes", () => {
    const { flash, record } = recordOn();
    for (let n = 0; n < 100; n++) record.record("t1", "broker", 1883, 8, 4, NOW_MS + n * 60_000);
    for (let n = 0; n < 100; n++) record.record("t1", "broker", 1883, 4, 4);
    expect(flash.writes).toBe(1);
  });
});

describe("notes of older firmware", () => {
  /** A note as older firmware wrote it: cut to that length. */
  function oldNote(length: number): Uint8Array {
    const { flash, record } = recordOn();
    record.record("t1", "broker", 1883, 8, 5, NOW_MS);
    return (flash.note as Uint8Array).slice(0, length);
  }

  test.each([
    [8, 64], // 0.1
    [9, 8],
  ])("of %d bytes name the same session, and no version", (length, window) => {
    const { flash, record } = recordOn(oldNote(length));
    expect(record.is("t1", "broker", 1883)).toBe(true);
    expect(record.perhapsSent).toBe(window);
    expect(record.level(NOW_MS)).toBeUndefined();
    record.record("t1", "broker", 1883, 8);
    expect(flash.writes).toBe(0);
    record.record("t1", "broker", 1883, 8, 5, NOW_MS);
    expect([record.perhapsSent, record.level(NOW_MS)]).toEqual([window, 5]);
  });
});

test("the record names its session: another id, host or port is another session, and there is none after `forget`", () => {
  const { record, boot } = recordOn();
  record.record("t1", "broker", 1883, 8, 5, NOW_MS);
  for (let turn = 0; turn < 2; turn++) {
    expect(record.is("t1", "broker", 1883)).toBe(true);
    expect(record.is("t2", "broker", 1883)).toBe(false);
    expect(record.is("t1", "other", 1883)).toBe(false);
    expect(record.is("t1", "broker", 1884)).toBe(false);
  }
  record.forget();
  expect(record.is("t1", "broker", 1883)).toBe(false);
  record.record("t1", "other", 1883, 8, 4, NOW_MS);
  expect([record.is("t1", "broker", 1883), record.is("t1", "other", 1883)]).toEqual([false, true]);
  expect([boot().is("t1", "other", 1883), boot().level(NOW_MS)]).toEqual([true, 4]);
});
