/*
 * The prompt of `npm start`, used by a person on a real terminal, and by a script through a pipe.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DeviceProcess } from "../../support/device.js";
import { Terminal } from "../../support/processes/tmux.js";

const TOP = fileURLToPath(new URL("../..", import.meta.url));

let folder: string;
let image: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "thermometer-test-"));
  image = join(folder, "chip.flash");
});

afterEach(() => rmSync(folder, { recursive: true }));

describe("on a terminal", () => {
  let terminal: Terminal | undefined;

  afterEach(async () => {
    await terminal?.close();
    terminal = undefined;
  });

  async function start(...options: string[]): Promise<Terminal> {
    const started = await Terminal.start(`npm start -s -- --flash ${image} ${options.join(" ")}`, TOP);
    terminal = started;
    await started.until((lines) => lines.at(-1) === ">");
    return started;
  }

  test("first boot: greeting, readings, help, and Ctrl-C twice ends it", async () => {
    const screen = await start("--interval", "1");
    await screen.untilShown('home/livingroom/temperature {"value":', 2);
    await screen.enter("help");
    await screen.untilShown("Tab completes");
    await screen.press("C-c", "C-c");
    const lines = await screen.untilShown("exit code 0");
    const shown = lines.join("\n");
    expect(shown).toContain("subscribed to home/+/+ at ");
    expect(shown).toMatch(/^save +Saves the edits$/m);
  });

  test("a typo is corrected, a wrong value refused; what is saved is there after the reboot", async () => {
    const screen = await start();
    await screen.type("set romo");
    await screen.press("BSpace", "BSpace");
    await screen.enter("om atic");
    await screen.untilShown("set room atic");
    await screen.press("Up", "Left", "Left", "Left"); // the line before, and into its last word
    await screen.enter("t");
    await screen.enter("set interval soon");
    await screen.untilShown('error: interval: got "soon", expected a number from 0.01 to 86400 (s)');
    await screen.enter("set interval 1");
    await screen.enter("save");
    await screen.untilShown("in force after a reboot: room");
    await screen.enter("reboot");
    await screen.untilShown("home/attic/temperature", 2);
    await screen.enter("show room");
    const lines = await screen.untilShown("Readings go to");
    expect(lines.some((line) => /^ {2}room +attic$/.test(line.trimEnd()))).toBe(true);
  });

  test("lines that arrive during typing appear above the line, which stays whole", async () => {
    const screen = await start("--interval", "0.2");
    await screen.untilShown("home/livingroom/temperature", 2);
    let typed = "";
    for (const part of ["show ", "mqtt", ".", "keep", "alive"]) {
      typed += part;
      const before = (await screen.lines()).filter((line) => line.startsWith("home/")).length;
      await screen.type(part);
      await screen.until((lines) => lines.filter((line) => line.startsWith("home/")).length >= before + 2);
      const lines = await screen.until((all) => all.at(-1)?.trimEnd() === `> ${typed}`.trimEnd());
      expect(lines.filter((line) => line.startsWith("> show"))).toHaveLength(1);
      for (const line of lines.filter((one) => one.includes("home/livingroom"))) {
        expect(line.trimEnd()).toMatch(/^home\/livingroom\/temperature \{"value":.*\}$/);
      }
    }
    await screen.press("Enter");
    await screen.untilShown("mqtt.keepalive 60 s");
  });

  test("a password is asked for and never shown", async () => {
    const screen = await start("--interval", "0.5");
    await screen.enter("set wifi.password");
    await screen.until((lines) => lines.at(-1)?.trimEnd() === "wifi.password:");
    await screen.type("open sesame");
    await screen.untilShown("home/livingroom/temperature", 2);
    await screen.press("Enter");
    await screen.enter("show wifi.password");
    await screen.untilShown("edited: ********");
    await screen.press("Up", "Up", "Up");
    await screen.press("C-c");
    await screen.enter("save");
    await screen.untilShown("saved: wifi.password");
    expect((await screen.lines()).join("\n")).not.toContain("sesame");
  });
});

describe("through a pipe", () => {
  let device: DeviceProcess | undefined;

  afterEach(async () => {
    await device?.kill();
    device = undefined;
  });

  function start(...options: string[]): DeviceProcess {
    device = new DeviceProcess(["--flash", image, ...options]);
    return device;
  }

  /** What was answered, without the introduction and what subscribers see. */
  const answers = (one: DeviceProcess) =>
    one.stdout
      .split("\n")
      .filter((line) => line !== "" && !/^(home-thermometer|broker|connected|subscribed|page|home\/)/.test(line));

  test("commands are answered in turn, the one that takes a while too, and then it ends with 0", async () => {
    const one = start();
    one.write("show interval\nsample\nversion\nshow room"); // the last line is not even ended
    one.endInput();
    expect(await one.exit()).toBe(0);
    const lines = answers(one);
    expect(lines[0]).toBe("  interval 5 s (default)");
    expect(lines[3]).toMatch(/^\d+\.\d\d °C$/);
    expect(lines[4]).toMatch(/^home-thermometer .* \(desktop\)$|^ {2}room/);
    expect(lines.at(-1)).toContain("In force after a reboot.");
  });

  test("commands behind a reboot are for the firmware that boots then", async () => {
    const one = start();
    one.write("set room attic\nsave\nreboot\nshow room\nstatus\n");
    one.endInput();
    expect(await one.exit()).toBe(0);
    expect(one.stdout).toContain("rebooting\n  room attic\n");
    expect(one.stdout).toMatch(/uptime +0 s, boot 2, restarted/);
  });

  test("a wrong command is one clear line, and the others are done", async () => {
    const one = start();
    one.write("set mqtt.qos 3\nset nonsense 1\nshow mqtt.qos\n");
    one.endInput();
    expect(await one.exit()).toBe(0);
    const errors = one.lines("error: ");
    expect(errors).toHaveLength(2);
    expect(errors[0]).toBe('error: mqtt.qos: got "3", expected 0, 1 or 2');
    expect(one.stdout).toContain("mqtt.qos 1 (default)");
  });

  test("no commands at all: it continues and shows readings, and a signal ends it with 0", async () => {
    const one = start("--interval", "0.2");
    one.endInput();
    await one.until((running) => running.lines("home/livingroom/temperature").length >= 5);
    one.terminate();
    expect(await one.exit()).toBe(0);
  });

  test("with --count, the commands' end is not the run's", async () => {
    const one = start("--interval", "0.1", "--count", "10");
    one.write("status\n");
    one.endInput();
    expect(await one.exit()).toBe(0);
    expect(one.lines("home/livingroom/temperature").length).toBeGreaterThan(5);
    expect(one.stderr).toContain("unsettled readings: 0");
  });

  test("killed by signal 9 again and again within a minute: never safe mode", async () => {
    for (let life = 0; life < 7; life++) {
      const one = start("--interval", "0.1");
      await one.until((running) => running.lines("home/livingroom/temperature").length > 0);
      await one.kill();
    }
    const last = start();
    last.write("status\n");
    last.endInput();
    expect(await last.exit()).toBe(0);
    expect(last.stdout).toMatch(/uptime +\d s, boot 8, switched on/);
    expect(last.stdout).not.toContain("safe mode");
  });

  test("an uncaught exception is shown by the next run", async () => {
    writeFileSync(join(folder, "fail.mjs"), 'setTimeout(() => { throw new Error("a bug"); }, 3000);');
    const one = new DeviceProcess(["--flash", image], { NODE_OPTIONS: `--import ${join(folder, "fail.mjs")}` });
    expect(await one.exit()).not.toBe(0);
    const next = start();
    next.write("status\n");
    next.endInput();
    expect(await next.exit()).toBe(0);
    expect(next.stdout).toMatch(/trouble +an earlier run ended by Error: a bug/);
  });
});
