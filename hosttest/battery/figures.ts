/*
 * Currents of chips, of boards asleep, and the capacity of cells: each figure with its source. "Assumed" means that
 * we found no published figure; such a figure is an estimate, and the output marks it.
 */
import { AHT20 } from "../../src/sensor/chips/aht20.js";
import { BME280 } from "../../src/sensor/chips/bme280.js";
import { SHT3x } from "../../src/sensor/chips/sht3x.js";
import { SHT4x } from "../../src/sensor/chips/sht4x.js";
import { TMP117 } from "../../src/sensor/chips/tmp117.js";

export interface Figure {
  readonly value: number;
  readonly source: string;
}

export const figure = (value: number, source: string): Figure => ({ value, source });

/** A processor at 3.3 V, in mA. */
export interface Chip {
  /** Awake, with the radio off. */
  readonly awakeMa: Figure;
  /** With the radio on, mostly receiving. */
  readonly radioMa: Figure;
  /** While it transmits at full power, which the cells must be able to supply. */
  readonly peakMa: Figure;
  /** Volts below which the brown-out detector resets it (level 5, as in boards/esp32/sdkconfig). */
  readonly brownOutVolts: number;
}

export interface Board {
  readonly says: string;
  readonly chip: Chip;
  /** µA of the whole board in deep sleep with a timer, measured where the cells are connected. */
  readonly asleepUa: Figure;
}

const IDF = "ESP-IDF's documentation, Low Power Mode, measured";

const ESP32: Chip = {
  awakeMa: figure(44, "ESP32 datasheet, modem sleep at 160 MHz, upper end"),
  radioMa: figure(100, "ESP32 datasheet, receiving, upper end"),
  peakMa: figure(240, "ESP32 datasheet, 802.11b at 19.5 dBm"),
  brownOutVolts: 2.7,
};
const ESP32_C3: Chip = {
  awakeMa: figure(26.8, "robdobson.com 2023/11, ESP32-C3 at 160 MHz in an empty loop, measured"),
  radioMa: figure(84, "ESP32-C3 datasheet, receiving (Seeed measured 74.7 for the whole XIAO, active)"),
  peakMa: figure(335, "ESP32-C3 datasheet, 802.11b at 21 dBm"),
  brownOutVolts: 2.76,
};
const ESP32_S3: Chip = {
  awakeMa: figure(37.8, `${IDF}: ESP32-S3 at 160 MHz, the least in modem sleep`),
  radioMa: figure(88, "ESP32-S3 datasheet, receiving"),
  peakMa: figure(340, "ESP32-S3 datasheet, 802.11b at 21 dBm"),
  brownOutVolts: 2.67,
};

const SEEED_THREAD = "forum.seeedstudio.com/t/276444";

/** By `--board`. The first three are the firmware's chips, each on a board or module that suits batteries; the others are for comparison. */
export const BOARDS = {
  esp32: {
    says: "an ESP32 module alone, no regulator, no LED",
    chip: ESP32,
    asleepUa: figure(10, `ESP32 datasheet, deep sleep with timer and memory (${IDF}: 5)`),
  },
  esp32c3: {
    says: "Seeed XIAO ESP32C3, cells at its battery pads",
    chip: ESP32_C3,
    asleepUa: figure(43, `Seeed, XIAO ESP32C3 (45.1 measured at 3.8 V, 35 of them its regulator: ${SEEED_THREAD})`),
  },
  esp32s3: {
    says: "Seeed XIAO ESP32S3, cells at its battery pads",
    chip: ESP32_S3,
    asleepUa: figure(14, `Seeed, XIAO ESP32S3 (11.9 measured at 3.8 V: ${SEEED_THREAD})`),
  },
  "esp32c3-module": {
    says: "an ESP32-C3 module alone, no regulator, no LED",
    chip: ESP32_C3,
    asleepUa: figure(5, `ESP32-C3 datasheet, deep sleep (${IDF}: 4.8)`),
  },
  "esp32s3-module": {
    says: "an ESP32-S3 module alone, no regulator, no LED",
    chip: ESP32_S3,
    asleepUa: figure(7, `ESP32-S3 datasheet, deep sleep (${IDF}: 6.8)`),
  },
  "esp32c3-3v3": {
    says: "Seeed XIAO ESP32C3, cells at its 3V3 pin instead of the battery pads",
    chip: ESP32_C3,
    asleepUa: figure(80, "forum.seeedstudio.com/t/284207, measured at 3.0 V"),
  },
  "qtpy-c3": {
    says: "Adafruit QT Py ESP32-C3, with its NeoPixel",
    chip: ESP32_C3,
    asleepUa: figure(100, "learn.adafruit.com, QT Py ESP32-C3, low power usage"),
  },
  "devkitm-c3": {
    says: "Espressif ESP32-C3-DevKitM-1, with power LED and USB bridge",
    chip: ESP32_C3,
    asleepUa: figure(600, "forum.esp32.com t=22622, measured (300 with the module cut off)"),
  },
  lolin32: {
    says: "Wemos LOLIN32",
    chip: ESP32,
    asleepUa: figure(1700, "electronics.voltsandbits.com, Adventures powering ESP32 from batteries, measured"),
  },
} as const satisfies Readonly<Record<string, Board>>;

