/*
 * All samples as CSV (RFC 4180): a row a sample, rooms one after the other, by time. Written beside the file and moved into place whole.
 */
import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from "node:fs";
import { channels } from "../../../src/channels/channels.js";
import type { StoredSample } from "./store.js";

const HEAD = ["room", "measured", "arrived", "seq", "topic", ...channels.map(({ name }) => name)];
const CHUNK = 1_000;

/** @returns how many samples */
export function writeCSV(file: string, samples: Iterable<StoredSample>): number {
  const part = `${file}.${process.pid}`;
  const descriptor = openSync(part, "w");
  let count = 0;
  let rows = [HEAD.join(",")];
  const flush = (): void => {
    writeFileSync(descriptor, rows.map((row) => `${row}\r\n`).join(""));
    rows = [];
  };
  try {
    for (const sample of samples) {
      count += 1;
      if (rows.push(rowOf(sample)) >= CHUNK) flush();
    }
    flush();
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(part, file);
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
