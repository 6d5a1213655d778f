/*
 * A simulated BME280, at register level: forced mode, the calibration constants from the factory, and raw results that the datasheet's
 * formulas turn into the air's temperature, pressure and humidity. (The formulas for integers are used here, those for floating point by the
 * driver.) Uses the given clock.
 * Not simulated: normal mode, the filter, SPI. Source: Bosch BST-BME280-DS001, revision 1.23: §4.2, §5.4, §9.1.
 */
import type { I2CPart } from "./i2c-bus.js";
import { InAir, type InAirOptions } from "./in-air.js";

const ID = 0xd0;
const RESET = 0xe0;
const RESET_WORD = 0xb6;
const CONTROL_HUMIDITY = 0xf2;
const STATUS = 0xf3;
const CONTROL_MEASURE = 0xf4;
const PRESSURE = 0xf7;
const TEMPERATURE = 0xfa;
const HUMIDITY = 0xfd;
const MEASURING = 0x08;
const FORCED = [1, 2]; // both codes mean forced mode
const MEASURE_MS = 9.3; // oversampling 1, at the longest
const SKIPPED = 0x80000; // result of a measurement that was skipped

/** The constants of the example in Bosch's datasheet of the BMP280 (§3.12), and those for humidity of a typical chip. */
export const CONSTANTS = {
  T: [27_504, 26_435, -1_000],
  P: [36_477, -10_685, 3_024, 2_855, 140, -7, 15_500, -14_600, 6_000],
  H: [75, 362, 0, 313, 50, 30],
} as const;

export interface BME280PartOptions extends InAirOptions {
  /** Content of the id register; another value means another chip. */
  readonly id?: number;
}

export class BME280Part extends InAir implements I2CPart {
  /** Relative humidity, percent. */
  humidity = 50;
  /** Pascals. */
  pressure = 101_325;
  readonly #registers = new Uint8Array(256);
  readonly #id: number;
  #pointer = 0;
  #humidityOn = false;
  #readyMs = Number.POSITIVE_INFINITY;

  constructor({ id = 0x60, ...air }: BME280PartOptions) {
    super(air);
    this.#id = id;
    this.powerOn();
  }

  powerOn(): void {
    this.hangs = this.#humidityOn = false;
    this.#readyMs = Number.POSITIVE_INFINITY;
    this.#registers.fill(0);
    this.#registers[ID] = this.#id;
    this.#store(SKIPPED, SKIPPED, SKIPPED >> 4);
    this.#burn();
  }

  write(bytes: Uint8Array): boolean {
    this.#measure();
    if (bytes.length > 0) this.#pointer = bytes[0];
    for (let at = 1; at < bytes.length; at += 2) this.#set(at === 1 ? bytes[0] : bytes[at - 1], bytes[at]);
    return true;
  }

  read(bytes: Uint8Array): boolean {
    this.#measure();
    for (let at = 0; at < bytes.length; at++) bytes[at] = this.#registers[(this.#pointer + at) & 0xff];
    return true;
  }

