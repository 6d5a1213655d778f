/*
 * A house as text: a table for a terminal, or JSON. Pure functions: no output.
 */
import { channels } from "../../../src/channels/channels.js";
import { printable } from "../../../src/console/port/printable.js";
import { columnsOf } from "../../../src/console/terminal/columns.js";
import { type House, newestOf, type Point, type Room } from "./house.js";

const BARS = "▁▂▃▄▅▆▇█";
const MAX_TREND = 60;
const MIN_TREND = 8;
/** Marks the value of a late sample. */
const LATE = "*";
const YELLOW = "\x1b[33m";
const RED = "\x1b[31m";
const BOLD = "\x1b[1m";
const PLAIN = "\x1b[0m";

export interface Shape {
  readonly columns: number;
  /** Lines that fit; rooms beyond are counted. */
  readonly rows: number;
  readonly hasColours: boolean;
}

/** The table, a line a room. `state`: of the connection, the first line. */
export function screenLines(house: House, state: string, nowMs: number, shape: Shape): string[] {
  const rooms = house.all;
  const colour = (code: string, text: string): string => (shape.hasColours ? code + text + PLAIN : text);
  const lines = [cut(printable(state), shape.columns)];
  if (rooms.length === 0) return [...lines, "no sample and no device yet"];
  const legend = rooms.some(({ late }) => late > 0) ? [`${LATE} arrived late: the time is the sample's`] : [];
  const free = Math.max(1, shape.rows - lines.length - legend.length - 2); // heads, and what says how many more
  const shown = rooms.slice(0, free);
  const cells = [HEADS, ...shown.map((room) => cellsOf(room, nowMs))];
  const widths = HEADS.map((_head, column) => Math.max(...cells.map((row) => widthOf(row[column]))));
  const used = widths.reduce((sum, width) => sum + width + 2, 0);
  const trendWidth = Math.min(MAX_TREND, shape.columns - used);
  for (const [index, row] of cells.entries()) {
    const text = row.map((cell, column) => padded(cell, widths[column], RIGHT.has(column))).join("  ");
    if (index === 0) {
      lines.push(colour(BOLD, cut(trendWidth >= MIN_TREND ? `${text}  trend` : text, shape.columns)));
      continue;
    }
    const room = shown[index - 1];
    const isBad = room.sequence.missing > 0 || [...room.devices.values()].includes("offline");
    const body = colour(isBad ? RED : "", cut(text, shape.columns));
    lines.push(trendWidth >= MIN_TREND ? `${body}  ${trendOf(room.trend.slice(-trendWidth), colour)}` : body);
  }
  if (rooms.length > shown.length) lines.push(`and ${rooms.length - shown.length} more: a larger window, or --filter`);
  return [...lines, ...legend];
}

const HEADS = ["room", "value", "age", "seq", "missing", "doubles", "late", "device"];
const RIGHT: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6]);

function cellsOf(room: Room, nowMs: number): string[] {
  const newest = newestOf(room);
  const { sequence } = room;
  return [
    printable(room.name),
    newest === undefined ? "" : valuesText(newest.values) + (newest.isLate ? LATE : ""),
    newest === undefined ? "" : ageText(nowMs - newest.atMs),
    sequence.newest === undefined ? "" : `${sequence.newest}`,
    sequence.unseen > 0 ? `${sequence.missing} +${sequence.unseen}?` : `${sequence.missing}`,
    `${sequence.doubles}`,
    `${room.late}`,
    printable([...room.devices].map(([id, status]) => `${id} ${status}`).join(", ")),
  ];
}

/** "21.44 °C 45.2 %" */
export function valuesText(values: Readonly<Record<string, number>>): string {
  return channels
    .filter(({ name }) => values[name] !== undefined)
    .map(({ name, unit, decimals }) => `${values[name].toFixed(decimals)} ${unit}`)
    .join(" ");
}

/** In the largest unit that gives at least two: "119 s", "2 min", "36 h". Never negative, even if the clocks differ. */
export function ageText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} d`;
}

/** One bar for each value, scaled from the lowest to the highest shown; late ones are coloured if the terminal has colours. */
export function trendOf(points: readonly Point[], colour: (code: string, text: string) => string): string {
  const values = points.map(({ value }) => value);
  const lowest = Math.min(...values);
  const span = Math.max(...values) - lowest;
  return points
    .map(({ value, isLate }) => {
      const bar = BARS[span === 0 ? 0 : Math.round(((value - lowest) / span) * (BARS.length - 1))];
      return isLate ? colour(YELLOW, bar) : bar;
    })
    .join("");
}

/** The output of `--json`: the whole state, rooms by name. Times are ISO 8601. */
export function figuresOf(house: House, nowMs: number): object {
  return {
    at: new Date(nowMs).toISOString(),
    rooms: house.all.map((room) => {
      const newest = newestOf(room);
      const { sequence } = room;
      return {
        room: room.name,
        ...(newest === undefined
          ? {}
          : { values: newest.values, at: new Date(newest.atMs).toISOString(), isLate: newest.isLate }),
        samples: room.samples,
        late: room.late,
        ...(sequence.newest === undefined ? {} : { seq: sequence.newest }),
        missing: sequence.missing,
        unseen: sequence.unseen,
        doubles: sequence.doubles,
        restarts: sequence.restarts,
        devices: Object.fromEntries(room.devices),
      };
    }),
  };
}

function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += columnsOf(character.codePointAt(0) as number);
  return width;
}

function padded(text: string, width: number, isRight: boolean): string {
  const blanks = " ".repeat(Math.max(0, width - widthOf(text)));
  return isRight ? blanks + text : text + blanks;
}

/** No wider than the terminal. */
function cut(text: string, columns: number): string {
  let width = 0;
  let shown = "";
  for (const character of text) {
    width += columnsOf(character.codePointAt(0) as number);
    if (width > columns) return shown;
    shown += character;
  }
  return shown;
}
