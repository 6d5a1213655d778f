/*
 * The desktop's terminal as a serial port: scripts on standard input, raw keys on a terminal, ends and reboots.
 */
import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { type TerminalOptions, terminal } from "../../boards/desktop/terminal/terminal.js";
import { Console } from "../../src/console/console.js";
import type { TimerId } from "../../src/console/port/serial.js";
import { nearest } from "../../src/settings/nearest.js";
import { Settings } from "../../src/settings/settings.js";
import { MemoryStore } from "../settings/memory-store.js";

const timers = {
  set: (callback: () => void, delayMs: number): TimerId => setTimeout(callback, delayMs),
  clear: (id: TimerId): void => clearTimeout(id as NodeJS.Timeout),
};

/** A device on two streams that outlive its reboots. */
class Desktop {
  readonly input = new PassThrough();
  readonly output = new PassThrough();
  readonly rawModes: boolean[] = [];
  readonly ended: Promise<"end" | "quit">;
  written = "";
  #console: Console | undefined;
  readonly #store = new MemoryStore();
  readonly #options: TerminalOptions;

  constructor(kind: "tty" | "pipe") {
    const isTTY = kind === "tty";
    const { promise, resolve } = withResolvers<"end" | "quit">();
    this.ended = promise;
    this.output.on("data", (bytes: Buffer) => {
      this.written += bytes.toString();
    });
    this.#options = {
      input: Object.assign(this.input, { isTTY, setRawMode: (on: boolean) => this.rawModes.push(on) }) as never,
      output: Object.assign(this.output, { isTTY }) as never,
      onEnd: () => resolve("end"),
      onQuit: () => resolve("quit"),
    };
    this.#boot();
  }

  close(): void {
    this.#console?.close();
  }

  #boot(): void {
    const host = {
      version: "desktop 1",
      status: () => [],
      nearest,
      factoryReset: () => {},
      sampleNow: (done: (answer: { lines: string[] }) => void) => void setTimeout(() => done({ lines: ["21.44"] }), 20),
      reboot: () => {
        this.#console?.close();
        setImmediate(() => this.#boot());
      },
    };
    const settings = new Settings({ store: this.#store });
    this.#console = new Console({ serial: terminal(this.#options), settings, host, timers });
  }
}

function withResolvers<T>(): { promise: Promise<T>; resolve(value: T): void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** Waits until the device's output ends with `end`. */
async function until(desktop: Desktop, end: string): Promise<void> {
  while (!desktop.written.endsWith(end)) await new Promise((done) => setTimeout(done, 5));
}

describe("a script on standard input", () => {
  test("is run to its end, a last line without an end and an answer that takes a while included, and then its end is reported", async () => {
    const desktop = new Desktop("pipe");
    desktop.input.end("set room attic\nsave\nversion\nsample");
    expect(await desktop.ended).toBe("end");
    expect(desktop.written).toBe("saved: room\nin force after a reboot: room\ndesktop 1\n21.44\n");
    desktop.close();
  });

  test("continues after a reboot, with the very next byte", async () => {
    const desktop = new Desktop("pipe");
    desktop.input.end("set room attic; save; reboot\nshow room\nreboot\nversion\n");
    expect(await desktop.ended).toBe("end");
    expect(desktop.written).toContain("rebooting\n  room attic\n");
    expect(desktop.written.endsWith("rebooting\ndesktop 1\n")).toBe(true);
    desktop.close();
  });

  test("megabytes of it are read no faster than the answers leave", async () => {
    const desktop = new Desktop("pipe");
    desktop.input.end("version\n".repeat(20_000));
    expect(await desktop.ended).toBe("end");
    expect(desktop.written).toBe("desktop 1\n".repeat(20_000));
    desktop.close();
  });

  test("an empty one ends at once", async () => {
    const desktop = new Desktop("pipe");
    desktop.input.end();
    expect(await desktop.ended).toBe("end");
    expect(desktop.written).toBe("");
    desktop.close();
  });
});

describe("a terminal", () => {
  test("is switched to raw mode while the port is open, and echoed by the firmware", async () => {
    const desktop = new Desktop("tty");
    desktop.input.write("verx\x7fsion\r");
    await until(desktop, "> version\r\ndesktop 1\r\n> ".slice(-16));
    expect(desktop.rawModes).toEqual([true]);
    desktop.close();
    expect(desktop.rawModes).toEqual([true, false]);
  });

  test("Ctrl-C takes a line back; twice in a row it ends the program", async () => {
    const desktop = new Desktop("tty");
    desktop.input.write("abc\x03");
    await until(desktop, "^C\r\n> ");
    desktop.input.write("x\x03\x03");
    expect(await desktop.ended).toBe("quit");
    desktop.close();
  });
});
