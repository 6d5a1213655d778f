/* Wakes that measure, append and sleep: the content of flash afterwards, and when the whole thermometer is started. */
import { describe, expect, test } from "vitest";
import { NorFlash, PowerCut } from "../../boards/parts/flash/nor-flash.js";
import { Sample } from "../../src/channels/sample.js";
import { Journal } from "../../src/journal/journal.js";
import { BASE } from "../../src/journal/notes.js";
import { Sticky } from "../../src/journal/sticky.js";
import { Outbox } from "../../src/outbox/outbox.js";
import type { Sleeper, WakeCause } from "../../src/power/io.js";
import { WakeRecord } from "../../src/power/record.js";
import { drivers } from "../../src/sensor/drivers.js";
import { Wake } from "../../src/thermometer/sleep/wake.js";
import { sampleTopic } from "../../src/thermometer/topics.js";
import { Bench } from "../sensor/bench.js";

const MINUTE = 60_000;
const ROOM = new TextEncoder().encode("livingroom");
const UTC_MS = Date.UTC(2026, 0, 1);
/** Rate of the slow clock: it is too fast. */
const DRIFT = 1.03;

/** A sleeper on virtual time: an SHT4x in the air, flash, RTC memory. */
class Setup {
  readonly bench = new Bench();
  readonly part = this.bench.attachSHT4x();
  readonly flash: NorFlash;
  readonly memory = new Uint8Array(512);
  cause: WakeCause = "timer";
  firmware = Uint8Array.of(8, 7, 6, 5, 4, 3, 2, 1);
  sleptMs: number | undefined;
  wholes: (WakeRecord | undefined)[] = [];
  wake: Wake | undefined;

  constructor(writeUnit: 1 | 16 = 1) {
    this.flash = new NorFlash({ blocks: 6, blockLength: 1024, writeUnit });
    this.part.celsius = 21;
  }

  get uptimeMs(): number {
    return this.bench.time.nowMs * DRIFT;
  }

  /** The whole thermometer's life before: samples until a base is written, then the record. */
  fallAsleep(change: (record: WakeRecord) => void = () => {}): this {
    const { outbox, journal } = this.mount();
    const sample = new Sample();
    sample.set(0, 21, 2);
    sample.set(1, 50, 1);
    for (let n = 0; n < 6; n++) {
      journal.append(sample, 2);
      this.bench.time.advance(MINUTE / DRIFT);
    }
    const record = new WakeRecord();
    record.base = outbox.readNote(BASE) ?? record.base;
    Object.assign(record, outbox.suspend());
    outbox.close();
    record.qos = 2;
    record.driver = drivers.findIndex(({ name }) => name === "SHT4x");
    record.address = 0x44;
    record.intervalMs = MINUTE;
    record.reportMs = 60 * MINUTE;
    record.nextSampleMs = 6 * MINUTE;
    record.nextReportMs = 66 * MINUTE;
    change(record);
    this.memory.set(record.seal(this.firmware));
    return this;
  }

  mount(utcMs?: number): { outbox: Outbox; journal: Journal } {
    this.flash.powerOn();
    const outbox = new Outbox({ flash: this.flash, writeUnit: this.flash.writeUnit });
    const journal = new Journal({
      store: outbox,
      notes: new Sticky(outbox),
      clock: { uptimeMs: () => this.uptimeMs, utcMs: () => utcMs },
      boot: 1,
      clockState: utcMs === undefined ? undefined : { syncUptimeMs: 0, syncUtcMs: 0, syncNext: 0, sentEnd: 0 }, // it goes on
      room: ROOM,
      format: "json",
      isEach: false,
      intervalMs: MINUTE,
      topicOf: sampleTopic,
    });
    return { outbox, journal };
  }

  /** A start of the chip. Time passes until it sleeps, or the whole thermometer is needed. */
  start(): void {
    this.sleptMs = undefined;
    this.wholes = [];
    this.flash.powerOn();
    const sleeper: Sleeper = {
      cause: this.cause,
      firmware: this.firmware,
      slowClockMs: () => this.uptimeMs,
      readMemory: (buffer) => buffer.set(this.memory.subarray(0, buffer.length)),
      writeMemory: (bytes) => this.memory.set(bytes),
      sleep: (ms) => {
        this.sleptMs = ms;
      },
      close: () => {},
    };
    const board = {
      timers: this.bench.time.timers,
      openFlash: () => this.flash,
      flashWriteUnit: this.flash.writeUnit,
      sensor: this.bench.port,
    };
    this.wake = new Wake(board, sleeper, { onWhole: (record) => this.wholes.push(record) });
    for (let ms = 0; ms < 100 && this.isUnderWay; ms++) this.bench.time.advance(1);
  }

  get isUnderWay(): boolean {
    return this.sleptMs === undefined && this.wholes.length === 0;
  }

  /** Sleeps as long as it was asked for, by the slow clock. */
  sleep(): void {
    this.bench.time.advance((this.sleptMs ?? 0) / DRIFT);
  }

  /** Payloads of the entries in flash, oldest first, once the clock is set. */
  messages(): { value: number; humidity?: number; ts?: string; seq: number }[] {
    const { outbox, journal } = this.mount(UTC_MS + this.uptimeMs);
    const found = [];
    for (let entry = outbox.seek(0); entry !== undefined; entry = outbox.seek(entry.sequence + 1)) {
      const message = journal.render(entry);
      if (message === undefined) throw new Error(`entry ${entry.sequence} is not understood`);
      found.push(JSON.parse(new TextDecoder().decode(message.payload.subarray(0, message.payloadLength))));
    }
    return found;
  }
}

