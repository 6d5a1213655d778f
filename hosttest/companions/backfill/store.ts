/*
 * Every sample of every room, once, in SQLite. When `keep` returns, the sample survives a power cut (WAL, synchronous FULL), and so
 * does the work that it causes: the hours to write, and how far InfluxDB has been served.
 *
 * A sample that arrives again (QoS 1) has the same number and the same `ts`. If it had no `ts` the first time, because the device did not
 * know the time yet, the `ts` is added. The number alone is not enough: a device counts from 0 again after `factory-reset`.
 */
import { DatabaseSync } from "@photostructure/sqlite";
import type { SampleMessage } from "../message.js";
import { HOUR_MS, hourOf, MAX_HOLD_MS, type Value } from "./hours.js";

const SCHEMA = `
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS sample (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  room TEXT NOT NULL,
  topic TEXT NOT NULL,        -- last level of the topic
  seq INTEGER,                -- NULL: the device does not count at QoS 0
  ts INTEGER,                 -- measured, ms since 1970; NULL: not known
  arrived INTEGER NOT NULL,   -- ms since 1970
  point INTEGER NOT NULL,     -- ts, or the arrival, as they were at first: a point that was handed on never moves
  "values" TEXT NOT NULL      -- JSON, by channel
) STRICT;
CREATE INDEX IF NOT EXISTS sample_number ON sample (room, topic, seq);
CREATE INDEX IF NOT EXISTS sample_time ON sample (room, COALESCE(ts, arrived));
CREATE TABLE IF NOT EXISTS hour (  -- to be written, or written anew
  room TEXT NOT NULL,
  start INTEGER NOT NULL,
  changed INTEGER NOT NULL,        -- by which sample
  PRIMARY KEY (room, start)
) STRICT;
CREATE TABLE IF NOT EXISTS served (name TEXT PRIMARY KEY, id INTEGER NOT NULL) STRICT;
PRAGMA user_version = 1;
`;
/** How far back the first arrival of an undated sample is searched for. */
const MAX_DOUBLE_MS = 30 * 86_400_000;

export type Kept = "new" | "double" | "dated";

export interface StoredSample {
  readonly id: number;
  readonly room: string;
  readonly topic: string;
  readonly seq: number | null;
  readonly ts: number | null;
  readonly arrived: number;
  readonly point: number;
  readonly values: Readonly<Record<string, number>>;
}

/** An hour of a room that still has to be written. */
export interface DueHour {
  readonly room: string;
  readonly start: number;
  readonly changed: number;
}

type Row = Omit<StoredSample, "values"> & { readonly values: string };

export class Store {
  private readonly database: InstanceType<typeof DatabaseSync>;

  /** @throws Error if the file is not a store, or another process uses it */
  constructor(file: string) {
    this.database = new DatabaseSync(file, { timeout: 0 });
    try {
      this.database.exec(SCHEMA);
      this.database.exec("BEGIN IMMEDIATE; COMMIT"); // takes the lock now, or fails
    } catch (error) {
      this.database.close();
      throw error;
    }
  }

  /** Durable when it returns. `arrivedMs`: milliseconds since 1970. */
  keep(sample: SampleMessage, arrivedMs: number): Kept {
    return this.atomic(() => this.place(sample, arrivedMs));
  }

  get count(): number {
    return this.one<{ count: number }>("SELECT COUNT(*) AS count FROM sample").count;
  }

  /** Up to `limit` samples that `name` has not been served yet, in the order of arrival. */
  unserved(name: string, limit: number): StoredSample[] {
    const rows = this.database
      .prepare(
        "SELECT * FROM sample WHERE id > COALESCE((SELECT id FROM served WHERE name = ?), 0) ORDER BY id LIMIT ?",
      )
      .all(name, limit) as unknown as Row[];
    return rows.map(fromRow);
  }

  /** The last `id` that `serve` was given for `name`; undefined: none. */
  servedTo(name: string): number | undefined {
    return this.database.prepare("SELECT id FROM served WHERE name = ?").get(name)?.id as number | undefined;
  }

  /** Records that `name` has all samples up to `id`; also used for other numbers kept by name. */
  serve(name: string, id: number): void {
    this.database.prepare("INSERT OR REPLACE INTO served (name, id) VALUES (?, ?)").run(name, id);
  }

  /** Hours to write that had ended by `untilMs`, by room and time. */
  dueHours(untilMs: number): DueHour[] {
    return this.database
      .prepare("SELECT room, start, changed FROM hour WHERE start + ? <= ? ORDER BY room, start")
      .all(HOUR_MS, untilMs) as unknown as DueHour[];
  }

