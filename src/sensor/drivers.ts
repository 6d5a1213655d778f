/*
 * The driver table: the known chips, where they are searched, and how they are opened. A board adds any driver of the SDK by
 * one line: see adapt.ts.
 */
import { AHT20 } from "./chips/aht20.js";
import { BME280 } from "./chips/bme280.js";
import { SHT3x } from "./chips/sht3x.js";
import { SHT4x } from "./chips/sht4x.js";
import { type Averaging, TMP117 } from "./chips/tmp117.js";
import { type Sensor, type SensorOptions, type SensorPort, sensorIO } from "./io.js";
import type { Measure } from "./measure.js";

/** Options of the owner for opening a sensor. */
export interface OpenOptions {
  /** Receives errors that a driver does not throw. */
  readonly onError?: (error: Error) => void;
  /** How often the sensor will be sampled, in milliseconds: a conversion must be shorter. */
  readonly intervalMs?: number;
}

/**
 * How a chip is identified. sure: at once. late: only after other chips that can have its address were tried. none: any chip
 * that acknowledges is accepted, so `auto` uses it only if nothing else answers.
 */
export type Identity = "sure" | "late" | "none";

/** An entry of the driver table. */
export interface SensorDriver {
  /** As in the setting `sensor`. */
  readonly name: string;
  /** The chip's possible addresses, the likeliest first. */
  readonly addresses: readonly number[];
  /** Milliseconds between two calls; 0: `sample()` waits by itself. */
  readonly conversionMs: number;
  /** Its channels, one or more. The first is its main one: a sample without it is a fault. */
  readonly measures: readonly Measure[];
  /** How it is known that an answer comes from this chip. Default "sure". */
  readonly identity?: Identity;
  /**
   * Opens the chip at `address` and identifies it.
   * @throws SensorError, after closing what it opened
   */
  open(port: SensorPort, address: number, options: OpenOptions): Sensor;
}

const QUICK: Averaging = 0;

// All frozen, so that it stays in the device's flash when preloaded.
const tmp117 = Object.freeze<SensorDriver>({
  name: "TMP117",
  addresses: TMP117.addresses,
  conversionMs: TMP117.conversionMs,
  measures: TMP117.measures,
  open(port, address, { onError, intervalMs = Number.POSITIVE_INFINITY }) {
    const sensor = new TMP117({ sensor: sensorIO(port, address), onError });
    if (intervalMs < 2 * TMP117.conversionMs) sensor.configure({ averaging: QUICK });
    return sensor;
  },
});

/** Properties of a driver's class. */
interface ChipClass {
  readonly addresses: readonly number[];
  readonly conversionMs: number;
  readonly measures: readonly Measure[];
  new (options: SensorOptions): Sensor;
}

/** The row of a chip without configuration. */
function row(name: string, Driver: ChipClass, identity: Identity = "sure"): SensorDriver {
  return Object.freeze<SensorDriver>({
    name,
    addresses: Driver.addresses,
    conversionMs: Driver.conversionMs,
    measures: Driver.measures,
    identity,
    open: (port, address, { onError }) => new Driver({ sensor: sensorIO(port, address), onError }),
  });
}

/**
 * The chips that every board knows, in order of preference if two are equally good. An SHT4x is tried after an SHT3x, which has
 * the same addresses and is identified at once.
 */
export const drivers: readonly SensorDriver[] = Object.freeze([
  tmp117,
  row("SHT4x", SHT4x, "late"),
  row("SHT3x", SHT3x),
  row("BME280", BME280),
  row("AHT20", AHT20, "none"),
]);
