/*
 * Ctrl-C during a tool's run: its folders, and its broker's, are removed.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { top } from "./bundle.mjs";

test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("chaos, ended by %s: nothing is left behind", async (signal) => {
  const folder = mkdtempSync(join(tmpdir(), "thermometer-test-"));
  try {
    const tool = spawn(process.execPath, ["hosttest/run.mjs", "hosttest/chaos/main.ts", "--cuts", "1000"], {
      cwd: top,
      env: { ...process.env, TMPDIR: folder },
      stdio: ["ignore", "ignore", "pipe"],
    });
    const closed = once(tool, "close");
    await once(tool.stderr, "data"); // it has begun
    while (readdirSync(folder).length < 2 && tool.exitCode === null)
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect(
      readdirSync(folder)
        .map((name) => name.replace(/-.*/, ""))
        .sort(),
    ).toEqual(["chaos", "mosquitto"]);
    tool.kill(signal);
    const [code] = await closed;
    expect(code).toBe({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[signal]);
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
