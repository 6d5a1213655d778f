/*
 * The driver table: which chips the thermometer knows, where it looks for them, and how it opens them.
 * The order is the order of probing. A board adds any driver of the SDK by one line: see adapt.ts.
 */
import { type SensorPort, sensorIO, type TemperatureSensor } from "./io.js";
import { SHT3x } from "./sht3x.js";
import { type Averaging, TMP117 } from "./tmp117.js";

/** What the owner of a sensor may say when it is opened. */
export interface OpenOptions {
  /** Where a driver reports what it does not throw. */
  readonly onError?: (error: Error) => void;
  /** How often the sensor will be sampled, in milliseconds: a conversion must fit in. */
  readonly intervalMs?: number;
}

/** An entry of the driver table. */
export interface SensorDriver {
  /** As in the setting `sensor`. */
  readonly name: string;
  /** Where the chip can be, the likeliest address first. */
  readonly addresses: readonly number[];
  /** Digits after the point that mean something. */
  readonly decimals: number;
  /** Milliseconds between two asks; 0: `sample()` waits by itself. */
  readonly conversionMs: number;
  /** °C: a temperature outside is no temperature. */
  readonly lowest: number;
  readonly highest: number;
  /**
   * Opens the chip at `address` and checks that it is one.
   * @throws SensorError, having closed what it opened
   */
  open(port: SensorPort, address: number, options: OpenOptions): TemperatureSensor;
}

const QUICK: Averaging = 0;

// Frozen, all of it, so that preloaded it stays in the device's flash.
const tmp117 = Object.freeze<SensorDriver>({
  name: "TMP117",
  addresses: TMP117.addresses,
  decimals: TMP117.decimals,
  conversionMs: TMP117.conversionMs,
  lowest: TMP117.lowest,
  highest: TMP117.highest,
  open(port, address, { onError, intervalMs = Number.POSITIVE_INFINITY }) {
    const sensor = new TMP117({ sensor: sensorIO(port, address), onError });
    if (intervalMs < 2 * TMP117.conversionMs) sensor.configure({ averaging: QUICK });
    return sensor;
  },
});

const sht3x = Object.freeze<SensorDriver>({
  name: "SHT3x",
  addresses: SHT3x.addresses,
  decimals: SHT3x.decimals,
  conversionMs: SHT3x.conversionMs,
  lowest: SHT3x.lowest,
  highest: SHT3x.highest,
  open: (port, address, { onError }) => new SHT3x({ sensor: sensorIO(port, address), onError }),
});

/** The chips that every board knows. */
export const drivers: readonly SensorDriver[] = Object.freeze([tmp117, sht3x]);
