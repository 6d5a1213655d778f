/*
 * Bosch BME280, in the ECMA-419 Sensor Class Pattern: single measurements ("forced mode") of temperature, pressure and
 * humidity, without oversampling, as the datasheet recommends for weather. Never waits and owns no timer: two calls a sample.
 * The chip has no checksum. Instead its id is checked, and its constants and every result are read twice and must be the
 * same; the settings that come with a result say whether the chip has been reset since.
 * Source: Bosch BST-BME280-DS001, revision 1.23: §3.5 (settings), §4.2 (constants, formulas), §5.4 (registers), §9.1 (times).
 */
import { contradiction, hex, SensorError } from "../fault.js";
import type { SensorOptions } from "../io.js";
import { type Measure, measureOf } from "../measure.js";
import { Chip } from "./chip.js";

// §5.4.
const ID = 0xd0;
const ID_BME280 = 0x60;
const CONSTANTS_LOW = 0x88;
const CONSTANTS_LOW_LENGTH = 26; // 0x88 to 0xA1
const CONSTANTS_HIGH = 0xe1;
const CONSTANTS_HIGH_LENGTH = 7; // 0xE1 to 0xE7
const CONTROL_HUMIDITY = 0xf2;
const CONTROL_MEASURE = 0xf4;
/** From the humidity's settings to the last byte of the results, 0xF2 to 0xFE: one read contains everything. */
const RESULT = CONTROL_HUMIDITY;
const RESULT_LENGTH = 13;
// Offsets in that read.
const AT_STATUS = 1;
const AT_CONTROL_MEASURE = 2;
const AT_PRESSURE = 5;
const AT_TEMPERATURE = 8;
const AT_HUMIDITY = 11;

const MEASURING = 0x08; // §5.4.4
const HUMIDITY_ONCE = 0x01; // §5.4.3: oversampling 1
const ONCE = 0x24; // §5.4.5: temperature and pressure, oversampling 1; asleep
const FORCED = 0x01; // back to sleep after one measurement

/** Milliseconds: 9.3 at the longest (§9.1). */
const CONVERSION_MS = 10;

interface BME280Sample {
  readonly thermometer: { readonly temperature: number };
  readonly barometer: { readonly pressure: number };
  readonly hygrometer: { readonly humidity: number };
}

/** Temperature in °C, pressure in pascals, relative humidity in percent. */
export class BME280 extends Chip<BME280Sample> {
  /** Where the SDO pin can put it (§6.2): to ground, to V+. */
  static readonly addresses: readonly number[] = Object.freeze([0x76, 0x77]);
  /** Milliseconds between two calls. */
  static readonly conversionMs = CONVERSION_MS;
  /**
   * §1.1 to §1.4. Accuracy of the temperature from 0 to 65 °C; it is the chip's own temperature, not that of the air around it.
   * Resolution 0.01 °C.
   */
  static readonly measures: readonly Measure[] = Object.freeze([
    measureOf("temperature", { accuracy: 1, decimals: 2, lowest: -40, highest: 85 }),
    measureOf("humidity", { accuracy: 3 }),
    measureOf("pressure", { accuracy: 1, lowest: 300, highest: 1100 }),
  ]);

  private readonly pointer = new Uint8Array(1);
  private readonly setting = new Uint8Array(2);
  private readonly result = new Uint8Array(RESULT_LENGTH);
  private readonly again = new Uint8Array(RESULT_LENGTH);
  private readonly _sample = {
    thermometer: { temperature: 0 },
    barometer: { pressure: 0 },
    hygrometer: { humidity: 0 },
  };
  private constants: Constants | undefined;
  private isMeasuring = false;

  /**
   * Opens the bus, checks the chip's id and reads its constants.
   * @throws SensorError noAnswer, wrongChip or badChecksum; whatever the io class throws for its options. Nothing stays open
   */
  constructor(options: SensorOptions) {
    super("BME280", options, BME280.addresses[0]);
    this.orClose(() => this.identify());
  }

  protected restart(): void {
    this.isMeasuring = false;
  }

  protected advance(): BME280Sample | undefined {
    if (this.isMeasuring) return this.collect();
    this.set(CONTROL_HUMIDITY, HUMIDITY_ONCE); // takes effect with the next line (§5.4.3)
    this.set(CONTROL_MEASURE, ONCE | FORCED);
    this.isMeasuring = true;
    return undefined;
  }

  private collect(): BME280Sample | undefined {
    const result = this.result;
    this.readTwice(RESULT, result, this.again);
    if (result[AT_STATUS] & MEASURING) return undefined;
    this.isMeasuring = false;
    if (result[0] !== HUMIDITY_ONCE || result[AT_CONTROL_MEASURE] !== ONCE) {
      throw new SensorError("lostPower", this.where, "lost its configuration: check its power for loose contacts");
    }
    compensate(this.constants as Constants, result, this._sample);
    return this._sample;
  }

