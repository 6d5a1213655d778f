/*
 * From firmware 0.1's formats to today's, and back by rollback: 0.1's own code reads the flash that an image on trial has written, with a
 * full outbox, and with samples that the trial took, settled and evicted.
 */
import { describe, expect, test } from "vitest";
import { generator, NorFlash } from "../../boards/parts/flash/nor-flash.js";
import { KeyValueOnFlash } from "../../boards/parts/key-value.js";
import { Formats } from "../../src/journal/formats.js";
import { Settings } from "../../src/settings/settings.js";
import { Announcement } from "../../src/thermometer/presence/announcement.js";
import { firmware01 } from "./support/firmware-0.1.js";
import { OldRecorder, type Recorder, type RecorderOptions, TodaysRecorder } from "./support/recorder.js";

const BLOCKS = 6;
const BEGINS_MS = Date.UTC(2026, 5, 17, 9, 0, 0);
/** Error of the uptime: as much as a crystal may have. */
const DRIFT = 1.00015;

class House {
  readonly flash: NorFlash;
  nowMs = 0;
  readonly taken = new Map<number, { value: number; utcMs: number; isDated: boolean }>();
  /** Channels of the sensor: some have only a temperature. */
  humidity: number | undefined = 45.5;
  readonly evicted: [first: number, end: number][] = [];
  #bootMs = 0;
  #isSet = false;
  readonly options: RecorderOptions;

