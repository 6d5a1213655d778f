/*
 * The channel table: what a sample can measure. A row contains everything that differs between channels: its name in a sensor
 * driver, its range, how it is stored in flash, shown, and announced to Home Assistant. A new channel is one new row. Rows must
 * not be reordered or removed, because flash identifies a channel by its index.
 * Source: ECMA-419 §14 for the names of the sensors' properties; Home Assistant's sensor device classes for classes and units.
 */

/** A row of the table: one quantity, with its unit, range, names and digits. */
export interface Channel {
  /** Level of the topic (`topics` = `each`), suffix of its settings (`offset.humidity`), name at the prompt. */
  readonly name: string;
  /** Key in the JSON payload of a sample. */
  readonly key: string;
  readonly unit: string;
  /** Digits after the point, 0 to 3, if the driver has no other value. */
  readonly decimals: number;
  /**
   * In `unit`, at most ±8,388 (a record has 24 bits of thousandths): a value outside is not a measurement. A driver may have
   * narrower limits.
   */
  readonly lowest: number;
  readonly highest: number;
  /** In `unit`: the largest calibration offset and the largest deadband that the settings accept. */
  readonly maxOffset: number;
  readonly maxDeadband: number;
  /**
   * In `unit`: the largest deviation from its base that fits a short record; a larger one makes the record longer. Usually 128 to 512
   * steps of the last digit.
   */
  readonly deviation: number;
  /** Home Assistant's device class. */
  readonly deviceClass: string;
  /** A driver's sample has the value as `sample[sensor][property]`, or, from some drivers of the SDK, as `sample[property]`. */
  readonly sensor: string;
  readonly property: string;
  /** Factor for a driver's value: ECMA-419 has pascals. Default 1. */
  readonly scale?: number;
}

/** A channel whose name is known to the type checker, because the keys of its settings are made from it. */
type Named<N extends string> = Channel & { readonly name: N };

const row = <const N extends string>(channel: Named<N>): Named<N> => Object.freeze(channel);

const rows = Object.freeze([
  row({
    name: "temperature",
    key: "value",
    unit: "°C",
    decimals: 2,
    lowest: -100,
    highest: 200,
    maxOffset: 20,
    maxDeadband: 10,
    deviation: 5.12,
    deviceClass: "temperature",
    sensor: "thermometer",
    property: "temperature",
  }),
  row({
    name: "humidity",
    key: "humidity",
    unit: "%",
    decimals: 1,
    lowest: 0,
    highest: 100,
    maxOffset: 20,
    maxDeadband: 20,
    deviation: 12.8,
    deviceClass: "humidity",
    sensor: "hygrometer",
    property: "humidity",
  }),
  row({
    name: "pressure",
    key: "pressure",
    unit: "hPa",
    decimals: 1,
    lowest: 300,
    highest: 1200,
    maxOffset: 200, // also from the station's height to sea level
    maxDeadband: 20,
    deviation: 12.8,
    deviceClass: "atmospheric_pressure",
    sensor: "barometer",
    property: "pressure",
    scale: 0.01,
  }),
]);

/** At most MAX_CHANNELS: a sample in flash has a bit for each. */
export const channels: readonly Channel[] = rows;

/** The names of the channels, for their settings. */
export type ChannelName = (typeof rows)[number]["name"];

/** Most channels of a sample: a record's mask is one byte. */
export const MAX_CHANNELS = 8;
/** Index of the channel that every thermometer has. */
export const TEMPERATURE = 0;
/** Most digits after the point. */
export const MAX_DECIMALS = 3;