  private identify(): void {
    const id = this.result.subarray(0, 1);
    this.readAt(ID, id);
    if (id[0] !== ID_BME280) {
      const why = id[0] === 0x58 ? " (a BMP280, which measures no humidity)" : "";
      throw this.wrongChip(`is no BME280: its id is ${hex(id[0])}, not ${hex(ID_BME280)}${why}`);
    }
    const low = new Uint8Array(CONSTANTS_LOW_LENGTH);
    const high = new Uint8Array(CONSTANTS_HIGH_LENGTH);
    this.readTwice(CONSTANTS_LOW, low, new Uint8Array(low.length));
    this.readTwice(CONSTANTS_HIGH, high, new Uint8Array(high.length));
    this.constants = parseConstants(low, high);
  }

  /** Reads twice and compares, because nothing else protects the bits in transit. */
  private readTwice(register: number, bytes: Uint8Array, again: Uint8Array): void {
    this.readAt(register, bytes);
    if (register === RESULT && bytes[AT_STATUS] & MEASURING) return; // they may differ
    this.readAt(register, again);
    for (let at = 0; at < bytes.length; at++) if (bytes[at] !== again[at]) throw contradiction(this.where);
  }

  private readAt(register: number, bytes: Uint8Array): void {
    this.pointer[0] = register;
    this.write(this.pointer);
    this.read(bytes);
  }

  private set(register: number, value: number): void {
    this.setting[0] = register;
    this.setting[1] = value;
    this.write(this.setting);
  }
}

/** Names as in the datasheet, §4.2.2: dig_T1 to dig_T3 in `T` and so on. */
interface Constants {
  readonly T: readonly number[];
  readonly P: readonly number[];
  readonly H: readonly number[];
}

/** §4.2.2, table 16. The first of T, of P and of H are unsigned; two of H have 12 bits each and share a byte. */
function parseConstants(low: Uint8Array, high: Uint8Array): Constants {
  const view = new DataView(low.buffer);
  const word = (at: number): number => view.getInt16(at, true);
  const T = [view.getUint16(0, true), word(2), word(4)];
  const P = [view.getUint16(6, true)];
  for (let at = 8; at < 24; at += 2) P.push(word(at));
  const upper = new DataView(high.buffer);
  const H = [
    low[25],
    upper.getInt16(0, true),
    high[2],
    upper.getInt8(3) * 16 + (high[4] & 0x0f),
    upper.getInt8(5) * 16 + (high[4] >> 4),
    upper.getInt8(6),
  ];
  return { T, P, H };
}

/** §4.2.3, in the form with floating point (appendix A). Named as there: `fine` is the temperature that the others need. */
function compensate(
  constants: Constants,
  result: Uint8Array,
  sample: { [K in keyof BME280Sample]: Mutable<BME280Sample[K]> },
): void {
  const T = constants.T;
  const raw = bits20(result, AT_TEMPERATURE);
  const away = raw / 131_072 - T[0] / 8_192;
  const fine = (raw / 16_384 - T[0] / 1_024) * T[1] + away * away * T[2];
  sample.thermometer.temperature = fine / 5_120;
  sample.barometer.pressure = pressureOf(constants.P, bits20(result, AT_PRESSURE), fine);
  const humidity = humidityOf(constants.H, (result[AT_HUMIDITY] << 8) | result[AT_HUMIDITY + 1], fine);
  sample.hygrometer.humidity = Math.min(Math.max(humidity, 0), 100);
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function pressureOf(P: readonly number[], raw: number, fine: number): number {
  const half = fine / 2 - 64_000;
  const offset = (half * half * P[5]) / 32_768 + half * P[4] * 2;
  const scale = (1 + ((P[2] * half * half) / 524_288 + P[1] * half) / 524_288 / 32_768) * P[0];
  if (scale === 0) return Number.NaN; // §4.2.3 avoids a division by zero: no chip has such constants
  const pascals = ((1_048_576 - raw - (offset / 4 + P[3] * 65_536) / 4_096) * 6_250) / scale;
  return pascals + ((P[8] * pascals * pascals) / 2_147_483_648 + (pascals * P[7]) / 32_768 + P[6]) / 16;
}

function humidityOf(H: readonly number[], raw: number, fine: number): number {
  const warm = fine - 76_800;
  const gain = (H[1] / 65_536) * (1 + (H[5] / 67_108_864) * warm * (1 + (H[2] / 67_108_864) * warm));
  const percent = (raw - (H[3] * 64 + (H[4] / 16_384) * warm)) * gain;
  return percent * (1 - (H[0] * percent) / 524_288);
}

/** §5.4.7: three bytes, the last of which has four bits. */
function bits20(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 12) | (bytes[at + 1] << 4) | (bytes[at + 2] >> 4);
}
