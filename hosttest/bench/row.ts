/* A measured figure with its goal, and a table of them. */

export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** At most this; undefined: for information. */
  readonly goal?: number;
  /** Undefined without a goal. */
  readonly met?: boolean;
  /** Measured at another time, by other programs; a run does not measure it again. */
  readonly recorded?: true;
}

/** A figure that should be at most `goal`. Rounded, so that a committed figure is easy to read. */
export function row(name: string, value: number, unit: string, goal?: number): Row {
  const rounded = Math.round(value * 1000) / 1000;
  return goal === undefined
    ? { name, value: rounded, unit }
    : { name, value: rounded, unit, goal, met: rounded <= goal };
}

/** Lines of text, columns aligned. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map(({ name, value, unit, goal, met, recorded }) => [
    recorded ? `recorded, not measured here: ${name}` : name,
    value.toLocaleString("en", { maximumFractionDigits: 3 }),
    unit,
    goal === undefined ? "" : `at most ${goal.toLocaleString("en")}`,
    met === undefined ? "" : met ? "met" : "NOT MET",
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...cells.map((cell) => cell[column].length)));
  return cells
    .map(([name, value, unit, goal, met]) =>
      [name.padEnd(widths[0]), value.padStart(widths[1]), unit.padEnd(widths[2]), goal.padEnd(widths[3]), met]
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
