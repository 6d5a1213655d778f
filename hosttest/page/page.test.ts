/*
 * The page of `npm start`, used by a person in Chromium: everything on it is switched, dragged and cut, and at the end the page shows that
 * nothing was lost or arrived twice. One visit, because starting the browser takes most of the time.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { afterEach, expect } from "vitest";
import { DeviceProcess } from "../support/device.js";
import { browserTest as test } from "../support/processes/chromium.js";
import { freePort } from "../support/processes/ports.js";
import { removeFolder, temporaryFolder } from "../support/temporary.js";
import { Visitor } from "./visitor.js";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const SERIOUS = ["serious", "critical"];

let folder: string | undefined;
let device: DeviceProcess | undefined;
let visitor: Visitor | undefined;

afterEach(async () => {
  await visitor?.close();
  await device?.kill();
  if (folder !== undefined) removeFolder(folder);
  visitor = device = folder = undefined;
});

test("a person drags, switches, cuts, takes the tour; kill -9; nothing is lost or doubled", async () => {
  folder = temporaryFolder("page-");
  const port = await freePort();
  const options = ["--flash", join(folder, "chip.flash"), "--port", `${port}`, "--devices", "2", "--qos", "2"];
  const start = async (): Promise<DeviceProcess> => {
    const started = new DeviceProcess([...options, "--interval", "0.7", "--sensor", "sht3x"]);
    await started.until(({ stdout }) => stdout.includes(`page http://localhost:${port}`));
    return started;
  };
  device = await start();
  visitor = await Visitor.at(`http://localhost:${port}/?hurry=20`);
  const { page } = visitor;
  await visitor.flip("Sleep", 1); // the other one falls asleep after a while

  // Sensor
  const slider = page.locator("[data-slider=temperature]").first();
  await slider.fill("35.5");
  await page.getByText("35.50 °C").waitFor();
  await page.locator("[data-slider=humidity]").first().fill("80");
  await page.getByRole("button", { name: "humidity", exact: true }).first().click();
  await visitor.flip("Sensor");
  await page.getByText("pulled out").waitFor();
  await visitor.flip("Sensor");

  // Power, while all is well: at QoS 2 that doubles nothing
  await visitor.flip("Time server");
  await visitor.press("cut");
  await visitor.power("off");
  await visitor.press("powerOn");
  await visitor.power("on");
  await page.getByText("readings are dated later").waitFor();
  await visitor.flip("Time server");
  await page.getByText("the device knows the time").first().waitFor();

  // The tour: outage, power cut in the middle of a write, broker by force, drain
  await page.getByRole("button", { name: /tour/i }).click();
  await page.locator("[data-tour=done]").waitFor();
  const toured = await visitor.until(({ waiting, taken, delivered }) => waiting === 0 && taken === delivered);
  expect(toured).toMatchObject({ doubled: 0, lost: 0 });
  expect(await page.getByText(/last cut in the middle of/).count()).toBe(1);
  expect(await page.locator(".packets").first().innerText()).toMatch(/PUBREL/);

  // Sleep: a press wakes it, it continues, and all samples of both devices are there
  await visitor.power("asleep", 1);
  await visitor.press("wake", 1);
  await visitor.power("on", 1);
  const slept = await visitor.until(({ waiting, taken, delivered }) => waiting === 0 && taken === delivered, 1);
  expect(slept.lost).toBe(0); // the tour's broker may have lost its session while a reading was in flight: a double

  // No serious fault, in light and in dark
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await seriousFaults(visitor)).toEqual([]);
  }

  // The prompt: a line for the device
  await page.locator("[data-prompt] textarea").first().focus();
  await page.keyboard.type("status\r");
  await device.until(({ stdout }) => /^uptime/m.test(stdout));

  // kill -9 with readings in flash, when nothing else is on its way
  await visitor.flip("Sensor");
  await visitor.until(({ waiting, taken, delivered }) => waiting === 0 && taken === delivered);
  await visitor.flip("Wi-Fi");
  await visitor.flip("Sensor");
  const waiting = await visitor.until((figures) => figures.waiting >= 3);
  await device.kill();
  await page.locator("[data-link=lost]").waitFor();
  device = await start();
  await page.locator("[data-link=live]").waitFor();
  const after = await visitor.until(({ delivered }) => delivered >= waiting.taken + 2);
  expect(after).toMatchObject({ doubled: 0, lost: 0 });

  // Its table has the same figures
  const [download] = await Promise.all([page.waitForEvent("download"), visitor.press("csv")]);
  const [head, ...rows] = readFileSync(await download.path(), "utf8")
    .trimEnd()
    .split("\r\n");
  expect(head).toBe("seq,taken,value,humidity,state,received,copies");
  const numbers = rows.map((row) => Number(row.split(",")[0])).sort((a, b) => a - b);
  expect(numbers).toEqual(numbers.map((_, at) => numbers[0] + at));
  expect(rows.filter((row) => !/,[01]$/.test(row))).toEqual([]);

  // An outage: the broker's tile shows when the device last tried
  expect(await page.locator("[data-attempts]").count()).toBe(0);
  await visitor.press("stopBroker");
  await page
    .getByText(/^last attempt \d\d:\d\d:\d\d; the next within a minute$/)
    .first()
    .waitFor();
  expect(visitor.troubles).toEqual([]);
}, 300_000);

/** Serious faults found by axe-core. It is injected, because the page's policy forbids scripts from outside. */
async function seriousFaults({ page }: Visitor): Promise<string[]> {
  await page.evaluate(readFileSync(AXE, "utf8"));
  return page.evaluate(async (serious) => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } };
    const { violations } = await axe.run();
    return violations
      .filter(({ impact }) => serious.includes(impact))
      .map(
        ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(" | ")}`,
      );
  }, SERIOUS);
}

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}
