/*
 * Runs the suites of the folders again, inside XS; each test is reported under its own name. Suites that cannot run there are
 * listed here with the reason. A new suite runs there, unless it is listed.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { topFolder } from "../engine/build.js";
import { XSWorker } from "../engine/worker.js";
import { xsAvailable } from "./available.js";
import { bundleSuite } from "./bundle.js";

/** Suites that stay on Node, and why. */
const NODE_ONLY: Readonly<Record<string, string>> = {
  "hosttest/mqtt/delivery/dup.test.ts": "hours of virtual time: minutes in an interpreter",
  "hosttest/mqtt/delivery/good-readings.test.ts": "hours of virtual time: minutes in an interpreter",
  "hosttest/mqtt/delivery/unwilling.test.ts": "hours of virtual time: minutes in an interpreter",
  "hosttest/mqtt/delivery/span.test.ts": "days of virtual time: minutes in an interpreter",
  "hosttest/mqtt/broker5/postponed-and-held.test.ts": "hours of virtual time: minutes in an interpreter",
  "hosttest/mqtt/broker5/nearly-full.test.ts": "days of virtual time: minutes in an interpreter",
  "hosttest/mqtt/broker5/never-allowed.test.ts": "days of virtual time: minutes in an interpreter",
  "hosttest/mqtt/broker5/proof.test.ts": "hours of virtual time: minutes in an interpreter",
  "hosttest/channels/new-channel.test.ts": "copies the sources, and bundles",
  "hosttest/journal/images.test.ts": "reads images from files, and unpacks them by Node's zlib",
  "hosttest/console/browser/browser.test.ts": "drives Chromium",
  "hosttest/console/printable.test.ts": "a million code points: half a minute in an interpreter",
  "hosttest/console/fuzz.test.ts": "measures V8's heap",
  "hosttest/console/sdk.test.ts": "needs the stream classes of a browser",
  "hosttest/console/terminal.test.ts": "needs Node's streams",
  "hosttest/console/terminfo.test.ts": "reads this computer's terminfo",
  "hosttest/console/xterm.test.ts": "rendered by xterm.js, which needs Node",
  "hosttest/mqtt/checklist.test.ts": "reads the other suites",
  "hosttest/mqtt/fuzz.test.ts": "compares with mqtt-packet, which needs Node",
  "hosttest/mqtt/v5/peer.test.ts": "compares with mqtt-packet, which needs Node",
  "hosttest/mqtt/wire/transmit.test.ts": "compares with mqtt-packet, which needs Node",
  "hosttest/outbox/carried.test.ts": "lives of thousands of calls: journal/evicted.test.ts is a smaller case",
  "hosttest/outbox/boot.test.ts": "backlogs of thousands: half a minute in an interpreter",
  "hosttest/outbox/heads/lost-heads.test.ts": "lives of thousands of calls: headless.test.ts has single cases",
  "hosttest/outbox/misread.test.ts": "a boot for each read of a boot: minutes in an interpreter",
  "hosttest/outbox/readme.test.ts": "reads README.md, and bundles",
  "hosttest/update/device.test.ts": "signs images by node:crypto",
  "hosttest/mqtt/peers.test.ts": "talks to other programs",
  "hosttest/mqtt/readme.test.ts": "reads README.md, and compiles",
  "hosttest/outbox/campaign.test.ts": "takes an interpreter hours: suites/campaign.suite.ts is a share of it",
  "hosttest/power/brown-out.test.ts": "hours of virtual time: minutes in an interpreter",
  "hosttest/power/held.test.ts": "hours of virtual time: minutes in an interpreter",
  "hosttest/power/news.test.ts": "hours of virtual time: minutes in an interpreter",
  "hosttest/power/one-time-server.test.ts": "days of virtual time: minutes in an interpreter",
  "hosttest/power/trouble.test.ts": "hours of virtual time: minutes in an interpreter",
  "hosttest/sensor/pages.test.ts": "reads the pages",
  "hosttest/settings/readme.test.ts": "reads README.md",
  "hosttest/update/battery.test.ts": "signs by Node's crypto",
  "hosttest/update/processes.test.ts": "runs processes",
  "hosttest/update/cuts.test.ts": "signs by Node's crypto",
  "hosttest/update/leftovers.test.ts": "signs by Node's crypto",
  "hosttest/update/rollback.test.ts": "runs firmware 0.1 by Node's vm, unpacked by Node's zlib",
  "hosttest/update/home-assistant.test.ts": "signs by Node's crypto",
  "hosttest/update/safe-mode.test.ts": "signs by Node's crypto",
  "hosttest/update/updates.test.ts": "signs by Node's crypto",
};

