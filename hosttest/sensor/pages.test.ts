/*
 * What the pages state of sensors, compared with the drivers: names, addresses, channels, accuracy, checksums. A flaw names the
 * page, the place in it, and what to write there.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { simulatedParts } from "../../boards/desktop/simulated-parts.js";
import { type Channel, channels } from "../../src/channels/channels.js";
import { drivers, type SensorDriver } from "../../src/sensor/drivers.js";
import { hex } from "../../src/sensor/fault.js";
import { type Measure, measureOf } from "../../src/sensor/measure.js";

const TOP = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string): string => readFileSync(TOP + path, "utf8");

/** What the pages must agree with. */
interface Facts {
  readonly drivers: readonly SensorDriver[];
  readonly channels: readonly Channel[];
  /** Names of the drivers of the SDK in boards/drivers. */
  readonly ofSDK: readonly string[];
  /** Names of the chips that the desktop simulates. */
  readonly simulated: readonly string[];
  /** Whether the driver checks a CRC. */
  hasCRC(name: string): boolean;
}

const facts: Facts = {
  drivers,
  channels,
  ofSDK: readdirSync(`${TOP}boards/drivers`)
    .filter((file) => file.endsWith(".ts"))
    .map((file) => /adapt\("(\w+)"/.exec(read(`boards/drivers/${file}`))?.[1] ?? file),
  simulated: simulatedParts.map(({ name }) => name),
  hasCRC: (name) => {
    const path = `src/sensor/chips/${name.toLowerCase()}.ts`;
    return existsSync(TOP + path) && /from "\.\/crc8\.js"/.test(read(path));
  },
};

const SENSORS = "src/sensor/README.md";
const CHIPS = "table of chips";
const CHIP_TABLE = /\| chip \|.*\n\|[-|]*\n((?:\|.*\n)+)/;
/** The lists of names: page, place, pattern with the list as its group, and the names that it must have. */
const LISTS: readonly (readonly [string, string, RegExp, (all: Facts) => readonly string[]])[] = [
  ["README.md", "row `sensors, detected automatically`", /^\| sensors, detected automatically \| ([^;|]*)/m, namesOf],
  ["boards/README.md", "paragraph `… are detected`", /^([^.\n][^.]*?) are detected \(`sensor` = `auto`\)/m, namesOf],
  [SENSORS, "a driver's steps", /## A driver's steps\n[\s\S]*?\n\n((?: {4}.*\n)+)/, namesOf],
  [SENSORS, CHIPS, CHIP_TABLE, namesOf],
  [SENSORS, "row `auto`", /a chip without an identity \(([^)]*)\)/, (all) => namesOf({ drivers: vague(all) })],
  [SENSORS, "Another chip", /^`boards\/drivers` has the SDK's drivers for ([^.]*)\./m, ({ ofSDK }) => ofSDK],
  ["boards/desktop/README.md", "line `… are simulated`", /^- (.*) are simulated;/m, ({ simulated }) => simulated],
];

function namesOf(all: Pick<Facts, "drivers">): string[] {
  return all.drivers.map(({ name }) => name);
}

/** The drivers that accept any chip that acknowledges. */
function vague(all: Facts): SensorDriver[] {
  return all.drivers.filter(({ identity }) => identity === "none");
}

/** "0x48 to 0x4b", "0x44, 0x45". */
function asText(addresses: readonly number[]): string {
  const [first, last] = [addresses[0], addresses[addresses.length - 1]];
  const isRange = addresses.length > 2 && addresses.every((address, at) => address === first + at);
  return isRange ? `${hex(first)} to ${hex(last)}` : addresses.map((address) => hex(address)).join(", ");
}

/** "temperature ±0.2 °C, humidity ±2 %"; without a figure where the accuracy is not known. */
function measuresText(measures: readonly Measure[], table: readonly Channel[]): string {
  const text = ({ channel, accuracy }: Measure): string =>
    Number.isFinite(accuracy) ? `${table[channel].name} ±${accuracy} ${table[channel].unit}` : table[channel].name;
  return measures.map(text).join(", ");
}

/** What is wrong on the pages. */
function flaws(all: Facts): string[] {
  const wrong: string[] = [];
  const compare = (path: string, place: string, stated: string | undefined, fact: string): void => {
    if (stated !== fact) wrong.push(`${path}, ${place}: has "${stated ?? "nothing"}", write "${fact}"`);
  };

  for (const [path, place, pattern, wanted] of LISTS) {
    const list = pattern.exec(read(path))?.[1] ?? "";
    // The chip is the first word of a line, or any word of a sentence.
    const named = [...list.matchAll(/^[| ]/.test(list) ? /^[| ]+(\w+)/gm : /\b([A-Z]\w*)/g)].map(([, name]) => name);
    for (const name of wanted(all)) if (!named.includes(name)) wrong.push(`${path}, ${place}: add ${name}`);
    for (const name of named) {
      if (!wanted(all).includes(name)) wrong.push(`${path}, ${place}: remove ${name}, or add its driver to the code`);
    }
  }

  const table = CHIP_TABLE.exec(read(SENSORS))?.[1] ?? "";
  const rows = new Map(
    table.split("\n").map((line) => [line.split(" | ")[0].slice(2), line.slice(0, -2).split(" | ")]),
  );
  for (const { name, addresses, measures, identity } of all.drivers) {
    const row = rows.get(name);
    if (row === undefined) continue; // reported above
    const [, where, what, how = "", protection = ""] = row;
    const place = (column: string): string => `${CHIPS}, row ${name}, column \`${column}\``;
    compare(SENSORS, place("addresses"), where, asText(addresses));
    compare(SENSORS, place("measures"), what, measuresText(measures, all.channels));
    const isVague = how.startsWith("an answer at its address");
    if (isVague !== (identity === "none")) {
      wrong.push(
        `${SENSORS}, ${place("identified by")}: has "${how}", but the driver's identity is ${identity ?? "sure"}`,
      );
    }
    if (/\bCRC\b/.test(protection) !== all.hasCRC(name)) {
      const fact = all.hasCRC(name) ? "checks a CRC" : "has no CRC";
      wrong.push(`${SENSORS}, ${place("protects its results by")}: has "${protection}", but the driver ${fact}`);
    }
  }

  const count = /^\| sensors \| (\d+), and the SDK's drivers/m.exec(read("README.md"))?.[1];
  compare("README.md", "Comparison, row `sensors`", count, `${all.drivers.length}`);
  const words: Readonly<Record<string, string>> = { "°C": "degrees Celsius", "%": "percent" };
  for (const { key, name, unit } of all.channels) {
    const texts = {
      "src/thermometer/README.md": `\`${key}\`: ${words[unit] ?? unit}`,
      "hosttest/recipes/README.md": `\`home_${name}\``,
      "hosttest/recipes/telegraf.conf": `path = "${key}"`,
      "hosttest/recipes/kept/mqtt-exporter.yaml": `prom_name: home_${name}`,
    };
    for (const [path, text] of Object.entries(texts))
      if (!read(path).includes(text)) wrong.push(`${path}: add "${text}"`);
  }
  return wrong;
}

test("the pages state what the drivers do", () => {
  expect(flaws(facts)).toEqual([]);
});

test("a new driver, a new channel, and a driver that is removed: every place is named", () => {
  const open = drivers[0].open;
  const added: SensorDriver = {
    name: "XYZ1",
    addresses: [0x20],
    conversionMs: 1,
    measures: [],
    identity: "none",
    open,
  };
  const channel: Channel = { ...channels[0], name: "carbon", key: "co2", unit: "ppm" };
  const more = {
    ...facts,
    drivers: [...drivers, added],
    channels: [...channels, channel],
    ofSDK: [...facts.ofSDK, "XYZ2"],
    simulated: [],
  };
  const found = flaws(more);
  for (const [path, place, , wanted] of LISTS) {
    if (wanted(more).includes("XYZ1")) expect(found).toContain(`${path}, ${place}: add XYZ1`);
  }
  expect(found).toContain(`${SENSORS}, Another chip: add XYZ2`);
  expect(found).toContain(
    "boards/desktop/README.md, line `… are simulated`: remove BME280, or add its driver to the code",
  );
  expect(found).toContain(
    `README.md, Comparison, row \`sensors\`: has "${drivers.length}", write "${drivers.length + 1}"`,
  );
  expect(found).toContain('src/thermometer/README.md: add "`co2`: ppm"');
  expect(found).toContain('hosttest/recipes/README.md: add "`home_carbon`"');
  expect(found).toContain('hosttest/recipes/telegraf.conf: add "path = "co2""');
  expect(found).toContain('hosttest/recipes/kept/mqtt-exporter.yaml: add "prom_name: home_carbon"');

  const fewer = flaws({ ...facts, drivers: drivers.filter(({ name }) => name !== "AHT20") });
  expect(fewer.filter((flaw) => flaw.endsWith("remove AHT20, or add its driver to the code"))).toHaveLength(5);
});

test("a driver with another address, channel, identity or checksum than its row", () => {
  const change = (row: Partial<SensorDriver>): string[] =>
    flaws({ ...facts, drivers: drivers.map((driver) => (driver.name === "SHT3x" ? { ...driver, ...row } : driver)) });
  const place = `${SENSORS}, ${CHIPS}, row SHT3x, column`;
  expect(change({ addresses: [0x44] })).toEqual([`${place} \`addresses\`: has "0x44, 0x45", write "0x44"`]);
  expect(change({ measures: [measureOf("pressure", { accuracy: 1 })] })).toEqual([
    `${place} \`measures\`: has "temperature ±0.2 °C, humidity ±2 %", write "pressure ±1 hPa"`,
  ]);
  expect(change({ identity: "none" })).toContain(
    `${place} \`identified by\`: has "status: command, zeros and CRC fit", but the driver's identity is none`,
  );
  const reversed = flaws({ ...facts, hasCRC: (name) => !facts.hasCRC(name) });
  expect(reversed).toHaveLength(drivers.length);
  expect(reversed).toContain(`${place} \`protects its results by\`: has "CRC", but the driver has no CRC`);
});
