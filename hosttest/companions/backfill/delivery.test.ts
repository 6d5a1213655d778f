import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { removeFolder, temporaryFolder } from "../../support/temporary.js";
import { GRACE_MS, serveHours } from "./delivery.js";
import { TokenRefused } from "./homeassistant/connection.js";
import { writeHours } from "./homeassistant/statistics.js";
import { HOUR_MS, hourStatistics } from "./hours.js";
import { Store } from "./store.js";
import { DIALOGUE, PlayedBack, type Statistics } from "./support/played-back.js";
import { FIRST_HOUR, HOURS, NOW, ROOM, recordedSamples } from "./support/recorded-house.js";

const TEMPERATURE = "sensor.attic_thermometer_attic_temperature";
let folder: string;
let store: Store;
let server: PlayedBack | undefined;

beforeEach(() => {
  folder = temporaryFolder("backfill-");
  store = new Store(join(folder, "store.sqlite"));
  for (const sample of recordedSamples()) store.keep(sample, NOW);
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  store.close();
  removeFolder(folder);
});

const target = () => ({ url: server?.url ?? "", token: "TOKEN" });

describe("against the recorded dialogue", () => {
  test("the same messages as recorded: entities found by topic, hours imported, read until they are there", async () => {
    const surprises: unknown[] = [];
    server = await PlayedBack.byTheWord(surprises);
    const served = await serveHours(store, target(), NOW);
    expect(surprises).toEqual([]);
    expect(served).toEqual({ hours: HOURS, corrected: 3 * HOURS, problems: [] });
    expect(store.dueHours(NOW)).toEqual([]);
  });

  test("the recorded rows are the statistics of the samples", () => {
    const { message } = DIALOGUE[DIALOGUE.length - 1];
    const hours = (message.result as Record<string, { start: number }[]>)[TEMPERATURE];
    const values = recordedSamples().map(({ tsMs = 0, values }) => ({ atMs: tsMs, value: values.temperature }));
    const own = Array.from({ length: HOURS }, (_one, n) => FIRST_HOUR + n * HOUR_MS).map((start) => {
      const near = values.filter(({ atMs }) => atMs >= start - HOUR_MS && atMs < start + HOUR_MS);
      return { start, end: start + HOUR_MS, ...hourStatistics(near, start) };
    });
    expect(hours).toEqual(own);
  });
});

describe("with a server that stores statistics", () => {
  test("a correct hour is not written again; a later sample corrects it; no hour is written before it is due", async () => {
    const statistics: Statistics = new Map();
    server = await PlayedBack.keeping(statistics);
    await serveHours(store, target(), NOW);
    const late = { ...recordedSamples()[0], tsMs: FIRST_HOUR + 1000, seq: 99, values: { temperature: 30 } };
    store.keep(late, NOW);
    expect(await serveHours(store, target(), NOW)).toMatchObject({ hours: 2, corrected: 1 });
    expect(statistics.get(TEMPERATURE)?.get(FIRST_HOUR)?.max).toBe(30);
    store.keep({ ...late, tsMs: NOW - 1, seq: 100 }, NOW);
    expect(await serveHours(store, target(), NOW + GRACE_MS - 1)).toMatchObject({ hours: 0 });
    expect(await serveHours(store, target(), NOW + GRACE_MS)).toMatchObject({ hours: 1, corrected: 1 });
  });

  test("a first hour known only in part: Home Assistant's value is kept; if it has none, the part is written", async () => {
    const statistics: Statistics = new Map();
    server = await PlayedBack.keeping(statistics);
    const early = FIRST_HOUR - 2 * HOUR_MS;
    const own = { mean: 12, min: 11, max: 13 };
    statistics.set(TEMPERATURE, new Map([[early, own]]));
    for (const [seq, tsMs] of [early + HOUR_MS / 2, early + HOUR_MS].entries())
      store.keep({ ...recordedSamples()[0], seq: 200 + seq, tsMs, values: { temperature: 20 + seq } }, NOW);
    await serveHours(store, target(), NOW);
    expect(statistics.get(TEMPERATURE)?.get(early)).toEqual(own);
    expect(statistics.get(TEMPERATURE)?.get(early + HOUR_MS)).toMatchObject({ max: 21 });
    expect(statistics.get("sensor.attic_thermometer_attic_humidity")?.has(early)).toBe(false);
    expect(store.dueHours(NOW)).toEqual([]);
    store.keep({ ...recordedSamples()[0], seq: 199, tsMs: early - HOUR_MS / 2, values: { temperature: 5 } }, NOW);
    await serveHours(store, target(), NOW);
    expect(statistics.get(TEMPERATURE)?.get(early - HOUR_MS)).toMatchObject({ max: 5 });
    expect(statistics.get(TEMPERATURE)?.get(early)?.min).toBe(5); // its beginning is known now
  });

  test("a part that was written is corrected by later samples", async () => {
    const statistics: Statistics = new Map();
    server = await PlayedBack.keeping(statistics);
    const early = FIRST_HOUR - 2 * HOUR_MS;
    const keep = (seq: number, temperature: number): void => {
      const tsMs = early + HOUR_MS / 2 + seq * 1_000;
      store.keep({ ...recordedSamples()[0], seq: 200 + seq, tsMs, values: { temperature } }, NOW);
    };
    const hour = () => statistics.get(TEMPERATURE)?.get(early);
    keep(0, 20);
    await serveHours(store, target(), NOW);
    expect(hour()).toMatchObject({ min: 20, max: 20 });
    keep(1, 21);
    await serveHours(store, target(), NOW);
    expect(hour()).toMatchObject({ min: 20, max: 21 });
    expect(await serveHours(store, target(), NOW)).toMatchObject({ hours: 0 });
  });

  test("a room without an entity is reported, and stays in the list of hours to write", async () => {
    server = await PlayedBack.keeping(new Map());
    store.keep({ ...recordedSamples()[0], room: "cellar" }, NOW);
    const served = await serveHours(store, target(), NOW);
    expect(served.problems).toEqual([expect.stringContaining('no entity for room "cellar"')]);
    expect(store.dueHours(NOW)).toMatchObject([{ room: "cellar" }]);
    expect(served.hours).toBe(HOURS);
    expect(recordedSamples()[0].room).toBe(ROOM);
  });
});

