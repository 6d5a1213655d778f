/*
 * Sends stored samples to InfluxDB as points, and to Home Assistant as hours. The program may be killed at any step: work stays in the
 * store until it is done and, for hours, read back.
 */
import { messageOf } from "../../../src/common/message-of.js";
import { HomeAssistant, TokenRefused } from "./homeassistant/connection.js";
import { type Entity, entitiesOf } from "./homeassistant/entities.js";
import { type Hour, UnitUnknown, writeHours } from "./homeassistant/statistics.js";
import { hourStatistics } from "./hours.js";
import { sendPoints } from "./influx.js";
import type { DueHour, Store } from "./store.js";

/** Home Assistant computes an hour when it has ended, and overwrites values written before. */
export const GRACE_MS = 600_000;
const POINTS = 500; // in one request
const INFLUX = "influx";

export interface Target {
  readonly url: string;
  readonly token: string | undefined;
}

/** Sends the samples that InfluxDB does not have yet. @returns how many. @throws Error */
export async function serveInflux(store: Store, { url, token }: Target): Promise<number> {
  for (let sent = 0; ; ) {
    const samples = store.unserved(INFLUX, POINTS);
    if (samples.length === 0) return sent;
    await sendPoints(url, token, samples);
    store.serve(INFLUX, samples[samples.length - 1].id);
    sent += samples.length;
  }
}

export interface Served {
  /** Hours of rooms whose values were read back as expected. */
  readonly hours: number;
  /** How many rows of their channels had to be written. */
  readonly corrected: number;
  /** Texts for a person, each once. */
  readonly problems: readonly string[];
}

/** Writes the hours that are due. `nowMs`: milliseconds since 1970. @throws TokenRefused; Error */
export async function serveHours(store: Store, { url, token = "" }: Target, nowMs: number): Promise<Served> {
  const due = store.dueHours(nowMs - GRACE_MS);
  if (due.length === 0) return { hours: 0, corrected: 0, problems: [] };
  const server = await HomeAssistant.connect(url, token);
  try {
    return await writeDue(store, server, due);
  } finally {
    server.close();
  }
}

async function writeDue(store: Store, server: HomeAssistant, due: readonly DueHour[]): Promise<Served> {
  const entities = await entitiesOf(server);
  const problems = new Set<string>();
  let hours = 0;
  let corrected = 0;
  for (const [room, wanted] of byRoom(due)) {
    const shown = entities.filter((entity) => entity.room === room);
    if (shown.length === 0) {
      problems.add(`Home Assistant has no entity for room "${room}": its MQTT integration, and the device's discovery`);
      continue;
    }
    const failed = new Set<number>();
    for (const entity of shown) {
      const rows = rowsOf(store, entity, wanted);
      if (rows.length === 0) continue;
      try {
        const written = await writeHours(server, entity.statisticId, entity.channel, rows);
        corrected += written.corrected;
        if (written.part !== undefined) store.serve(partOf(entity), written.part);
        const standing = new Set(written.verified.map(({ start }) => start));
        for (const { start } of rows) if (!standing.has(start)) failed.add(start);
        if (standing.size < rows.length)
          problems.add(`${entity.statisticId}: ${rows.length - standing.size} hours were written, but not read back`);
      } catch (error) {
        if (!(error instanceof UnitUnknown)) throw error;
        problems.add(messageOf(error));
        for (const { start } of rows) failed.add(start);
      }
    }
    for (const hour of wanted.filter(({ start }) => !failed.has(start))) {
      store.settleHour(hour);
      hours += 1;
    }
  }
  return { hours, corrected, problems: [...problems] };
}

/** Name under which the store keeps the start of an hour that we wrote in part: its other samples may still arrive. */
function partOf({ statisticId }: Entity): string {
  return `part of ${statisticId}`;
}

function rowsOf(store: Store, entity: Entity, due: readonly DueHour[]): Hour[] {
  const rows: Hour[] = [];
  const firstMs = due.length > 0 ? (store.firstOf(due[0].room) ?? 0) : 0;
  for (const hour of due) {
    const { start } = hour;
    const statistics = hourStatistics(store.valuesOf(hour).get(entity.channel) ?? [], start);
    if (statistics === undefined) continue;
    const isPartial = firstMs > start && store.servedTo(partOf(entity)) !== start;
    rows.push({ start, isPartial, ...statistics });
  }
  return rows;
}

function byRoom(due: readonly DueHour[]): Map<string, DueHour[]> {
  const rooms = new Map<string, DueHour[]>();
  for (const hour of due) rooms.set(hour.room, [...(rooms.get(hour.room) ?? []), hour]);
  return rooms;
}

export { TokenRefused };
