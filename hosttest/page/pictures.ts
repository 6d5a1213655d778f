/*
 * Takes the pictures of the page again, from today's code: page-light, page-dark, page-narrow and the tour, as an animation. Needs
 * Chromium, and img2webp and cwebp (Debian's package webp).
 *
 *   node hosttest/run.mjs hosttest/page/pictures.ts
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DeviceProcess } from "../support/device.js";
import { freePort } from "../support/processes/ports.js";
import { removeFolder, temporaryFolder } from "../support/temporary.js";
import { Visitor } from "./visitor.js";

const FOLDER = "boards/desktop/page";
/** In pixels of the page; the tour is shown at three quarters of it. */
const WIDE = Object.freeze({ width: 1_360, height: 836 });
const NARROW = Object.freeze({ width: 390, height: 844 });
const SCALE = 0.75;
const WARM_UP_MS = 20_000;
const FRAME_MS = 1_500;
const LAST_FRAME_MS = 5_000;
const QUALITY = "60";
const NEAR_LOSSLESS = "40";

const folder = temporaryFolder("pictures-");
const port = await freePort();
const device = new DeviceProcess(["--flash", join(folder, "chip.flash"), "--port", `${port}`, "--interval", "1"]);
await device.until(({ stdout }) => stdout.includes(`page http://localhost:${port}`));
const visitor = await Visitor.at(`http://localhost:${port}`, { viewport: WIDE, deviceScaleFactor: SCALE });
const { page } = visitor;
await page.waitForTimeout(WARM_UP_MS);
await page.getByRole("button", { name: /tour/i }).click();

/** Arguments of img2webp: frames that differ, each with the milliseconds for which it stands. */
const frames: { readonly file: string; ms: number }[] = [];
let before = "";
for (let isDone = false; !isDone; ) {
  const startMs = Date.now();
  isDone = (await page.locator("[data-tour=done]").count()) > 0;
  const picture = await page.screenshot();
  const hash = createHash("sha256").update(picture).digest("hex");
  if (hash !== before) {
    const file = join(folder, `${String(frames.length).padStart(3, "0")}.png`);
    writeFileSync(file, picture);
    frames.push({ file, ms: 0 });
  }
  before = hash;
  await page.waitForTimeout(Math.max(0, startMs + FRAME_MS - Date.now()));
  frames[frames.length - 1].ms += FRAME_MS;
}
frames[frames.length - 1].ms = LAST_FRAME_MS;
const each = frames.flatMap(({ file, ms }) => ["-d", `${ms}`, "-lossy", "-q", QUALITY, file]);
execFileSync("img2webp", ["-loop", "0", "-mixed", ...each, "-o", join(FOLDER, "tour.webp")]);
console.log(`${frames.length} frames of the tour`);
await visitor.close();

for (const [name, viewport, colorScheme] of [
  ["page-light", WIDE, "light"],
  ["page-dark", WIDE, "dark"],
  ["page-narrow", NARROW, "light"],
] as const) {
  const one = await Visitor.at(`http://localhost:${port}`, { viewport, colorScheme });
  await one.page.waitForTimeout(2_000); // until the chart is drawn
  const file = join(folder, `${name}.png`);
  await one.page.screenshot({ path: file, fullPage: true });
  execFileSync("cwebp", ["-quiet", "-near_lossless", NEAR_LOSSLESS, file, "-o", join(FOLDER, `${name}.webp`)]);
  await one.close();
}
await device.kill();
removeFolder(folder);