  constructor(writeUnit: 1 | 16, whenFull: "dropOldest" | "refuse") {
    this.flash = new NorFlash({ blocks: BLOCKS, writeUnit, random: generator(1) });
    this.options = {
      flash: this.flash,
      writeUnit,
      whenFull,
      clock: {
        uptimeMs: () => Math.round((this.nowMs - this.#bootMs) * DRIFT),
        utcMs: () => (this.#isSet ? BEGINS_MS + this.nowMs : undefined),
      },
      onEvicted: (first, end) => this.evicted.push([first, end]),
    };
  }

  boot<T extends Recorder>(make: (options: RecorderOptions) => T): T {
    this.flash.powerOn();
    this.#bootMs = this.nowMs;
    this.#isSet = false;
    return make(this.options);
  }

  /** Takes `count` samples; the clock is set again every hundred. */
  take(recorder: Recorder, count: number): void {
    const isDated = count > 50;
    for (let n = 0; n < count; n++) {
      this.nowMs += 10_000;
      if (n % 100 === 50) {
        this.#isSet = true;
        recorder.clockSet();
        this.#isSet = false;
      }
      const { next } = recorder;
      const value = 20 + (next % 100) / 10;
      const sequence = recorder.take(value, this.humidity);
      if (sequence >= 0) this.taken.set(sequence, { value, utcMs: BEGINS_MS + this.nowMs, isDated });
      recorder.idle();
    }
  }

  settle(recorder: Recorder, count: number): void {
    for (let n = 0; n < count; n++) {
      const entry = recorder.waiting();
      if (entry === undefined) return;
      this.see(entry.sequence, entry);
      recorder.released(entry.sequence);
      recorder.settle(entry.sequence);
      this.taken.delete(entry.sequence);
    }
  }

  /** All samples that were taken and not evicted are there, once, unchanged, in order. */
  drain(recorder: Recorder): number {
    expect(recorder.statistics.tornRecords).toBe(0); // each record is one that it knows
    let count = 0;
    let last = -1;
    for (let entry = recorder.waiting(); entry !== undefined; entry = recorder.waiting(), count++) {
      expect(entry.sequence).toBeGreaterThan(last);
      last = entry.sequence;
      this.see(entry.sequence, entry);
      recorder.settle(entry.sequence);
      this.taken.delete(entry.sequence);
    }
    const lost = [...this.taken.keys()].filter((n) => !this.evicted.some(([first, end]) => n >= first && n < end));
    expect(lost).toEqual([]);
    expect(recorder.statistics).toMatchObject({ entries: 0, damaged: 0 });
    return count;
  }

  see(sequence: number, { value, ts }: { value: number; ts?: string }): void {
    const truth = this.taken.get(sequence);
    expect(value, `entry ${sequence}`).toBe(truth?.value);
    if (truth?.isDated) expect(ts, `entry ${sequence}`).toBeDefined();
    if (ts !== undefined) expect(Math.abs(Date.parse(ts) - (truth?.utcMs ?? 0))).toBeLessThan(3_000);
  }
}

const older = (options: RecorderOptions) => new OldRecorder(options);
const trial = (options: RecorderOptions) => new TodaysRecorder(options, true);

describe.each([1, 16] as const)("in units of %i, a full outbox", (writeUnit) => {
  function full(whenFull: "dropOldest" | "refuse"): House {
    const house = new House(writeUnit, whenFull);
    house.take(house.boot(older), 1_100);
    return house;
  }

  test("a trial that takes and sends samples; after the rollback, 0.1 sends all the rest", () => {
    const house = full("refuse");
    const image = house.boot(trial);
    house.settle(image, 20);
    house.take(image, 60);
    for (const count of [5, 1, 30]) {
      house.settle(image, count); // reset at once: settled entries stay settled
      house.take(image, 7);
    }
    expect(house.drain(house.boot(older))).toBeGreaterThan(300);
  });

  test("a trial that only takes samples, round the whole flash, with entries in flight that are kept", () => {
    const house = full("dropOldest");
    house.humidity = undefined;
    const image = house.boot(trial);
    image.outbox.setInFlight(image.waiting()!.sequence + 8);
    house.take(image, 1_200);
    expect(house.drain(house.boot(older))).toBeGreaterThan(300);
  });

  test("trial after trial, each rolled back; then one that is confirmed", () => {
    const house = full("dropOldest");
    for (let n = 0; n < 3; n++) {
      const image = house.boot(trial);
      house.take(image, 90);
      house.settle(image, 70);
      const old = house.boot(older);
      house.settle(old, 30);
      house.take(old, 40);
    }
    const image = house.boot(trial);
    house.take(image, 50);
    image.confirmed();
    house.settle(image, 400);
    house.take(image, 600);
    expect(() => house.boot(older)).toThrow("format version 2 on flash");
    expect(house.drain(house.boot((options) => new TodaysRecorder(options, false)))).toBeGreaterThan(100);
  });
});

test("times a tenth of a second apart are stored as by 0.1", () => {
  const house = new House(1, "refuse");
  house.take(house.boot(older), 10);
  const image = house.boot(trial);
  house.take(image, 5);
  house.nowMs += 100;
  house.taken.set(image.next, { value: 21, utcMs: BEGINS_MS + house.nowMs, isDated: false });
  image.take(21, 50);
  expect(house.drain(house.boot(older))).toBe(16);
});

describe("beside the outbox", () => {
  const store = () => new KeyValueOnFlash(new NorFlash({ blocks: 4, random: generator(2) }));

  test("settings saved on trial are in force in 0.1, except those that it does not know", () => {
    const flash = store();
    const settings = new Settings({ store: flash });
    for (const [key, value] of [
      ["room", "attic"],
      ["interval", "30"],
      ["mqtt.host", "10.0.0.1"],
      ["topics", "each"],
      ["deadband.humidity", "2"],
    ])
      settings.set(key, value);
    settings.save();
    const problems: string[] = [];
    const old = new firmware01.Settings({ store: flash, onProblem: (text) => problems.push(text) });
    expect(problems).toEqual([]);
    expect([old.get("room"), old.get("interval"), old.get("mqtt.host")]).toEqual(["attic", 30, "10.0.0.1"]);
  });

  test("names that the broker knows: as 0.1 wrote them until the confirmation, and in full afterwards", () => {
    const flash = store();
    const formats = new Formats(true);
    const names = { room: "attic", id: "t1", prefix: "ha/discovery", channels: 3 };
    new Announcement(flash, formats).write([{ ...names, room: "cellar" }, names]);
    expect(new firmware01.Announcement(flash).read()).toEqual([
      { room: "cellar", id: "t1" },
      { room: "attic", id: "t1" },
    ]);
    formats.confirm();
    new Announcement(flash, formats).write([names]);
    expect(new Announcement(flash, formats).read()).toEqual([names]);
  });
});
