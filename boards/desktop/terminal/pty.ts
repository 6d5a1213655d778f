/*
 * A pseudo terminal as the device's serial port, to be opened by `screen`, `picocom` and similar programs as if a board were plugged
 * in. Node cannot make one without native code, so socat does, as a child process that ends with this one.
 * This process keeps the far end open, so that the line does not drop when a terminal program is closed.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import type { Serial } from "../../../src/console/port/serial.js";
import { UsageError } from "../options/options.js";
import { Terminal } from "./terminal.js";

const IS_PTY = / PTY is (\S+)/; // socat -d -d

export interface PseudoTerminal {
  /** The path to open, for example /dev/pts/3. */
  readonly path: string;
  /** The prompt's port, for a board. */
  readonly serial: Serial;
}

/** @throws UsageError with one line if there is no socat, or it fails */
export async function openPseudoTerminal(): Promise<PseudoTerminal> {
  // In its own process group: Ctrl-C is for this process, which still needs socat while it ends. It ends when our end of its pipe is closed.
  const socat = spawn("socat", ["-d", "-d", "pty,rawer,mode=600", "stdio"], { detached: true });
  const path = await pathOf(socat);
  const held = openSync(path, constants.O_RDWR | constants.O_NOCTTY);
  socat.once("exit", () => closeSync(held));
  process.once("exit", () => socat.kill());
  return { path, serial: { io: Terminal, mode: "terminal", input: socat.stdout, output: socat.stdin } };
}

function pathOf(socat: ChildProcessWithoutNullStreams): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = "";
    socat.once("error", (error: NodeJS.ErrnoException) => {
      const why = error.code === "ENOENT" ? "needs socat: apt-get install socat" : error.message;
      reject(new UsageError(`--serial pty: ${why}`));
    });
    socat.once("exit", () => {
      const last = printed.trim().split("\n").at(-1);
      reject(new UsageError(`--serial pty: socat ended: ${last}`));
    });
    socat.stderr.on("data", (text) => {
      printed = `${printed}${text}`.slice(-1_000);
      const [, path] = IS_PTY.exec(printed) ?? [];
      if (path !== undefined) resolve(path);
    });
  });
}
