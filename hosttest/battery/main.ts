/* How long a set of cells lasts, by the model of model.ts: a table, a plot, JSON. */
import { writeFileSync } from "node:fs";
import {
  choice,
  commandLine,
  flag,
  misused,
  option,
  orMisused,
  preset,
  text,
} from "../support/command-line/command-line.js";
import { printVerdict } from "../support/command-line/progress.js";
import { BOARDS, type BoardName, SENSORS, type SensorName } from "./figures.js";
import {
  type Choice,
  cellsOf,
  checkSupply,
  INPUT_NAMES,
  type InputName,
  type Inputs,
  inputOptions,
  inputsOf,
  loadOf,
  numberOf,
  optionName,
  packOf,
  SUPPLIES,
  supplyOf,
  type Times,
  usualSupply,
} from "./inputs.js";
import { type Life, lifeOf, Unable } from "./model.js";
import { plot } from "./plot.js";
import { compare, SOURCE } from "./published.js";
import { comparisonOf, lifeText, MODEL, MONTH_H, tableOf } from "./table.js";

const MAX_INTERVAL_S = 86_400;
const MAX_REPORT_MINUTES = 43_200; // 30 days
const PLOT_INTERVALS_S = [10, 60, 300, 900];
const PLOT_REPORTS_MINUTES = [1, 2, 5, 10, 15, 30, 60, 120, 240, 360, 720, 1440];

const { values } = commandLine(
  {
    program: "npm run battery --",
    does: "How long a sleeping thermometer lasts on a set of cells: a model, not a measurement. Every figure names its source, and can be replaced.",
    notes: [
      "Boards:",
      ...Object.entries(BOARDS).map(
        ([name, { says, asleepUa }]) => `  ${name.padEnd(16)} ${says}: ${asleepUa.value} µA asleep`,
      ),
      "The output shows the default of each input, and its source.",
      "Exit: 0 a result, 2 usage, also where the cells cannot run the board at all.",
    ],
  },
  {
    board: preset("esp32c3", choice("the board", Object.keys(BOARDS) as BoardName[])),
    cells: preset(
      "2xAA",
      option("NxCELL", "cells in series: AA, AAA, AA-lithium, 18650", (given, name) => cellsOf(name, given)),
    ),
    supply: choice("between cells and 3.3 V (default: boost below 3.6 V, ldo above)", SUPPLIES),
    sensor: preset("sht4x", choice("the sensor", Object.keys(SENSORS) as SensorName[])),
    join: preset(
      "cached",
      choice("the network's channel and address are known from before, or are not", ["cached", "full"]),
    ),
    interval: preset(
      "60",
      option("SECONDS", "between two samples", (given, name) => numberOf(name, given, 1, MAX_INTERVAL_S, "seconds")),
    ),
    report: preset(
      "60",
      option("MINUTES", "between two reports", (given, name) =>
        numberOf(name, given, 1 / 60, MAX_REPORT_MINUTES, "minutes"),
      ),
    ),
    ...inputOptions(),
    svg: text("FILE", "a plot of the life over the time between two reports"),
    json: flag("all figures as one line of JSON"),
  },
);

const made: Choice = {
  board: values.board,
  ...values.cells,
  sensor: values.sensor,
  join: values.join,
  supply: values.supply ?? usualSupply(values.cells),
};
const times: Times = { intervalS: values.interval, reportS: values.report * 60 };
orMisused(() => checkSupply(made));
if (times.reportS < times.intervalS)
  misused(`--report ${values.report}: shorter than --interval, ${times.intervalS} s; a report sends samples`);

const given: Partial<Record<InputName, number>> = {};
for (const name of INPUT_NAMES) {
  const value = (values as Readonly<Record<string, unknown>>)[optionName(name)];
  if (typeof value === "number") given[name] = value;
}
const inputs: Inputs = inputsOf(made, given);
const life = ableLife(times);
if (values.svg !== undefined) writeFileSync(values.svg, drawn());
show();

function lifeAt(at: Times): Life {
  return lifeOf(loadOf(inputs, at), packOf(inputs, made), supplyOf(inputs, made.supply));
}

function ableLife(at: Times): Life {
  try {
    return lifeAt(at);
  } catch (error) {
    if (error instanceof Unable)
      misused(`${made.count}x${made.cell}, --supply ${made.supply}, --interval ${at.intervalS}: ${error.message}`);
    throw error;
  }
}

function drawn(): string {
  const lines = PLOT_INTERVALS_S.map((intervalS) => ({
    says: `a sample every ${intervalS < 60 ? `${intervalS} s` : `${intervalS / 60} min`}`,
    points: PLOT_REPORTS_MINUTES.filter((minutes) => minutes * 60 >= intervalS).map(
      (minutes) => [minutes, lifeAt({ intervalS, reportS: minutes * 60 }).hours / MONTH_H] as const,
    ),
  }));
  const title = `${BOARDS[made.board].says}, ${inputs.sleepUa.value} µA asleep, ${made.count}x${made.cell}`;
  return plot(title, lines, [values.report, life.hours / MONTH_H]);
}

function show(): void {
  const load = loadOf(inputs, times);
  const comparisons = compare();
  if (values.json) {
    const { hours, ...rest } = life;
    const published = { source: SOURCE, comparisons };
    console.log(
      JSON.stringify({
        model: MODEL,
        choice: made,
        times,
        inputs,
        load,
        life: { hours, days: hours / 24, ...rest },
        published,
      }),
    );
  } else console.log(`${tableOf(made, times, inputs, load, life)}\n\n${comparisonOf(comparisons)}\n`);
  printVerdict(`by the model, not measured: ${lifeText(life)}`, values.json);
}
