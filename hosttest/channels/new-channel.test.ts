/*
 * A new channel is one row of the channel table and nothing else in the code: the row is added in a copy of the sources, and the channel is
 * seen at the subscriber, in discovery, on its own topic and in the settings. The copy is in build/, where npm packages are found.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { top } from "../support/bundle.mjs";
import type { Outcome, outcomeOf } from "./new-channel.js";

const TABLE = "src/channels/channels.ts";
const FOLDERS = ["src", "boards", "hosttest"];
/** With a name that no real channel has: the table may have any other. */
const ROW = `
  row({
    name: "example",
    key: "exampleValue",
    unit: "ppm",
    decimals: 0,
    lowest: 0,
    highest: 8000,
    maxOffset: 500,
    maxDeadband: 500,
    deviation: 512,
    deviceClass: "carbon_dioxide",
    sensor: "exampleSensor",
    property: "example",
    scale: 1000,
  }),
`;

let folder = "";
let outcome: Outcome;

beforeAll(async () => {
  mkdirSync(join(top, "build"), { recursive: true });
  folder = mkdtempSync(join(top, "build", "new-channel-"));
  for (const name of FOLDERS) {
    cpSync(join(top, name), join(folder, name), {
      recursive: true,
      filter: (path) => !path.endsWith(".test.ts"),
    });
  }
  const table = readFileSync(join(folder, TABLE), "utf8");
  const changed = table.replace(/\n\]\);\n/, `${ROW}]);\n`);
  expect(changed).not.toBe(table);
  writeFileSync(join(folder, TABLE), changed);
  const outfile = join(folder, "new-channel.mjs");
  await build({
    entryPoints: [join(folder, "hosttest/channels/new-channel.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
    logLevel: "error",
  });
  const copy: { outcomeOf: typeof outcomeOf } = await import(/* @vite-ignore */ pathToFileURL(outfile).href);
  outcome = copy.outcomeOf("example", 0.6125);
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("it is in the message of the sample, and in status", () => {
  expect(JSON.parse(outcome.sample ?? "")).toMatchObject({ value: 21.5, exampleValue: 613, seq: expect.any(Number) });
  expect(outcome.status).toMatch(/: 21\.50 °C, 613 ppm, /);
});

test("it is announced to Home Assistant", () => {
  expect(JSON.parse(outcome.discovery ?? "").cmps.example).toMatchObject({
    dev_cla: "carbon_dioxide",
    unit_of_meas: "ppm",
    val_tpl: "{{ value_json.exampleValue|default(None) }}",
    uniq_id: "thermometer020000000001_example",
  });
});

test("it has its settings: offset, resolution, deadband", () => {
  expect(outcome.help).toMatch(/offset\.example .*ppm/s);
  expect(outcome.adjusted).toContain('"exampleValue":617.5');
  expect(outcome.withDeadband).toBe(0);
});

test("`topics` = `each`: it has its own topic", () => {
  expect(JSON.parse(outcome.alone ?? "")).toMatchObject({ value: 617.5, seq: expect.any(Number) });
});
