/*
 * `npm start -- --serial pty`: the prompt on a pseudo terminal, opened by another program as a board's port would be.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, expect, test } from "vitest";
import { DeviceProcess } from "../support/device.js";
import { Terminal } from "../support/processes/tmux.js";

const TOP = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "thermometer-test-"));
const image = join(folder, "chip.flash");

const open: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0)) await close();
});
afterAll(() => rmSync(folder, { recursive: true }));

test("a terminal program opens it and leaves, another one finds the device unchanged; signal and exit code are the usual ones", async () => {
  const device = new DeviceProcess(["--flash", image, "--serial", "pty"]);
  open.push(() => device.kill());
  await device.until(({ stdout }) => stdout.includes("the prompt is at "));
  const [, path] = /the prompt is at (\/dev\/\S+):/.exec(device.stdout) ?? [];

  const plug = async (): Promise<Terminal> => {
    const terminal = await Terminal.start(`socat ${path},rawer -,rawer,escape=0x1d`, TOP);
    open.push(() => terminal.close());
    return terminal;
  };
  const first = await plug();
  await first.enter("");
  await first.until((lines) => lines.at(-1)?.trimEnd() === ">");
  await first.enter("set room attic");
  await first.until((lines) => lines.at(-1)?.trimEnd() === "*>");
  await first.close();
  open.pop();

  const second = await plug();
  await second.enter("save; reboot");
  await second.untilShown("rebooting");
  await second.untilShown("home/attic/temperature");
  await second.press("C-c", "C-c"); // another program's port: it does not end us
  await second.enter("show room");
  await second.until((lines) => lines.some((line) => /^ {2}room +attic$/.test(line.trimEnd())));

  device.terminate();
  expect(await device.exit()).toBe(0);
  expect(device.stderr).toContain("unsettled readings: ");
});

test("without socat: one clear line, exit code 2", async () => {
  const device = new DeviceProcess(["--flash", image, "--serial", "pty"], { PATH: folder });
  expect(await device.exit()).toBe(2);
  expect(device.stderr).toBe("--serial pty: needs socat: apt-get install socat\n");
});