export type BoardName = keyof typeof BOARDS;

/** A kind of cell, at room temperature and with the few mA that a sleeper needs on average. */
export interface Cell {
  readonly says: string;
  readonly capacityMah: Figure;
  /** [V, 0 to 1] in falling order: voltage of the resting cell, and the part of the capacity that was delivered by then. */
  readonly curve: readonly (readonly [volts: number, delivered: number])[];
  readonly curveSource: string;
  readonly ohms: Figure;
  /** Part of the capacity that is lost in a year. */
  readonly selfDischarge: Figure;
}

const ALKALINE_CURVE = {
  curve: [
    [1.6, 0],
    [1.5, 0.06],
    [1.4, 0.2],
    [1.3, 0.4],
    [1.25, 0.5],
    [1.2, 0.62],
    [1.1, 0.84],
    [1.0, 0.94],
    [0.9, 0.98],
    [0.8, 1],
  ],
  curveSource: "assumed, through what experts123.com has: half at 1.25 V, almost all at 1.0 V",
} as const;
const ALKALINE_LOSS = figure(0.02, "below 2 % a year at 21 °C (experts123.com)");

/** By the word behind the x of `--cells`. */
export const CELLS = {
  AA: {
    says: "alkaline",
    capacityMah: figure(
      3000,
      "Energizer and Duracell at 25 mA to 0.8 V, read off their graphs (kurokatta.org 2019/01)",
    ),
    ...ALKALINE_CURVE,
    ohms: figure(0.2, "assumed, 0.15 to 0.3 in the datasheets of fresh cells"),
    selfDischarge: ALKALINE_LOSS,
  },
  AAA: {
    says: "alkaline",
    capacityMah: figure(1200, "usual for alkaline AAA at low drain (zaro.info: 800 to 1200)"),
    ...ALKALINE_CURVE,
    ohms: figure(0.25, "assumed, 0.15 to 0.3 in the datasheets of fresh cells"),
    selfDischarge: ALKALINE_LOSS,
  },
  "AA-lithium": {
    says: "lithium iron disulphide, 1.5 V",
    capacityMah: figure(3000, "lygte-info.dk, Comparison of AA battery chemistries"),
    curve: [
      [1.75, 0],
      [1.6, 0.04],
      [1.5, 0.4],
      [1.45, 0.75],
      [1.4, 0.9],
      [1.3, 0.95],
      [1.0, 0.99],
      [0.9, 1],
    ],
    curveSource: "assumed: flat at 1.5 V, then steep",
    ohms: figure(0.15, "assumed"),
    selfDischarge: figure(0.006, "15 years to 90 % (Energizer L91 datasheet, quoted at candlepowerforums.com 352033)"),
  },
  "18650": {
    says: "lithium ion, charged",
    capacityMah: figure(2500, "assumed, a usual cell"),
    curve: [
      [4.2, 0],
      [4.0, 0.2],
      [3.8, 0.47],
      [3.7, 0.63],
      [3.6, 0.8],
      [3.5, 0.9],
      [3.4, 0.94],
      [3.2, 0.98],
      [3.0, 1],
    ],
    curveSource: "assumed, the usual shape",
    ohms: figure(0.05, "assumed, holder included"),
    selfDischarge: figure(0.15, "assumed, protection circuit included"),
  },
} as const satisfies Readonly<Record<string, Cell>>;

export type CellName = keyof typeof CELLS;

/** Milliseconds that a conversion takes, as the drivers wait for it. */
export const SENSORS = {
  sht4x: SHT4x.conversionMs,
  sht3x: SHT3x.conversionMs,
  tmp117: TMP117.conversionMs,
  bme280: BME280.conversionMs,
  aht20: AHT20.conversionMs,
} as const;

export type SensorName = keyof typeof SENSORS;
