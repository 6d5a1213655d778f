/* The same rooms in XS, the device's engine: it is not Node (its strings count 🛁 as one character), and the device is not Node. */
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect } from "vitest";
import { xsTest as test } from "../xs/available.js";
import { XSWorker } from "../xs/worker.js";
import { scenario } from "./scenario.js";

const FEEDS = 1_000;

/** A module and all it imports, as one script that leaves the module's exports in the global `name`. */
async function bundled(url: string, name: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(url, import.meta.url))],
    bundle: true,
    write: false,
    format: "iife",
    globalName: name,
    target: "es2022",
    charset: "utf8",
  });
  return outputFiles[0].text;
}

test("Wi-Fi, time, discovery, boot guard and watchdog tell the same in XS as in Node", async () => {
  const xs = await XSWorker.open();
  try {
    await xs.evaluate(await bundled("scenario.ts", "network"));
    const told = (await xs.evaluate("network.scenario()")).text;
    expect(told.split("\n").length).toBeGreaterThan(12);
    expect(told).toBe(scenario());
  } finally {
    await xs.close();
  }
});

test("feeding the watchdog allocates nothing", async () => {
  const xs = await XSWorker.open();
  try {
    await xs.evaluate(await bundled("../../src/health/watchdog.ts", "health"));
    await xs.evaluate(
      "var dog = new health.Watchdog({ timers: { set() {}, clear() {} }, restart() {} }); dog.watch(1000)",
    );
    const idle = await xs.evaluate(`for (var i = 0; i < ${FEEDS}; i++);`);
    const fed = await xs.evaluate(`for (var i = 0; i < ${FEEDS}; i++) dog.feed();`);
    expect(fed.figures.collections).toBe(0);
    expect(fed.figures.slotsAllocated - idle.figures.slotsAllocated).toBeLessThan(FEEDS / 100);
  } finally {
    await xs.close();
  }
});
