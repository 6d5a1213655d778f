/*
 * The inputs of the model: a row for each number, with its meaning, its limits, and the figure that is used if the command line gives none.
 * A new input is one new row here, and its use in `workOf`.
 */

import baseline from "../bench/baseline.json" with { type: "json" };
import { type Option, option, UsageError } from "../support/command-line/command-line.js";
import {
  BOARDS,
  type BoardName,
  CELLS,
  type CellName,
  type Figure,
  figure,
  SENSORS,
  type SensorName,
} from "./figures.js";
import type { Load, Pack, Supply } from "./model.js";

export const SUPPLIES = ["boost", "ldo", "direct"] as const;
export type SupplyName = (typeof SUPPLIES)[number];

/** Choices of the command line, by name. */
export interface Choice {
  readonly board: BoardName;
  readonly cell: CellName;
  readonly count: number;
  readonly sensor: SensorName;
  readonly supply: SupplyName;
  /** Whether channel and address of the network are known from before. */
  readonly join: "cached" | "full";
}

export interface Input {
  readonly unit: string;
  readonly says: string;
  readonly min: number;
  readonly max: number;
  standard(choice: Choice): Figure;
}

const GLENN = "github.com/glenn20/upy-esp32-experiments, ESPNowvsWifiEnergyUsage, measured on an ESP32";
/** Rows of `npm run bench` whose sum is the cost of a sample in a report: rendered, sent, settled. */
const DELIVERY = ["rendering as JSON", "QoS 1 publish", "outbox: seek and settle"].map(
  (name) => baseline[`${name}: computrons` as keyof typeof baseline],
);
/** A report has NTP, TCP, CONNECT, SUBSCRIBE and DISCONNECT besides its samples. */
const OTHER_ROUND_TRIPS = 5;
const LDO_DROP_VOLTS = 0.2;
const BOOST_VOLTS_A_CELL = 0.9;

