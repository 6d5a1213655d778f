/*
 * All samples as OpenMetrics, for `promtool tsdb create-blocks-from openmetrics`: a metric family for each channel, a series for each
 * room, at the time of measurement. Prometheus scrapes current values only; past ones can only be imported as blocks.
 * Source: OpenMetrics 1.0, text format.
 */
import { channels } from "../../../../src/channels/channels.js";
import type { StoredSample } from "../store.js";
import { writeLines } from "./export-file.js";

const MS_PER_S = 1_000;

/** `all`: by room and time; each call starts from the beginning. @returns how many points */
export function writeOpenMetrics(file: string, all: () => Iterable<StoredSample>): number {
  let count = 0;
  function* lines(): Generator<string> {
    for (const { name } of channels) {
      yield `# TYPE home_${name} gauge\n`;
      for (const point of pointsOf(name, all())) {
        count++;
        yield `${point}\n`;
      }
    }
    yield "# EOF\n";
  }
  writeLines(file, lines());
  return count;
}

/** A series has each time once: samples without `ts` that arrived in the same millisecond are written one millisecond apart. */
function* pointsOf(channel: string, samples: Iterable<StoredSample>): Generator<string> {
  let before: { readonly room: string; readonly atMs: number } | undefined;
  for (const { room, ts, arrived, values } of samples) {
    const value = values[channel];
    if (value === undefined) continue;
    const measuredMs = ts ?? arrived;
    const atMs = before?.room === room ? Math.max(measuredMs, before.atMs + 1) : measuredMs;
    yield `home_${channel}{room="${escaped(room)}"} ${value} ${(atMs / MS_PER_S).toFixed(3)}`;
    before = { room, atMs };
  }
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
