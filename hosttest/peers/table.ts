/*
 * The table in hosttest/peers.md: a row for each trial. A run replaces the rows of the brokers that it ran and leaves the others, each with
 * its date.
 */
import type { Event, Outcome, QoS } from "./trial.js";

export interface Row {
  readonly peer: string;
  readonly version: string;
  readonly qos: QoS;
  readonly event: Event;
  readonly outcome: Outcome;
  /** Day, UTC. */
  readonly date: string;
}

const HEADS = [
  "broker",
  "version",
  "QoS",
  "event",
  "spoken",
  "taken",
  "seen",
  "lost / doubled / out of order by us",
  "lost / out of order by the broker",
  "seen again",
  "sessions lost",
  "codes",
  "date",
] as const;
const BEGIN = "<!-- npm run peers -->";
const END = "<!-- end -->";

/** Whether the promises were kept: nothing lost, at QoS 2 nothing doubled, all in order and settled. */
export function isKept({ lost, doubled, disordered, exitCode }: Outcome): boolean {
  return lost + doubled + disordered === 0 && exitCode === 0;
}

function cellsOf({ peer, version, qos, event, outcome, date }: Row): string[] {
  const { wireQos, taken, seen, lost, doubled, disordered, lostByBroker, disorderedByBroker } = outcome;
  const unsettled = outcome.exitCode === 0 ? "" : `, **${outcome.waiting} not settled**`;
  return [
    peer,
    version,
    wireQos === qos ? `${qos}` : `${qos}, taken as ${wireQos}`,
    event,
    outcome.spoken.join(", then "),
    `${taken}`,
    `${seen}`,
    (qos === 0 ? "-" : `${lost} / ${doubled} / ${disordered}`) + unsettled,
    `${lostByBroker} / ${disorderedByBroker}`,
    `${outcome.repeated}`,
    `${outcome.sessionsLost}`,
    outcome.codes.join(", "),
    date,
  ];
}

const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

/** For a terminal. */
export function plainTable(rows: readonly Row[]): string {
  const lines = [[...HEADS], ...rows.map(cellsOf)];
  const widths = HEADS.map((_head, column) => Math.max(...lines.map((cells) => cells[column].length)));
  return lines
    .map((cells) =>
      cells
        .map((cell, i) => cell.padEnd(widths[i]))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** The page with these rows instead of the older ones of the same brokers. `order`: all brokers' names, in the order of the table. */
export function updatedPage(page: string, rows: readonly Row[], order: readonly string[]): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`peers.md: the lines "${BEGIN}" and "${END}" are not found`);
  const ran = new Set(rows.map(({ peer }) => peer));
  const place = (peer: string): number => (order.includes(peer) ? order.indexOf(peer) : order.length);
  const older = page
    .slice(begin, end)
    .split("\n")
    .filter((text) => text.startsWith("| "))
    .slice(1)
    .map((text) => ({ peer: text.split(" | ")[0].slice(2), text }))
    .filter(({ peer }) => !ran.has(peer));
  const newer = rows.map((row) => ({ peer: row.peer, text: line(cellsOf(row)) }));
  const lines = [...older, ...newer].sort((a, b) => place(a.peer) - place(b.peer)).map(({ text }) => text);
  const table = [line(HEADS), `|${"---|".repeat(HEADS.length)}`, ...lines].join("\n");
  return `${page.slice(0, begin)}${BEGIN}\n\n${table}\n\n${page.slice(end)}`;
}
