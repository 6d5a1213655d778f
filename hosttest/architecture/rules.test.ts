import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cruise, type ICruiseOptions } from "dependency-cruiser";
import { afterEach, describe, expect, test } from "vitest";

const top = fileURLToPath(new URL("../..", import.meta.url));
const rules = createRequire(import.meta.url)("./rules.cjs") as { forbidden: []; options: ICruiseOptions };

/** The names of the rules that the tree below `folder` breaks, with the file that breaks each. */
async function broken(folder: string, places: string[]): Promise<string[]> {
  const options = { ...rules.options, baseDir: folder, ruleSet: { forbidden: rules.forbidden }, validate: true };
  const { output } = await cruise(places, options as ICruiseOptions);
  if (typeof output === "string") throw new Error(output);
  return output.summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`);
}

describe("the dependency rules", () => {
  test("hold in this repository", async () => {
    expect(await broken(top, ["src", "boards", "hosttest"])).toEqual([]);
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
    return broken(folder, ["src", "boards"]);
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

  test("a room importing another, even a type only", async () => {
    const found = await brokenBy({
      "src/mqtt/client.ts": 'import type { Outbox } from "../outbox/outbox.js";\nexport type X = Outbox;',
      "src/outbox/outbox.ts": "export class Outbox {}",
    });
    expect(found).toEqual(["rooms-apart: src/mqtt/client.ts -> src/outbox/outbox.ts"]);
  });

  test("a loop", async () => {
    const found = await brokenBy({
      "src/mqtt/a.ts": 'import { b } from "./b.js";\nexport const a = () => b;',
      "src/mqtt/b.ts": 'import { a } from "./a.js";\nexport const b = () => a;',
    });
    expect(found.some((violation) => violation.startsWith("no-loops"))).toBe(true);
  });

  test("a part that knows the firmware", async () => {
    const found = await brokenBy({
      "boards/parts/part.ts": 'import { a } from "../../src/mqtt/a.js";\nexport const b = a;',
      "src/mqtt/a.ts": "export const a = 1;",
    });
    expect(found).toEqual(["parts-know-nothing-of-src: boards/parts/part.ts -> src/mqtt/a.ts"]);
  });
});