  /** The hour is written, as it was when it was read: if a sample has arrived since, it must be written again. */
  settleHour({ room, start, changed }: DueHour): void {
    this.database.prepare("DELETE FROM hour WHERE room = ? AND start = ? AND changed = ?").run(room, start, changed);
  }

  /** By channel, the input of an hour's statistics: its values and those just before it, by time. */
  valuesOf({ room, start }: DueHour): Map<string, Value[]> {
    const rows = this.database
      .prepare(
        `SELECT COALESCE(ts, arrived) AS at, "values" FROM sample
         WHERE room = ? AND COALESCE(ts, arrived) >= ? AND COALESCE(ts, arrived) < ? ORDER BY at, id`,
      )
      .all(room, start - MAX_HOLD_MS, start + HOUR_MS) as unknown as { at: number; values: string }[];
    const found = new Map<string, Value[]>();
    for (const { at, values } of rows) {
      for (const [channel, value] of Object.entries(JSON.parse(values) as Record<string, number>)) {
        const list = found.get(channel) ?? [];
        list.push({ atMs: at, value });
        found.set(channel, list);
      }
    }
    return found;
  }

  /** When the first stored sample of a room was measured, milliseconds since 1970; undefined: there is none. */
  firstOf(room: string): number | undefined {
    const row = this.database
      .prepare("SELECT COALESCE(ts, arrived) AS at FROM sample WHERE room = ? ORDER BY at LIMIT 1")
      .get(room) as unknown as { at: number } | undefined;
    return row?.at;
  }

  /** All, by room and time. */
  *all(): Generator<StoredSample> {
    const rows = this.database.prepare("SELECT * FROM sample ORDER BY room, COALESCE(ts, arrived), id").iterate();
    for (const row of rows) yield fromRow(row as unknown as Row);
  }

  close(): void {
    this.database.close();
  }

  private place(sample: SampleMessage, arrivedMs: number): Kept {
    const { room, topicChannel, seq = null, tsMs = null, values } = sample;
    const text = JSON.stringify(values);
    const same = this.sameAs(sample, text, arrivedMs);
    if (same === undefined) {
      const { lastInsertRowid } = this.database
        .prepare('INSERT INTO sample (room, topic, seq, ts, arrived, point, "values") VALUES (?, ?, ?, ?, ?, ?, ?)')
        .run(room, topicChannel, seq, tsMs, arrivedMs, tsMs ?? arrivedMs, text);
      this.mark(room, tsMs ?? arrivedMs, Number(lastInsertRowid));
      return "new";
    }
    if (same.ts !== null || tsMs === null) return "double";
    this.database.prepare("UPDATE sample SET ts = ? WHERE id = ?").run(tsMs, same.id);
    for (const atMs of [same.arrived, tsMs]) this.mark(room, atMs, -same.id); // another mark than when it came
    return "dated";
  }

  private sameAs({ room, topicChannel, seq, tsMs }: SampleMessage, text: string, arrivedMs: number): Row | undefined {
    const rows = this.database
      .prepare('SELECT * FROM sample WHERE room = ? AND topic = ? AND seq IS ? AND "values" = ? ORDER BY id DESC')
      .all(room, topicChannel, seq ?? null, text) as unknown as Row[];
    const isNear = (row: Row): boolean => seq !== undefined && arrivedMs - row.arrived < MAX_DOUBLE_MS;
    return rows.find((row) => {
      if (tsMs !== undefined && row.ts !== null) return row.ts === tsMs;
      return isNear(row);
    });
  }

  /** Marks the sample's hour and, if it has samples, the next one, which begins with this value. */
  private mark(room: string, atMs: number, changed: number): void {
    const start = hourOf(atMs);
    const mark = this.database.prepare("INSERT OR REPLACE INTO hour (room, start, changed) VALUES (?, ?, ?)");
    mark.run(room, start, changed);
    const next = start + HOUR_MS;
    const hasNext = this.database
      .prepare(
        "SELECT 1 FROM sample WHERE room = ? AND COALESCE(ts, arrived) >= ? AND COALESCE(ts, arrived) < ? LIMIT 1",
      )
      .get(room, next, next + HOUR_MS);
    if (hasNext !== undefined) mark.run(room, next, changed);
  }

  private atomic<T>(work: () => T): T {
    this.database.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.database.exec("COMMIT");
      return result;
    } catch (error) {
      if (this.database.isTransaction) this.database.exec("ROLLBACK");
      throw error;
    }
  }

  private one<T>(query: string): T {
    return this.database.prepare(query).get() as T;
  }
}

function fromRow(row: Row): StoredSample {
  return { ...row, values: JSON.parse(row.values) };
}