describe.each([1, 16] as const)("write unit %i", (writeUnit) => {
  test("each wake is a sample in flash, on the minute, as the sensor gave it; and none is lost or doubled", () => {
    const setup = new Setup(writeUnit).fallAsleep();
    for (let wake = 0; wake < 20; wake++) {
      setup.part.celsius = 21 + wake / 10;
      setup.start();
      expect([setup.wholes, setup.bench.time.waiting]).toEqual([[], 0]);
      expect(setup.sleptMs).toBeGreaterThan(MINUTE - 1_000);
      setup.sleep();
    }
    const messages = setup.messages().slice(6);
    expect(messages).toHaveLength(20);
    messages.forEach(({ value, humidity, ts, seq }, n) => {
      expect(value).toBeCloseTo(21 + n / 10, 1);
      expect(humidity).toBeGreaterThan(0);
      expect(seq).toBe(6 + n);
      expect(Math.abs(Date.parse(ts as string) - (UTC_MS + (6 + n) * MINUTE))).toBeLessThanOrEqual(1_000);
    });
    expect(setup.flash.violations).toBe(0);
  });

  test("power is cut at any byte of a wake: the sample is there whole or not at all, all before it are", () => {
    for (let cut = 0; ; cut++) {
      const setup = new Setup(writeUnit).fallAsleep();
      setup.flash.cutAfter(cut);
      try {
        setup.start();
      } catch (error) {
        if (!(error instanceof PowerCut)) throw error;
      }
      const isOver = !setup.flash.isOff;
      const seqs = setup.messages().map(({ seq }) => seq);
      expect(
        [
          [0, 1, 2, 3, 4, 5],
          [0, 1, 2, 3, 4, 5, 6],
        ],
        `cut after ${cut}`,
      ).toContainEqual(seqs);
      if (isOver) return;
    }
  });
});

describe("the whole thermometer is requested, once, with flash unchanged", () => {
  const cases: [string, (setup: Setup) => void, boolean][] = [
    ["after power-on, with any memory", (setup) => Object.assign(setup, { cause: "reset" }), false],
    ["for a button", (setup) => Object.assign(setup, { cause: "button" }), true],
    ["when memory is lost", (setup) => setup.memory.fill(0), false],
    ["when a bit of memory is wrong", ({ memory }) => memory.set([memory[77] ^ 4], 77), false],
    ["in another firmware", (setup) => Object.assign(setup, { firmware: new Uint8Array(8) }), false],
    ["when a report is due", (setup) => setup.fallAsleep((record) => Object.assign(record, { nextReportMs: 0 })), true],
    ["without a position", (setup) => setup.fallAsleep((record) => Object.assign(record, { end: 0 })), true],
    [
      "without a base",
      (setup) => setup.fallAsleep((record) => Object.assign(record, { base: new Uint8Array(0) })),
      true,
    ],
    [
      "without a sensor that is known",
      (setup) => setup.fallAsleep((record) => Object.assign(record, { driver: -1 })),
      true,
    ],
    ["where the sensor is not there any more", (setup) => setup.bench.bus.detach(0x44), true],
    ["where the value is far from the base", (setup) => Object.assign(setup.part, { celsius: 60 }), true],
    ["where flash is another", (setup) => setup.flash.bytes.fill(0xff), true],
  ];

  test.each(cases)("%s", (_what, change, isRemembered) => {
    const setup = new Setup().fallAsleep();
    change(setup);
    const before = setup.flash.bytes.slice();
    setup.start();
    expect(setup.wholes).toHaveLength(1);
    expect(setup.wholes[0] !== undefined).toBe(isRemembered);
    expect(setup.sleptMs).toBeUndefined();
    expect(setup.flash.bytes).toEqual(before);
    expect(setup.bench.time.waiting).toBe(0);
  });
});

test("a timer that is early: it sleeps for what is left, and has touched neither flash nor sensor", () => {
  const setup = new Setup().fallAsleep((record) => {
    record.nextSampleMs = 8 * MINUTE;
  });
  const { reads, programs } = setup.flash;
  setup.start();
  expect(setup.sleptMs).toBeGreaterThan(MINUTE);
  expect([setup.flash.reads, setup.flash.programs]).toEqual([reads, programs]);
});

test.each([75, 400])(
  "a timer that is early by %i ms, too little to sleep: it waits, and takes the sample itself",
  (earlyMs) => {
    const setup = new Setup().fallAsleep();
    setup.start();
    setup.bench.time.advance(((setup.sleptMs ?? 0) - earlyMs) / DRIFT);
    setup.start();
    for (let ms = 0; ms < 500 && setup.isUnderWay; ms++) setup.bench.time.advance(1);
    expect(setup.wholes).toEqual([]);
    expect(setup.sleptMs).toBeGreaterThan(MINUTE - 100);
    expect(setup.sleptMs).toBeLessThanOrEqual(MINUTE);
    expect(setup.messages()).toHaveLength(8);
  },
);

test("offset and digits apply as the sampler applies them", () => {
  const setup = new Setup().fallAsleep((record) => record.calibrate(0, 1.5, -1));
  setup.start();
  expect(setup.messages().at(-1)?.value).toBeCloseTo(22.5, 1);
});

test("closed while the sensor measures: nothing continues", () => {
  const setup = new Setup().fallAsleep();
  const before = setup.flash.bytes.slice();
  Object.defineProperty(setup, "isUnderWay", { get: () => false }); // stands still once it waits
  setup.start();
  setup.wake?.close();
  setup.bench.time.advance(MINUTE);
  expect([setup.sleptMs, setup.wholes, setup.bench.time.waiting]).toEqual([undefined, [], 0]);
  expect(setup.flash.bytes).toEqual(before);
});