const LONG = "minutes in an interpreter; a smaller case of the same stays";

/** Single tests that stay on Node, and why. */
const NODE_ONLY_TESTS: Readonly<Record<string, string>> = {
  "cut openings are not taken for damaged heads, write unit 1 > the next block": LONG,
  "cut openings are not taken for damaged heads, write unit 1 > a copy": LONG,
  "printable > agrees with Unicode about every code point there is":
    "compares with Unicode's properties in regular expressions, which XS does not have",
  "streams > a length field of 256 MB costs nothing but the header": "measures Node's memory",
  "power cuts > 60 lives of writes and deletes, cut anywhere, mounting included: each key has its last value or the one being written":
    "a part, not firmware, and long",
  "the write that empties a block, cut at every byte: what only that block held is never lost":
    "a part, not firmware, and long",
  "the save after 23 others, cut at every byte: old or new, and the same ever after": LONG,
  "the save after 45 others, cut at every byte: old or new, and the same ever after": LONG,
  "cadence > no drift in a million readings at an interval that no binary fraction meets": LONG,
  "packet ids > are never 0, and turn from 61,440 to 1 (2.3.1-1)": LONG,
  "packet ids > a new packet takes one that is not in use: two entries of the same id never are in flight together (2.3.1-2)":
    LONG,
  "a save after a cut save is as good as the first: cut at every byte again": LONG,
  "a partition of 5,048 KiB, drained: as bounded": LONG,
  "write unit 16 > any single bit flipped: beyond a head, one entry is lost at most, and counted; order and content hold":
    LONG,
  "write unit 16 > any single flipped bit among them costs one entry at most, and no other is changed": LONG,
};

const TIMEOUT_MS = 300_000; // only against a hang: XS interprets, and CI may be busy

interface Listed {
  readonly name: string;
  readonly run: boolean;
}

/** Defines the tests of all suites in these folders of hosttest/. */
export async function runSuites(folders: readonly string[], ending = ".test.ts"): Promise<void> {
  const suites = folders.flatMap((folder) => suitesIn(join("hosttest", folder), ending));
  for (const suite of suites) {
    if (suite in NODE_ONLY) continue;
    if (xsAvailable) await define(suite);
    else test.runIf(false)(suite, () => {});
  }
}

function suitesIn(folder: string, ending: string): string[] {
  return readdirSync(join(topFolder, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name));
}

async function define(suite: string): Promise<void> {
  const loaded = await load(suite).catch((error: Error) => error);
  describe(suite, () => {
    if (loaded instanceof Error) {
      test("loads", () => Promise.reject(loaded));
      return;
    }
    const { xs, tests } = loaded;
    for (const [index, { name, run }] of tests.entries()) {
      if (name in NODE_ONLY_TESTS) continue;
      test.runIf(run)(name, { timeout: TIMEOUT_MS }, async () => {
        await xs.evaluate(`suite.run(${index})`);
        expect((await xs.evaluate("suite.outcome()")).text).toBe("passed");
      });
    }
    afterAll(async () => {
      await xs.evaluate("suite.end()").catch(() => {});
      await xs.close();
    });
  });
}

async function load(suite: string): Promise<{ xs: XSWorker; tests: Listed[] }> {
  const script = await bundleSuite(suite);
  const xs = await XSWorker.open();
  await xs.evaluate(script);
  return { xs, tests: JSON.parse((await xs.evaluate("suite.list()")).text) };
}
