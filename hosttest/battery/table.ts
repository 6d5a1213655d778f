/* The result as a person reads it. */
import { BOARDS, CELLS } from "./figures.js";
import { type Choice, INPUT_NAMES, INPUTS, type Inputs, optionName, type Times } from "./inputs.js";
import { type Life, type Load, type Phase, YEAR_H } from "./model.js";
import { type Comparison, SOURCE } from "./published.js";

export const MONTH_H = YEAR_H / 12;
export const MODEL = "A model, not a measurement: arithmetic on the figures below.";

export function tableOf(choice: Choice, times: Times, inputs: Inputs, load: Load, life: Life): string {
  const { board, cell, count, supply } = choice;
  const asked = `${BOARDS[board].says}; ${count}x${cell} (${CELLS[cell].says}), ${supply}; a sample every ${seconds(times.intervalS)}, a report every ${seconds(times.reportS)}`;
  return [
    MODEL,
    asked,
    "",
    ...inputLines(inputs),
    "",
    ...phaseLines(load, life),
    "",
    ...endLines(choice, inputs, life),
  ].join("\n");
}

function inputLines(inputs: Inputs): string[] {
  const rows = INPUT_NAMES.map((name) => {
    const { unit, says } = INPUTS[name];
    const { value, source } = inputs[name];
    return [`--${optionName(name)}`, `${value}`, unit, says, source] as const;
  });
  const width = (column: number): number => Math.max(...rows.map((row) => row[column].length));
  return rows.map(
    ([option, value, unit, says, source]) =>
      `${option.padEnd(width(0))}  ${value.padStart(width(1))} ${unit.padEnd(width(2))}  ${says.padEnd(width(3))}  ${source}`,
  );
}

function phaseLines(load: Load, { shares, meanUa }: Life): string[] {
  const perSample = (load.wakeMs / 1000) * load.awakeMa;
  const perReport = (load.reportMs / 1000) * load.radioMa;
  const row = (phase: Phase, what: string): string =>
    `${phase.padEnd(15)} ${`${(shares[phase] * 100).toFixed(1)} %`.padStart(7)} of the cells  ${what}`;
  return [
    row("asleep", `${load.asleepUa} µA`),
    row("samples", `${load.wakeMs.toFixed(0)} ms of ${load.awakeMa} mA each: ${perSample.toFixed(2)} mAs`),
    row("reports", `${load.reportMs.toFixed(0)} ms of ${load.radioMa} mA each: ${perReport.toFixed(1)} mAs`),
    row("self-discharge", ""),
    `on average ${meanUa.toFixed(0)} µA at 3.3 V`,
  ].map((line) => line.trimEnd());
}

function endLines({ count, cell }: Choice, inputs: Inputs, { emptyVolts, used }: Life): string[] {
  return [
    `empty at ${emptyVolts.toFixed(2)} V a resting cell (under load ${inputs.minVolts.value.toFixed(2)} V in all, ${count} in series), ` +
      `when ${(used * 100).toFixed(0)} % of the capacity is used`,
    `curve of the cell: ${CELLS[cell].curveSource}`,
  ];
}

export function comparisonOf(comparisons: readonly Comparison[]): string {
  return [
    `The same model of a device whose life was published, ${SOURCE}:`,
    ...comparisons.map(({ says, days: [from, to], modelDays, off }) => {
      const sign = off < 0 ? "-" : "+";
      return `  ${says.padEnd(50)} ${`${from} to ${to}`.padStart(10)} days, model ${modelDays.toFixed(0).padStart(3)}: ${sign}${Math.abs(off * 100).toFixed(0)} %`;
    }),
  ].join("\n");
}

export function lifeText({ hours }: Life): string {
  const days = hours / 24;
  return days < 60 ? `${days.toFixed(1)} days` : `${(hours / MONTH_H).toFixed(1)} months (${days.toFixed(0)} days)`;
}

function seconds(s: number): string {
  if (s >= 3600 && s % 3600 === 0) return `${s / 3600} h`;
  return s >= 60 && s % 60 === 0 ? `${s / 60} min` : `${s} s`;
}
