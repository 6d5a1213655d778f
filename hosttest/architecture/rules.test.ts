import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cruise, type ICruiseOptions } from "dependency-cruiser";
import { afterEach, describe, expect, test } from "vitest";

const top = fileURLToPath(new URL("../..", import.meta.url));
const rules = createRequire(import.meta.url)("./rules.cjs") as {
  MAY_IMPORT: Readonly<Record<string, unknown>>;
  forbidden: [];
  options: ICruiseOptions;
};
const ADD_A_ROW =
  "add a row for it to MAY_IMPORT in hosttest/architecture/rules.cjs, with what the design lets it import";

/** Differences between the table of rules.cjs and the folders of `src` on disk. */
function rowComplaints(src: string): string[] {
  const rows = Object.keys(rules.MAY_IMPORT);
  const folders = readdirSync(src, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? [entry.name] : [],
  );
  return [
    ...folders.filter((name) => !rows.includes(name)).map((name) => `src/${name}: ${ADD_A_ROW}`),
    ...rows
      .filter((name) => !folders.includes(name))
      .map((name) => `src/${name}: not there any more, take its row out`),
  ];
}

/** The names of the rules that the tree below `folder` breaks, with the file that breaks each. */
async function broken(folder: string, places: string[]): Promise<string[]> {
  const options = { ...rules.options, baseDir: folder, ruleSet: { forbidden: rules.forbidden }, validate: true };
  const { output } = await cruise(places, options as ICruiseOptions);
  if (typeof output === "string") throw new Error(output);
  return output.summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`);
}

describe("the dependency rules", () => {
  test("hold in this repository", { timeout: 300_000 /* only against a hang */ }, async () => {
    expect(await broken(top, ["src", "boards", "hosttest"])).toEqual([]);
  });

  test("have a row for every folder of src, and no other", () => {
    expect(rowComplaints(join(top, "src"))).toEqual([]);
  });
});

describe("the dependency rules find", () => {
  const folders: string[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });

  /** A tree with these files, and what it breaks. */
  function brokenBy(files: Record<string, string>): Promise<string[]> {
    const folder = mkdtempSync(join(tmpdir(), "rules-"));
    folders.push(folder);
    for (const [path, text] of Object.entries({ "boards/empty.ts": "export {};", ...files })) {
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    return broken(folder, ["src", "boards", ...(existsSync(join(folder, "hosttest")) ? ["hosttest"] : [])]);
  }

  test.each([
    ["embedded:storage/flash", "hardware-through-the-board"],
    ["pins/i2c", "hardware-through-the-board"],
    ["timer", "hardware-through-the-board"],
    ["node:fs", "no-node-core-in-src"],
    ["../../boards/empty.js", "hardware-through-the-board"],
    ["no-such-module", "resolvable"],
  ])("src/mqtt importing %s", async (module, rule) => {
    const found = await brokenBy({ "src/mqtt/client.ts": `import x from "${module}";\nexport default x;` });
    expect(found.some((violation) => violation.startsWith(rule))).toBe(true);
  });

  test("the firmware importing a test, and no fault where it starts the XS engine; the engine importing a test", async () => {
    const files = {
      "src/empty.ts": "export {};",
      "hosttest/chaos/run.ts": "export {};",
      "hosttest/engine/build.ts": "export {};",
    };
    const from = (path: string, target: string) => brokenBy({ ...files, [path]: `import "${target}";` });
    expect(await from("boards/xs/run.ts", "../../hosttest/chaos/run.js")).toEqual([
      "firmware-knows-no-tests: boards/xs/run.ts -> hosttest/chaos/run.ts",
    ]);
    expect(await from("boards/xs/run.ts", "../../hosttest/engine/build.js")).toEqual([]);
    expect(await from("hosttest/engine/worker.ts", "../chaos/run.js")).toEqual([
      "engine-knows-no-tests: hosttest/engine/worker.ts -> hosttest/chaos/run.ts",
    ]);
  });

  test("a folder importing another, even a type only", async () => {
    const outbox = { "src/outbox/outbox.ts": "export class Outbox {}" };
    const type = 'import type { Outbox } from "../outbox/outbox.js";\nexport type X = Outbox;';
    const inlineType = 'import { type Outbox } from "../outbox/outbox.js";\nexport type X = Outbox;';
    const code = 'import { Outbox } from "../outbox/outbox.js";\nexport const x = new Outbox();';
    const edge = "src/mqtt/client.ts -> src/outbox/outbox.ts";
    expect(await brokenBy({ ...outbox, "src/mqtt/client.ts": type })).toEqual([`folders-apart-mqtt-types: ${edge}`]);
    expect(await brokenBy({ ...outbox, "src/mqtt/client.ts": inlineType })).toHaveLength(1);
    expect(await brokenBy({ ...outbox, "src/mqtt/client.ts": code })).toEqual([`folders-apart-mqtt: ${edge}`]);
  });

  test("code where the table allows types", async () => {
    const outbox = { "src/outbox/outbox.ts": "export class Outbox {}" };
    const type = 'import type { Outbox } from "../outbox/outbox.js";\nexport type X = Outbox;';
    const code = 'import { Outbox } from "../outbox/outbox.js";\nexport const x = new Outbox();';
    expect(await brokenBy({ ...outbox, "src/journal/journal.ts": type })).toEqual([]);
    expect(await brokenBy({ ...outbox, "src/journal/journal.ts": code })).toEqual([
      "folders-apart-journal: src/journal/journal.ts -> src/outbox/outbox.ts",
    ]);
  });

  test("a folder importing a module that lies in src itself, but for src/thermometer", async () => {
    const board = { "src/board.ts": "export type Board = object;" };
    const type = 'import type { Board } from "../board.js";\nexport type X = Board;';
    expect(await brokenBy({ ...board, "src/thermometer/intake.ts": type })).toEqual([]);
    expect(await brokenBy({ ...board, "src/network/link.ts": type })).toEqual([
      "folders-apart-network-types: src/network/link.ts -> src/board.ts",
    ]);
  });

  test("a new folder that joins others, in a copy of this tree; and asks for its row", async () => {
    const folder = mkdtempSync(join(tmpdir(), "rules-"));
    folders.push(folder);
    cpSync(join(top, "src"), join(folder, "src"), { recursive: true });
    const weather = join(folder, "src/weather");
    mkdirSync(weather);
    const lines = [
      'import type { Client } from "../mqtt/client.js";',
      'import { Outbox } from "../outbox/outbox.js";',
      "export const forecast = (client: Client): unknown => [client, Outbox];",
    ];
    writeFileSync(join(weather, "forecast.ts"), lines.join("\n"));
    expect((await broken(folder, ["src"])).filter((text) => !text.startsWith("resolvable"))).toEqual([
      "folder-without-a-row: src/weather/forecast.ts -> src/mqtt/client.ts",
      "folder-without-a-row: src/weather/forecast.ts -> src/outbox/outbox.ts",
    ]);
    expect(rowComplaints(join(folder, "src"))).toEqual([`src/weather: ${ADD_A_ROW}`]);
  });

  test("a loop", async () => {
    const found = await brokenBy({
      "src/mqtt/a.ts": 'import { b } from "./b.js";\nexport const a = () => b;',
      "src/mqtt/b.ts": 'import { a } from "./a.js";\nexport const b = () => a;',
    });
    expect(found.some((violation) => violation.startsWith("no-loops"))).toBe(true);
  });

  test("two folders that import each other, types included", async () => {
    const found = await brokenBy({
      "src/console/terminal/editor.ts": 'import type { A } from "../shell/words.js";\nexport type B = A;',
      "src/console/shell/words.ts": "export type A = string;",
      "src/console/shell/completion.ts": 'import type { B } from "../terminal/editor.js";\nexport type C = B;',
    });
    expect(found.sort()).toEqual([
      "no-loops-of-folders: src/console/shell -> src/console/terminal",
      "no-loops-of-folders: src/console/terminal -> src/console/shell",
    ]);
  });

  test("a part that knows the firmware", async () => {
    const found = await brokenBy({
      "boards/parts/part.ts": 'import { a } from "../../src/mqtt/a.js";\nexport const b = a;',
      "src/mqtt/a.ts": "export const a = 1;",
    });
    expect(found).toEqual(["parts-know-nothing-of-src: boards/parts/part.ts -> src/mqtt/a.ts"]);
  });
});
