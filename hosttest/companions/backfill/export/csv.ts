/*
 * All samples as CSV (RFC 4180): a row a sample, rooms one after the other, by time.
 */
import { channels } from "../../../../src/channels/channels.js";
import type { StoredSample } from "../store.js";
import { writeLines } from "./export-file.js";

const HEAD = ["room", "measured", "arrived", "seq", "topic", ...channels.map(({ name }) => name)];

/** @returns how many samples */
export function writeCSV(file: string, samples: Iterable<StoredSample>): number {
  let count = 0;
  function* lines(): Generator<string> {
    yield `${HEAD.join(",")}\r\n`;
    for (const sample of samples) {
      count++;
      yield `${rowOf(sample)}\r\n`;
    }
  }
  writeLines(file, lines());
  return count;
}

function rowOf({ room, topic, seq, ts, arrived, values }: StoredSample): string {
  const cells = [room, ts === null ? "" : timeOf(ts), timeOf(arrived), seq ?? "", topic];
  return [...cells, ...channels.map(({ name }) => values[name] ?? "")].map(cellOf).join(",");
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

function cellOf(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