  #set(register: number, value: number): void {
    if (register === RESET && value === RESET_WORD) this.powerOn();
    if (register === CONTROL_HUMIDITY) this.#registers[register] = value & 7;
    if (register !== CONTROL_MEASURE) return;
    this.#registers[register] = value;
    this.#humidityOn = (this.#registers[CONTROL_HUMIDITY] & 7) !== 0; // takes effect with this write (§5.4.3)
    if (!FORCED.includes(value & 3)) return;
    this.#registers[STATUS] |= MEASURING;
    this.#readyMs = this.uptimeMs() + MEASURE_MS;
  }

  /** Updates the state to the present time. */
  #measure(): void {
    if (this.uptimeMs() < this.#readyMs || this.hangs) return;
    this.#readyMs = Number.POSITIVE_INFINITY;
    this.#registers[STATUS] &= ~MEASURING;
    this.#registers[CONTROL_MEASURE] &= ~3;
    const temperature = rawOf((raw) => celsiusOf(fineOf(raw)), this.celsius, 0xfffff);
    const fine = fineOf(temperature);
    const pressure = rawOf((raw) => -pressureOf(raw, fine), -this.pressure, 0xfffff);
    const humidity = rawOf((raw) => humidityOf(raw, fine), this.humidity, 0xffff);
    this.#store(pressure, temperature, this.#humidityOn ? humidity : SKIPPED >> 4);
  }

  #store(pressure: number, temperature: number, humidity: number): void {
    const bits20 = (value: number): number[] => [value >> 12, (value >> 4) & 0xff, (value & 0xf) << 4];
    this.#registers.set(bits20(pressure), PRESSURE);
    this.#registers.set(bits20(temperature), TEMPERATURE);
    this.#registers.set([humidity >> 8, humidity & 0xff], HUMIDITY);
  }

  #burn(): void {
    const { T, P, H } = CONSTANTS;
    [...T, ...P].forEach((value, n) => {
      this.#registers.set([value & 0xff, (value >> 8) & 0xff], 0x88 + 2 * n);
    });
    this.#registers[0xa1] = H[0];
    const shared = (H[3] & 0x0f) | ((H[4] & 0x0f) << 4);
    this.#registers.set([H[1] & 0xff, H[1] >> 8, H[2], H[3] >> 4, shared, H[4] >> 4, H[5]], 0xe1);
  }
}

/** The raw result whose conversion is nearest to `wanted`. `convert` must be increasing. */
function rawOf(convert: (raw: number) => number, wanted: number, highest: number): number {
  let low = 0;
  let high = highest;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (convert(middle) < wanted) low = middle + 1;
    else high = middle;
  }
  return low > 0 && wanted - convert(low - 1) < convert(low) - wanted ? low - 1 : low;
}

// §4.2.3, the integer formulas. `fine` is t_fine, the temperature on which pressure and humidity depend.

function fineOf(raw: number): number {
  const [T1, T2, T3] = CONSTANTS.T;
  const first = (((raw >> 3) - (T1 << 1)) * T2) / 2048;
  const away = (raw >> 4) - T1;
  return Math.floor(first) + Math.floor((Math.floor((away * away) / 4096) * T3) / 16_384);
}

function celsiusOf(fine: number): number {
  return fine / 5_120;
}

function pressureOf(raw: number, fine: number): number {
  const [P1, P2, P3, P4, P5, P6, P7, P8, P9] = CONSTANTS.P;
  const half = (fine >> 1) - 64_000;
  const square = ((half >> 2) * (half >> 2)) / 2_048;
  const offset = (square * P6 + half * P5 * 2) / 4 + P4 * 65_536;
  const scale = ((32_768 + ((P3 * (square / 4)) / 8 + (P2 * half) / 2) / 262_144) * P1) / 32_768;
  const pascals = ((1_048_576 - raw - offset / 4_096) * 3_125 * 2) / scale;
  const third = (P9 * (((pascals / 8) * (pascals / 8)) / 8_192)) / 4_096;
  return pascals + (third + ((pascals / 4) * P8) / 8_192 + P7) / 16;
}

function humidityOf(raw: number, fine: number): number {
  const [H1, H2, H3, H4, H5, H6] = CONSTANTS.H;
  const warm = fine - 76_800;
  const left = (raw * 16_384 - H4 * 1_048_576 - H5 * warm + 16_384) / 32_768;
  const right = ((((warm * H6) / 1_024) * ((warm * H3) / 2_048 + 32_768)) / 1_024 + 2_097_152) * H2 + 8_192;
  const product = (left * right) / 16_384;
  const q = product - ((((product / 32_768) * (product / 32_768)) / 128) * H1) / 16;
  return Math.min(Math.max(q, 0), 419_430_400) / 4_096 / 1_024;
}
