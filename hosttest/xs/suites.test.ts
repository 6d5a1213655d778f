/*
 * The suites of the rooms once more, inside XS. Each test is reported here under its own name. A suite that cannot run
 * there is listed with its reason; a new suite that is not listed runs.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { topFolder } from "../../boards/xs/engine/build.js";
import { XSWorker } from "../../boards/xs/engine/worker.js";
import { xsAvailable } from "./available.js";
import { bundleSuite } from "./bundle.js";

const ROOMS = [
  "console",
  "health",
  "homeassistant",
  "mqtt",
  "network",
  "outbox",
  "parts",
  "reading",
  "sensor",
  "settings",
];

/** Suites that need Node, and why. */
const NODE_ONLY: Readonly<Record<string, string>> = {
  "hosttest/network/engine.test.ts": "drives XS itself",
  "hosttest/settings/readme.test.ts": "reads README.md",
};

interface Listed {
  readonly name: string;
  readonly run: boolean;
}

const suites = ROOMS.flatMap((room) => suitesIn(join("hosttest", room)));

function suitesIn(folder: string): string[] {
  return readdirSync(join(topFolder, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => join(folder, name));
}

async function load(suite: string): Promise<{ xs: XSWorker; tests: Listed[] }> {
  const xs = await XSWorker.open();
  await xs.evaluate(await bundleSuite(suite));
  return { xs, tests: JSON.parse((await xs.evaluate("suite.list()")).text) };
}

for (const suite of suites.filter((suite) => !(suite in NODE_ONLY))) {
  if (!xsAvailable) {
    test.skip(suite);
    continue;
  }
  const loaded = await load(suite).catch((error: Error) => error);
  describe(suite, () => {
    if (loaded instanceof Error) {
      test("loads", () => Promise.reject(loaded));
      return;
    }
    const { xs, tests } = loaded;
    for (const [index, { name, run }] of tests.entries()) {
      test.runIf(run)(name, { timeout: 120_000 }, async () => {
        await xs.evaluate(`suite.run(${index})`);
        expect((await xs.evaluate("suite.outcome()")).text).toBe("passed");
      });
    }
    afterAll(async () => {
      await xs.evaluate("suite.end()");
      await xs.close();
    });
  });
}

test("what is listed as needing Node exists", () => {
  expect(suites).toEqual(expect.arrayContaining(Object.keys(NODE_ONLY)));
});
