/*
 * Samples as points of InfluxDB, by its line protocol over HTTP: measurement and tags as the recipe for Telegraf makes them.
 * A sample that is sent again is the same point: same series, same time.
 * Source: docs.influxdata.com/influxdb/v1/write_protocols/line_protocol_reference
 */
import { channels } from "../../../src/channels/channels.js";
import type { StoredSample } from "./store.js";

const SEND_MS = 30_000;

/** One line, time in nanoseconds; undefined: no value. The number follows the milliseconds of an arrival, so that a burst is not one point. */
export function lineOf({ room, topic, seq, ts, point, values }: StoredSample): string | undefined {
  const fields = channels
    .filter(({ name }) => values[name] !== undefined)
    .map(({ name, key }) => `${name === topic ? "value" : key}=${values[name]}`);
  if (fields.length === 0) return undefined;
  if (seq !== null) fields.push(`seq=${seq}i`);
  const isArrival = ts === null || ts !== point;
  const below = isArrival && seq !== null ? seq % 1_000_000 : 0;
  return `${escaped(topic)},room=${escaped(room)} ${fields.join(",")} ${BigInt(point) * 1_000_000n + BigInt(below)}`;
}

/** `url`: of `/write` (1.x) or `/api/v2/write` (2.x), with database or bucket. @throws Error with what it answered */
export async function sendPoints(
  url: string,
  token: string | undefined,
  samples: readonly StoredSample[],
): Promise<void> {
  const lines = samples.map(lineOf).filter((line) => line !== undefined);
  if (lines.length === 0) return;
  const target = new URL(url);
  target.searchParams.set("precision", "ns");
  const response = await fetch(target, {
    method: "POST",
    headers: token === undefined ? {} : { authorization: `Token ${token}` },
    body: `${lines.join("\n")}\n`,
    signal: AbortSignal.timeout(SEND_MS),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`InfluxDB answers ${response.status}: ${text.trim().slice(0, 300)}`);
}

/** Measurements and tag values: a line has no line ends, and a final backslash would escape what follows. */
function escaped(text: string): string {
  return text
    .replace(/[\n\r]/g, " ")
    .replace(/\\$/, "\\\\")
    .replace(/[ ,=]/g, "\\$&");
}
