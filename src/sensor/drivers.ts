/*
 * The driver table: which chips the thermometer knows, where it looks for them, and how it opens them.
 * A board adds any driver of the SDK by one line: see adapt.ts.
 */
import { AHT20 } from "./chips/aht20.js";
import { BME280 } from "./chips/bme280.js";
import { SHT3x } from "./chips/sht3x.js";
import { SHT4x } from "./chips/sht4x.js";
import { type Averaging, TMP117 } from "./chips/tmp117.js";
import { type Sensor, type SensorOptions, type SensorPort, sensorIO } from "./io.js";
import type { Measure } from "./measure.js";

/** What the owner of a sensor may say when it is opened. */
export interface OpenOptions {
  /** Where a driver reports what it does not throw. */
  readonly onError?: (error: Error) => void;
  /** How often the sensor will be sampled, in milliseconds: a conversion must fit in. */
  readonly intervalMs?: number;
}

/**
 * sure: it says at once what it is. late: it is asked after the others that can have its address. none: whatever acknowledges
 * is taken for it, so that `auto` asks for it only where nothing else answers.
 */
export type Identity = "sure" | "late" | "none";

/** An entry of the driver table. */
export interface SensorDriver {
  /** As in the setting `sensor`. */
  readonly name: string;
  /** Where the chip can be, the likeliest address first. */
  readonly addresses: readonly number[];
  /** Milliseconds between two asks; 0: `sample()` waits by itself. */
  readonly conversionMs: number;
  /** Its channels, one or more. The first is what it is for: a sample without that is a fault. */
  readonly measures: readonly Measure[];
  /** How it is known that an answer comes from this chip. Default "sure". */
  readonly identity?: Identity;
  /**
   * Opens the chip at `address` and checks that it is one.
   * @throws SensorError, having closed what it opened
   */
  open(port: SensorPort, address: number, options: OpenOptions): Sensor;
}

const QUICK: Averaging = 0;

// Frozen, all of it, so that preloaded it stays in the device's flash.
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

/** What a driver's class says of its chip. */
interface ChipClass {
  readonly addresses: readonly number[];
  readonly conversionMs: number;
  readonly measures: readonly Measure[];
  new (options: SensorOptions): Sensor;
}

/** The row of a chip that has nothing to configure. */
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
 * The chips that every board knows, in the order of preference where two are equally good. An SHT4x is asked after an SHT3x, which
 * has its addresses and says at once what it is.
 */
export const drivers: readonly SensorDriver[] = Object.freeze([
  tmp117,
  row("SHT4x", SHT4x, "late"),
  row("SHT3x", SHT3x),
  row("BME280", BME280),
  row("AHT20", AHT20, "none"),
]);