export const INPUTS = {
  sleepUa: {
    unit: "µA",
    says: "the board asleep",
    min: 0.1,
    max: 100_000,
    standard: ({ board }) => BOARDS[board].asleepUa,
  },
  awakeMa: {
    unit: "mA",
    says: "the board awake, radio off",
    min: 1,
    max: 1000,
    standard: ({ board }) => BOARDS[board].chip.awakeMa,
  },
  radioMa: {
    unit: "mA",
    says: "the board with its radio on, on average",
    min: 1,
    max: 1000,
    standard: ({ board }) => BOARDS[board].chip.radioMa,
  },
  peakMa: {
    unit: "mA",
    says: "while it transmits",
    min: 1,
    max: 2000,
    standard: ({ board }) => BOARDS[board].chip.peakMa,
  },
  bootMs: {
    unit: "ms",
    says: "timer to first line of JavaScript, image not validated",
    min: 0,
    max: 10_000,
    standard: () =>
      figure(70, `${GLENN}: 70 with an interpreter's start; ours: 4.2 million instructions, counted in an emulated C3`),
  },
  computrons: {
    unit: "byte codes",
    says: "run in a wake that samples",
    min: 0,
    max: 10_000_000,
    standard: () => figure(9000, "goal of a wake that samples and sleeps"),
  },
  usPerComputron: {
    unit: "µs",
    says: "a byte code takes",
    min: 0.01,
    max: 1000,
    standard: () =>
      figure(2, "165 instructions a byte code, counted in an emulated C3; 2 cycles each at 160 MHz is assumed"),
  },
  conversionMs: {
    unit: "ms",
    says: "the sensor measures",
    min: 0,
    max: 10_000,
    standard: ({ sensor }) =>
      figure(SENSORS[sensor], `its datasheet's longest, as src/sensor/chips/${sensor}.ts has it`),
  },
  flashReads: {
    unit: "reads",
    says: "of flash in a wake",
    min: 0,
    max: 10_000,
    standard: () => figure(4, "goal of a wake that samples and sleeps"),
  },
  readMs: { unit: "ms", says: "a read takes", min: 0, max: 100, standard: () => figure(0.05, "assumed: 150 bytes") },
  flashPrograms: {
    unit: "programs",
    says: "of flash a sample",
    min: 0,
    max: 1000,
    standard: () => figure(2.01, "counted by npm run bench -- flash"),
  },
  programMs: {
    unit: "ms",
    says: "a program takes",
    min: 0,
    max: 100,
    standard: () => figure(0.4, "Winbond W25Q32JV datasheet, page program, typical"),
  },
  samplesPerErase: {
    unit: "samples",
    says: "between two erases",
    min: 0.1,
    max: 100_000,
    standard: () => figure(202, "counted by npm run bench -- flash"),
  },
  eraseMs: {
    unit: "ms",
    says: "an erase takes",
    min: 0,
    max: 10_000,
    standard: () => figure(45, "Winbond W25Q32JV datasheet, 4 KB sector, typical"),
  },
  joinMs: {
    unit: "ms",
    says: "radio on to address",
    min: 0,
    max: 600_000,
    standard: ({ join }) =>
      join === "cached"
        ? figure(664, `${GLENN}: 734 less the boot, static address`)
        : figure(1556, `${GLENN}: 1626 less the boot, all channels and DHCP`),
  },
  rttMs: {
    unit: "ms",
    says: "a round trip to the broker",
    min: 0,
    max: 60_000,
    standard: () => figure(20, `assumed (${GLENN}: 40 for connection and message)`),
  },
  window: {
    unit: "messages",
    says: "sent before an acknowledgement is waited for",
    min: 1,
    max: 1000,
    standard: () => figure(8, "the firmware's: outbox.window"),
  },
  reportComputrons: {
    unit: "byte codes",
    says: "run in a report before its first sample is sent",
    min: 0,
    max: 100_000_000,
    standard: () => figure(60_000, "goal of a report with 60 samples waiting"),
  },
  deliveryComputrons: {
    unit: "byte codes",
    says: "to render, send and settle a sample",
    min: 0,
    max: 1_000_000,
    standard: () =>
      figure(Math.round(DELIVERY.reduce((sum, one) => sum + one, 0)), "counted on XS, hosttest/bench/baseline.json"),
  },
  efficiency: {
    unit: "of 1",
    says: "of the boost converter, awake",
    min: 0.1,
    max: 1,
    standard: () => figure(0.85, "TI TPS61201, Microchip MCP1640 datasheets, 2.4 to 3.3 V at 30 to 100 mA, about"),
  },
  sleepEfficiency: {
    unit: "of 1",
    says: "of the boost converter, asleep, its own current included",
    min: 0.01,
    max: 1,
    standard: () => figure(0.75, "jeelabs.org 2012/06/04: AS1323 idling, measured; others are far worse"),
  },
  minVolts: {
    unit: "V",
    says: "of the whole pack, below which the supply fails",
    min: 0.5,
    max: 10,
    standard: ({ supply, count, board }) => {
      switch (supply) {
        case "direct":
          return figure(BOARDS[board].chip.brownOutVolts, "brown-out detector, level 5; the datasheet wants 3.0");
        case "ldo":
          return figure(3.3 + LDO_DROP_VOLTS, "3.3 V and a drop of 0.2 V, assumed");
        case "boost":
          return figure(Math.round(count * BOOST_VOLTS_A_CELL * 100) / 100, "0.9 V a cell, assumed");
        default:
          return supply satisfies never;
      }
    },
  },
  capacityMah: {
    unit: "mAh",
    says: "of a cell",
    min: 10,
    max: 100_000,
    standard: ({ cell }) => CELLS[cell].capacityMah,
  },
  cellOhms: {
    unit: "Ω",
    says: "a cell's own resistance",
    min: 0,
    max: 10,
    standard: ({ cell }) => CELLS[cell].ohms,
  },
  selfDischarge: {
    unit: "of 1",
    says: "of the capacity, lost in a year",
    min: 0,
    max: 1,
    standard: ({ cell }) => CELLS[cell].selfDischarge,
  },
} as const satisfies Readonly<Record<string, Input>>;

export type InputName = keyof typeof INPUTS;
export const INPUT_NAMES = Object.keys(INPUTS) as InputName[];
export type Inputs = Readonly<Record<InputName, Figure>>;

export const optionName = (name: InputName): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** An option for each input. */
export function inputOptions(): Readonly<Record<string, Option<number | undefined>>> {
  return Object.fromEntries(
    INPUT_NAMES.map((name) => {
      const { unit, says, min, max } = INPUTS[name];
      return [optionName(name), option("N", `${says}; ${unit}`, (given, as) => numberOf(as, given, min, max, unit))];
    }),
  );
}

