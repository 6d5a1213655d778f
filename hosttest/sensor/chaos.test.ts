/*
 * A sampler on a bus with random faults of every kind: plugs are pulled, calls are not acknowledged, bits flip,
 * conversions hang, the data line sticks, the bus dies, timers are late, the chip is swapped for another.
 * Whatever happens, nothing is thrown, one timer waits, no io object leaks, and every reading is right; some intervals after the last
 * fault, readings are taken at their regular times again.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { SHT3xPart } from "../../boards/parts/i2c/sht3x.js";
import type { TMP117Part } from "../../boards/parts/i2c/tmp117.js";
import { TEMPERATURE } from "../../src/channels/channels.js";
import { SensorBus } from "../../src/sensor/probe.js";
import { Sampler } from "../../src/sensor/sampler.js";
import { Bench } from "./bench.js";

const INTERVAL_MS = 1000;
const CELSIUS = 21.5;
const SETTLED_MS = 20 * INTERVAL_MS; // the longest back-off, and a conversion that hung

type Event =
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "late"; readonly ms: number }
  | { readonly kind: "nack"; readonly count: number }
  | { readonly kind: "flip"; readonly bit: number }
  | { readonly kind: "stick"; readonly clocks: number }
  | { readonly kind: "unplug" | "plug" | "hang" | "kill" | "revive" | "swap" | "sampleNow" | "restart" };

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.nat(4000) }) },
  fc.record({ kind: fc.constant("late" as const), ms: fc.nat(3000) }),
  fc.record({ kind: fc.constant("nack" as const), count: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ kind: fc.constant("flip" as const), bit: fc.nat(47) }),
  fc.record({ kind: fc.constant("stick" as const), clocks: fc.integer({ min: 1, max: 9 }) }),
  ...(["unplug", "plug", "hang", "kill", "revive", "swap", "sampleNow", "restart"] as const).map((kind) =>
    fc.record({ kind: fc.constant(kind) }),
  ),
);

class Setup {
  readonly bench = new Bench();
  readonly atMs: number[] = [];
  readonly sampler: Sampler;
  lateMs = 0;
  /** The largest error of a reading. */
  furthest = 0;
  #address = 0x48;
  #part: TMP117Part | SHT3xPart = this.bench.attachTMP117({ celsius: CELSIUS });

  constructor() {
    const { bench } = this;
    const { timers, clock } = bench.time;
    const port = { ...bench.port, digital: bench.bus.Digital };
    this.sampler = new Sampler({
      sensors: new SensorBus(port),
      timers: { ...timers, set: (callback, ms) => timers.set(callback, ms + this.lateMs) },
      clock,
      intervalMs: INTERVAL_MS,
      onSample: ({ values }) => {
        this.atMs.push(bench.time.nowMs);
        this.furthest = Math.max(this.furthest, Math.abs(values[TEMPERATURE] - CELSIUS));
      },
      onFailure: () => {},
    });
    this.sampler.start();
  }

  happen(event: Event): void {
    const { bus, time } = this.bench;
    switch (event.kind) {
      case "wait":
        time.advance(event.ms);
        break;
      case "late":
        this.lateMs = event.ms;
        break;
      case "nack":
        bus.nackNext(event.count);
        break;
      case "flip":
        bus.flipNextRead(event.bit);
        break;
      case "stick":
        bus.stickData(event.clocks);
        break;
      case "kill":
        bus.kill();
        break;
      case "revive":
        bus.revive();
        break;
      case "restart":
        this.sampler.stop();
        this.sampler.start();
        break;
      case "sampleNow":
        this.sampler.sampleNow();
        break;
      default:
        this.#happenToPart(event.kind);
    }
  }

  /** Ends all faults. */
  mend(): void {
    this.lateMs = 0;
    this.bench.bus.nackNext(0);
    this.bench.bus.revive();
    this.bench.bus.unplug(this.#address);
    this.bench.bus.plug(this.#address);
  }

  #happenToPart(kind: "unplug" | "plug" | "hang" | "swap"): void {
    const { bus } = this.bench;
    switch (kind) {
      case "unplug":
        bus.unplug(this.#address);
        break;
      case "plug":
        bus.plug(this.#address);
        break;
      case "hang":
        this.#part.hang();
        break;
      case "swap":
        this.#swap();
        break;
      default:
        throw new TypeError(`event ${kind satisfies never}`);
    }
  }

  #swap(): void {
    const { bench } = this;
    bench.bus.flipNextRead(undefined);
    bench.bus.plug(this.#address);
    bench.bus.detach(this.#address);
    this.#address = this.#address === 0x48 ? 0x44 : 0x48;
    const options = { celsius: CELSIUS };
    this.#part = this.#address === 0x48 ? bench.attachTMP117(options) : bench.attachSHT3x(options);
  }
}

test("through any faults, readings are true, nothing leaks, and they return on the grid", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const setup = new Setup();
      for (const each of events) {
        setup.happen(each);
        expect(setup.bench.time.waiting).toBe(1);
        expect(setup.bench.bus.openCount).toBeLessThanOrEqual(1);
      }
      setup.mend();
      setup.bench.time.advance(SETTLED_MS);
      const before = setup.atMs.length;
      setup.bench.time.advance(10 * INTERVAL_MS);
      const last = setup.atMs.slice(before);
      expect(last).toHaveLength(10);
      expect(new Set(last.map((atMs) => atMs % INTERVAL_MS)).size).toBe(1);
      expect(setup.sampler.status().lastError).toBeUndefined();
      expect(setup.furthest).toBeLessThan(0.005);
    }),
    { numRuns: 1000 },
  );
});
