/*
 * The driver table: which chips the thermometer knows, where it looks for them, and how it opens them.
 * The order is the order of probing. A board adds any driver of the SDK by one line: see adapt.ts.
 */
import { AHT20 } from "./chips/aht20.js";
import { BME280 } from "./chips/bme280.js";
import { SHT3x } from "./chips/sht3x.js";
import { SHT4x } from "./chips/sht4x.js";
import { type Averaging, TMP117 } from "./chips/tmp117.js";
import { type SensorOptions, type SensorPort, sensorIO, type TemperatureSensor } from "./io.js";

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

/** What a driver's class says of its chip. */
interface ChipClass {
  readonly addresses: readonly number[];
  readonly decimals: number;
  readonly conversionMs: number;
  readonly lowest: number;
  readonly highest: number;
  new (options: SensorOptions): TemperatureSensor;
}

/** The row of a chip that has nothing to configure. */
function row(name: string, Driver: ChipClass): SensorDriver {
  return Object.freeze<SensorDriver>({
    name,
    addresses: Driver.addresses,
    decimals: Driver.decimals,
    conversionMs: Driver.conversionMs,
    lowest: Driver.lowest,
    highest: Driver.highest,
    open: (port, address, { onError }) => new Driver({ sensor: sensorIO(port, address), onError }),
  });
}

/**
 * The chips that every board knows. SHT3x before SHT4x, which has its addresses: the one says at once what it is. AHT20
 * last, which cannot say what it is.
 */
export const drivers: readonly SensorDriver[] = Object.freeze([
  tmp117,
  row("SHT3x", SHT3x),
  row("SHT4x", SHT4x),
  row("BME280", BME280),
  row("AHT20", AHT20),
]);