export function numberOf(name: string, given: string, min: number, max: number, unit: string): number {
  const number = /^(\d+\.?\d*|\.\d+)$/.test(given) ? Number(given) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw new UsageError(`${name} ${given}: expected ${unit}, from ${min} to ${max}`);
}

/** The inputs: those given, otherwise the standard figures. */
export function inputsOf(choice: Choice, given: Partial<Readonly<Record<InputName, number>>> = {}): Inputs {
  const entries = INPUT_NAMES.map((name) => {
    const value = given[name];
    return [name, value === undefined ? INPUTS[name].standard(choice) : figure(value, "given")];
  });
  return Object.fromEntries(entries) as Inputs;
}

/** `2xAA`. @throws UsageError */
export function cellsOf(name: string, given: string): Pick<Choice, "cell" | "count"> {
  const kinds = Object.keys(CELLS) as CellName[];
  const [, count, kind] = /^([1-8])x(.+)$/.exec(given) ?? [];
  const cell = kinds.find((one) => one === kind);
  if (cell === undefined)
    throw new UsageError(`${name} ${given}: expected 1 to 8, x, and one of ${kinds.join(", ")}, as 2xAA`);
  return { cell, count: Number(count) };
}

const MAX_DIRECT_VOLTS = 3.6; // ESP32, C3 and S3 datasheets, recommended operating conditions

/** The supply for the cells: a boost converter below 3.3 V, a regulator above. */
export function usualSupply({ cell, count }: Pick<Choice, "cell" | "count">): SupplyName {
  return CELLS[cell].curve[0][0] * count <= MAX_DIRECT_VOLTS ? "boost" : "ldo";
}

/** @throws UsageError where the supply does not go with the cells */
export function checkSupply({ cell, count, supply }: Pick<Choice, "cell" | "count" | "supply">): void {
  const fresh = CELLS[cell].curve[0][0] * count;
  const pack = `${count}x${cell} has ${fresh.toFixed(1)} V when it is fresh`;
  if (supply === "direct" && fresh > MAX_DIRECT_VOLTS)
    throw new UsageError(
      `--supply direct: ${pack}, and the chip takes ${MAX_DIRECT_VOLTS} V at most; try --supply ldo`,
    );
  if (supply === "boost" && fresh > MAX_DIRECT_VOLTS)
    throw new UsageError(`--supply boost: ${pack}, above the 3.3 V that it is to make; try --supply ldo`);
}

export interface Times {
  readonly intervalS: number;
  readonly reportS: number;
}

/** The times of a wake and of a report, from the counted work. */
export function workOf(inputs: Inputs, { intervalS, reportS }: Times): Pick<Load, "wakeMs" | "reportMs"> {
  const v = (name: InputName): number => inputs[name].value;
  const computeMs = (computrons: number): number => (computrons * v("usPerComputron")) / 1000;
  const flashMs =
    v("flashReads") * v("readMs") + v("flashPrograms") * v("programMs") + v("eraseMs") / v("samplesPerErase");
  const samples = reportS / intervalS;
  const roundTrips = OTHER_ROUND_TRIPS + samples / v("window");
  return {
    wakeMs: v("bootMs") + computeMs(v("computrons")) + v("conversionMs") + flashMs,
    reportMs:
      v("joinMs") +
      roundTrips * v("rttMs") +
      computeMs(v("reportComputrons") + samples * v("deliveryComputrons")) +
      samples * v("programMs"),
  };
}

export function loadOf(inputs: Inputs, times: Times): Load {
  return {
    ...times,
    ...workOf(inputs, times),
    asleepUa: inputs.sleepUa.value,
    awakeMa: inputs.awakeMa.value,
    radioMa: inputs.radioMa.value,
    peakMa: inputs.peakMa.value,
  };
}

export function packOf(inputs: Inputs, { cell, count }: Pick<Choice, "cell" | "count">): Pack {
  return {
    count,
    curve: CELLS[cell].curve,
    capacityMah: inputs.capacityMah.value,
    ohms: inputs.cellOhms.value,
    selfDischarge: inputs.selfDischarge.value,
  };
}

export function supplyOf(inputs: Inputs, supply: SupplyName): Supply {
  const minVolts = inputs.minVolts.value;
  if (supply !== "boost") return { asleep: "linear", awake: "linear", radio: "linear", minVolts };
  const awake = inputs.efficiency.value;
  return { asleep: inputs.sleepEfficiency.value, awake, radio: awake, minVolts };
}