test("a refused token is reported with the remedy", async () => {
  server = await PlayedBack.byTheWord([]);
  const refusing = { ...DIALOGUE[2].message };
  Object.assign(DIALOGUE[2].message, { type: "auth_invalid", message: "Invalid access token or password" });
  try {
    await expect(serveHours(store, target(), NOW)).rejects.toThrow(TokenRefused);
    await expect(serveHours(store, target(), NOW)).rejects.toThrow("Invalid access token or password): create one");
  } finally {
    Object.assign(DIALOGUE[2].message, refusing);
  }
  expect(store.dueHours(NOW)).toHaveLength(HOURS);
});

describe("units of the recorder", () => {
  const hour = { start: FIRST_HOUR, mean: 20, min: 10, max: 30 };
  /** A recorder that keeps a statistic in `unit`; `forgets`: imported rows are never stored. */
  function recorder(unit: string, forgets = false) {
    const imported: { metadata: { unit_of_measurement: string }; stats: object[] }[] = [];
    const call = async (type: string, fields: object = {}): Promise<never> => {
      const answers: Record<string, () => unknown> = {
        "recorder/get_statistics_metadata": () => [
          { statistic_id: TEMPERATURE, statistics_unit_of_measurement: unit, unit_class: "temperature" },
        ],
        "recorder/import_statistics": () => void imported.push(fields as never),
        "recorder/statistics_during_period": () => ({
          [TEMPERATURE]: forgets
            ? []
            : imported.flatMap(({ stats }) => stats).map((one) => ({ ...one, start: FIRST_HOUR })),
        }),
      };
      return answers[type]() as never;
    };
    return { imported, call };
  }

  test("degrees Fahrenheit: our values are converted", async () => {
    const server = recorder("°F");
    expect(await writeHours(server, TEMPERATURE, "temperature", [hour])).toEqual({ verified: [hour], corrected: 1 });
    expect(server.imported).toMatchObject([
      { metadata: { unit_of_measurement: "°F" }, stats: [{ mean: 68, min: 50, max: 86 }] },
    ]);
  });

  test("an unknown unit: nothing is written", async () => {
    const server = recorder("°Ré");
    await expect(writeHours(server, TEMPERATURE, "temperature", [hour])).rejects.toThrow('is kept in "°Ré", not in °C');
    expect(server.imported).toEqual([]);
  });

  test("rows that are never read back are not verified", async () => {
    expect(await writeHours(recorder("°C", true), TEMPERATURE, "temperature", [hour])).toMatchObject({ verified: [] });
  });
});
