import { TEMPERATURE } from "../../../src/channels/channels.js";
import { measureOf } from "../../../src/sensor/measure.js";
import { type OpenSensor, SensorBus } from "../../../src/sensor/probe.js";
import { Sampler, type SamplerOptions } from "../../../src/sensor/sampler.js";
import { Bench, sourceOf } from "../bench.js";

export interface Reading {
  readonly atMs: number;
  readonly celsius: number;
}

/** A sampler at work: what it reported to its owner, in order, and when it opened its sensor. */
export class Watched {
  readonly bench: Bench;
  readonly readings: Reading[] = [];
  readonly failures: string[] = [];
  readonly openedMs: number[] = [];
  recoveries = 0;
  readonly sampler: Sampler;

  /** `open`: of one sensor, in place of those on the bus. */
  constructor(bench: Bench, options: Partial<SamplerOptions> & { open?: () => OpenSensor } = {}) {
    this.bench = bench;
    const { open, sensors = open === undefined ? new SensorBus(bench.port) : sourceOf(open), ...others } = options;
    const note = (): void => {
      if (this.openedMs.at(-1) !== bench.time.nowMs) this.openedMs.push(bench.time.nowMs);
    };
    this.sampler = new Sampler({
      timers: bench.time.timers,
      clock: bench.time.clock,
      intervalMs: 1000,
      onSample: ({ values }) => this.readings.push({ atMs: bench.time.nowMs, celsius: values[TEMPERATURE] }),
      onFailure: (error) => this.failures.push(error.message),
      onRecovered: () => this.recoveries++,
      ...others,
      sensors: {
        names: sensors.names,
        open: (name, taken, address) => {
          note();
          return sensors.open(name, taken, address);
        },
        openAll: (taken) => {
          note();
          return sensors.openAll(taken);
        },
      },
    });
  }

  /** Started, `ms` ago. */
  run(ms: number): this {
    this.sampler.start();
    this.bench.time.advance(ms);
    return this;
  }

  get times(): number[] {
    return this.readings.map((reading) => reading.atMs);
  }
}

export function withTMP117(options: Partial<SamplerOptions> = {}, celsius = 21) {
  const bench = new Bench();
  const part = bench.attachTMP117({ celsius });
  return { bench, part, watched: new Watched(bench, options) };
}

/** A sensor whose samples `sample` makes, without a bus. */
export function stub(sample: () => unknown, close: () => void = () => {}, highest = 85): OpenSensor {
  const sensor = { configure: () => {}, sample: sample as () => { temperature: number }, close };
  const measures = [measureOf("temperature", { decimals: 1, lowest: -40, highest }), measureOf("humidity")];
  return { sensor, address: 0x10, driver: { name: "stub", conversionMs: 10, measures } };
}
