/*
 * Hourly statistics in Home Assistant's recorder: read, corrected where they differ, and read again.
 * Writing an hour again replaces it, so an interrupted attempt can be repeated.
 * Source: Home Assistant, components/recorder/websocket_api.py; seen with 2026.11.0: an hour begins on the hour; a statistic without an
 * entity is accepted, too; imported rows can be read some tenths of a second later.
 */
import { channels } from "../../../../src/channels/channels.js";
import { HOUR_MS, type HourStatistics } from "../hours.js";
import type { HomeAssistant } from "./connection.js";

/** An hour of a channel with its expected values. */
export interface Hour extends HourStatistics {
  /** Milliseconds since 1970. */
  readonly start: number;
  /** Its first samples are not in the store: Home Assistant's value is better. */
  readonly isPartial?: boolean;
}

export interface Written {
  /** The hours that were read back as expected. */
  readonly verified: readonly Hour[];
  /** Of these, how many had to be written. */
  readonly corrected: number;
  /** Start of an hour that was written in part, because Home Assistant had no value. */
  readonly part?: number;
}

interface Metadata {
  readonly statistic_id: string;
  readonly statistics_unit_of_measurement: string | null;
  readonly unit_class: string | null;
}

interface StoredHour {
  readonly start: number;
  readonly mean?: number | null;
  readonly min?: number | null;
  readonly max?: number | null;
}

/** Humidity is a percentage in Home Assistant: it has no other unit. */
const UNITLESS = "unitless";
/** Home Assistant's unit class of a channel, for a statistic that does not exist yet. */
const UNIT_CLASSES: Readonly<Record<string, string>> = {
  temperature: "temperature",
  humidity: UNITLESS,
  pressure: "pressure",
};
/** Its mean is arithmetic. */
const ARITHMETIC = 1;
const MAX_HOURS = 500; // in one command
const READINGS = 20;
const READING_MS = 250;
const TOLERANCE = 1e-6;
/** Conversion of our values to the unit that the user has chosen. */
const CONVERSIONS: Readonly<Record<string, (value: number) => number>> = {
  "°F": (celsius) => (celsius * 9) / 5 + 32,
  K: (celsius) => celsius + 273.15,
};

/** An entity's hours cannot be written until its user changes something. */
export class UnitUnknown extends Error {}

/** @throws UnitUnknown; what `HomeAssistant.call` throws */
export async function writeHours(
  server: Pick<HomeAssistant, "call">,
  statisticId: string,
  channel: string,
  hours: readonly Hour[],
): Promise<Written> {
  const metadata = await metadataOf(server, statisticId, channel);
  const verified: Hour[] = [];
  let corrected = 0;
  let part: number | undefined;
  for (let from = 0; from < hours.length; from += MAX_HOURS) {
    const batch = hours.slice(from, from + MAX_HOURS).map((hour) => converted(hour, metadata, channel));
    const before = await read(server, statisticId, batch, metadata);
    const wrong = batch.filter((hour) => !stands(before, hour) && !(hour.isPartial && before.has(hour.start)));
    if (wrong.length > 0) await importHours(server, statisticId, metadata, wrong);
    corrected += wrong.length;
    part = wrong.find(({ isPartial }) => isPartial)?.start ?? part;
    const standing = wrong.length === 0 ? before : await readUntil(server, statisticId, wrong, metadata);
    batch.forEach((hour, index) => {
      if (stands(standing, hour) || !wrong.includes(hour)) verified.push(hours[from + index]);
    });
  }
  return { verified, corrected, part };
}

interface Unit {
  readonly unit: string;
  readonly unitClass: string | null;
}

async function metadataOf(server: Pick<HomeAssistant, "call">, statisticId: string, channel: string): Promise<Unit> {
  const ids = { statistic_ids: [statisticId] };
  const [known] = await server.call<readonly Metadata[]>("recorder/get_statistics_metadata", ids);
  const ours = unitOf(channel);
  if (known === undefined) return { unit: ours, unitClass: UNIT_CLASSES[channel] ?? null };
  const unit = known.statistics_unit_of_measurement ?? "";
  if (unit !== ours && !(channel === "temperature" && unit in CONVERSIONS))
    throw new UnitUnknown(`${statisticId} is kept in "${unit}", not in ${ours}: choose ${ours} in its settings`);
  return { unit, unitClass: known.unit_class };
}

async function importHours(
  server: Pick<HomeAssistant, "call">,
  statisticId: string,
  { unit, unitClass }: Unit,
  hours: readonly Hour[],
): Promise<void> {
  await server.call("recorder/import_statistics", {
    metadata: {
      statistic_id: statisticId,
      source: "recorder",
      name: null,
      has_mean: true,
      has_sum: false,
      mean_type: ARITHMETIC,
      unit_class: unitClass,
      unit_of_measurement: unit,
    },
    stats: hours.map(({ start, mean, min, max }) => ({ start: new Date(start).toISOString(), mean, min, max })),
  });
}

/** Home Assistant writes imported rows after its answer: reads until they are there, for a limited time. */
async function readUntil(
  server: Pick<HomeAssistant, "call">,
  statisticId: string,
  hours: readonly Hour[],
  unit: Unit,
): Promise<Map<number, StoredHour>> {
  for (let reading = 1; ; reading++) {
    const standing = await read(server, statisticId, hours, unit);
    if (reading === READINGS || hours.every((hour) => stands(standing, hour))) return standing;
    await new Promise((resolve) => setTimeout(resolve, READING_MS));
  }
}

async function read(
  server: Pick<HomeAssistant, "call">,
  statisticId: string,
  hours: readonly Hour[],
  { unit, unitClass }: Unit,
): Promise<Map<number, StoredHour>> {
  const starts = hours.map(({ start }) => start);
  const answer = await server.call<Readonly<Record<string, readonly StoredHour[]>>>(
    "recorder/statistics_during_period",
    {
      start_time: new Date(Math.min(...starts)).toISOString(),
      end_time: new Date(Math.max(...starts) + HOUR_MS).toISOString(),
      statistic_ids: [statisticId],
      period: "hour",
      types: ["mean", "min", "max"],
      ...(unitClass === null || unitClass === UNITLESS ? {} : { units: { [unitClass]: unit } }),
    },
  );
  return new Map((answer[statisticId] ?? []).map((hour) => [hour.start, hour]));
}

function stands(standing: ReadonlyMap<number, StoredHour>, hour: Hour): boolean {
  const stored = standing.get(hour.start);
  if (stored === undefined) return false;
  return (["mean", "min", "max"] as const).every((key) => {
    const value = stored[key];
    return typeof value === "number" && Math.abs(value - hour[key]) <= TOLERANCE * Math.max(1, Math.abs(hour[key]));
  });
}

function converted(hour: Hour, { unit }: Unit, channel: string): Hour {
  const convert = unit === unitOf(channel) ? undefined : CONVERSIONS[unit];
  if (convert === undefined) return hour;
  return { ...hour, mean: convert(hour.mean), min: convert(hour.min), max: convert(hour.max) };
}

function unitOf(channel: string): string {
  const found = channels.find(({ name }) => name === channel);
  if (found === undefined) throw new TypeError(`no channel ${channel}`);
  return found.unit;
}
