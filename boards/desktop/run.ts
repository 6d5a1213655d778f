/*
 * A run of the desktop device, as the command line sees it: its output, its end, its exit code.
 * It observes the firmware through the board's observer only.
 */
import type { Firmware, Observer, Outcome } from "../../src/board.js";
import { channels } from "../../src/channels/channels.js";
import { valueText } from "../../src/channels/rounding.js";
import type { Sample } from "../../src/channels/sample.js";
import { printable } from "../../src/console/port/printable.js";
import { Backlog } from "./backlog.js";
import { type CutPlace, placeText } from "./flash/supply.js";
import type { TerminalOptions } from "./terminal/terminal.js";
import { timers } from "./timers.js";

const POLITE_MS = 2000; // the process does not wait longer for DISCONNECT
const PARENT_CHECK_MS = 200;
const ERASE_LINE = "\r\u001b[K";

export interface RunOptions {
  readonly headless: boolean;
  readonly count: number | undefined;
  /** Only readings on request. */
  readonly onRequest?: boolean;
  readonly durationMs: number | undefined;
  /** `count` is reached while the whole firmware does not run: it must be started, to send what waits. */
  onCountedAsleep?(): void;
  /** Calls `done` when all arrived messages are shown. `newest`: the last reading that the broker has acknowledged, if readings have numbers. */
  whenShown?(newest: number | undefined, done: () => void): void;
  /** Closes the other parts of this process in order. */
  stopOthers?(done: () => void): void;
  /** Called last. `unsettled`: readings that are still in flash. */
  atEnd(unsettled: number): void;
}

const SETTLED = { delivered: "settled", deadLetter: "dead-lettered", dropped: "dropped" };

export class Run implements Observer {
  readonly #options: RunOptions;
  #firmware: Firmware | undefined;
  #readings = 0;
  #kept = 0; // readings in flash, as last reported by a device that sleeps
  #sleepLine: string | undefined; // shown in the last line of a terminal while it sleeps
  #hasStarted = false;
  #newest: number | undefined;
  readonly #backlog: Backlog | undefined; // a headless run prints its own lines
  #ending = false;

  constructor(options: RunOptions) {
    this.#options = options;
    this.#backlog = options.headless ? undefined : new Backlog(timers, (text) => this.print(text));
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => this.end());
    // The reader of our output may end first: that must not lose readings.
    process.stdout.on("error", () => {});
    process.stderr.on("error", () => {});
    if (process.env.npm_lifecycle_event !== undefined) this.#dieWithParent();
  }

  /** The events of the terminal that the run was started on. */
  readonly terminal: TerminalOptions = {
    onInterrupt: () => this.print("Ctrl-C again ends the device"),
    onQuit: () => this.end(),
    onEnd: () => this.#inputEnded(),
  };

  /** The device sleeps, for so long: the firmware does not run. */
  slept(ms: number): void {
    const { headless } = this.#options;
    this.#firmware = undefined;
    this.#backlog?.close();
    if (headless) this.#line(`asleep ms=${ms}`);
    else this.#showSleep(`asleep for ${(ms / 1_000).toFixed(1)} s, ${this.#kept} kept in flash; a key wakes it`);
  }

  /** The firmware does not run any more. `place`: where in a write to flash. */
  powerLost(place: CutPlace | undefined): void {
    this.#firmware = undefined;
    this.#backlog?.close();
    this.#hideSleep();
    const where = place === undefined ? "" : ` in the middle of ${placeText(place)}`;
    this.#line(`power: cut${where}; ${this.#kept} kept in flash`);
  }

  woke(): void {
    if (this.#options.headless) this.#line("awake");
    this.#hideSleep();
  }

  started(firmware: Firmware): void {
    this.#firmware = firmware;
    this.#kept = firmware.unsettled;
    const { durationMs } = this.#options;
    // From here, because building the engine does not count.
    if (durationMs !== undefined && !this.#hasStarted) timers.set(() => this.end(), durationMs);
    this.#hasStarted = true;
    this.#backlog?.waits(firmware.unsettled);
    const { count = Number.POSITIVE_INFINITY, onRequest } = this.#options;
    if (onRequest || this.#readings >= count) firmware.stopSampling();
  }

  reading(sample: Sample, sequence: number | undefined): void {
    if (this.#options.headless) {
      const values = valuesOf(sample);
      if (sequence === undefined) this.#line(`reading ${values}`);
      else if (sequence < 0) this.#line(`refused ${values}`);
      else this.#line(`reading seq=${sequence} ${values}`);
    }
    this.#kept = this.#firmware?.unsettled ?? this.#kept + 1;
    if (this.#firmware !== undefined) this.#backlog?.waits(this.#kept);
    if (++this.#readings !== this.#options.count) return;
    if (this.#firmware === undefined) this.#options.onCountedAsleep?.();
    this.#firmware?.stopSampling();
    this.#endIfSettled();
  }

  settled(sequence: number, outcome: Outcome): void {
    if (this.#options.headless) this.#line(`${SETTLED[outcome]} seq=${sequence}`);
    if (outcome === "delivered") {
      this.#newest = sequence;
      this.#backlog?.sent();
      // Not within the firmware's callback: the entry is counted until that returns.
      setImmediate(() => this.#backlog?.left(this.#firmware?.unsettled ?? 0));
    }
    setImmediate(() => {
      this.#kept = this.#firmware?.unsettled ?? this.#kept;
    });
    this.#endIfSettled();
  }

  /** A line above the prompt. */
  print(text: string): void {
    if (this.#firmware === undefined) this.#line(text);
    else this.#firmware.print(text);
  }

  /** The wall clock was changed from outside. */
  clockChanged(): void {
    this.#firmware?.clockChanged();
  }

  /**
   * Standard input has ended. If a script gave commands, the run ends; if there were none (`</dev/null`), the device
   * continues.
   */
  #inputEnded(): void {
    const { count, durationMs } = this.#options;
    const gaveCommands = (process.stdin as { bytesRead?: number }).bytesRead !== 0;
    if (gaveCommands && count === undefined && durationMs === undefined) this.end();
  }

  /** Stops sampling, disconnects from the broker and ends the process; exit code 0. */
  end(): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#backlog?.close();
    this.#hideSleep();
    const exit = (): void => {
      const unsettled = this.#firmware?.unsettled ?? this.#kept;
      this.#firmware?.close();
      this.#options.atEnd(unsettled);
      process.exit(0);
    };
    setTimeout(exit, POLITE_MS);
    const { stopOthers = (done) => done() } = this.#options;
    const stopped = (): void => stopOthers(() => this.#whenShown(exit));
    if (this.#firmware === undefined) stopOthers(exit);
    else this.#firmware.stop(stopped);
  }

  /** The firmware does not run any more. Exit code 1. */
  fail(text: string): void {
    this.#ending = true;
    this.#backlog?.close();
    const unsettled = this.#firmware?.unsettled ?? 0;
    this.#firmware?.close();
    process.stderr.write(`${printable(text)}\n`);
    this.#options.atEnd(unsettled);
    process.exit(1);
  }

  #whenShown(done: () => void): void {
    const { whenShown } = this.#options;
    if (whenShown === undefined) done();
    else whenShown(this.#newest, done);
  }

  #endIfSettled(): void {
    if (this.#options.count === undefined || this.#readings < this.#options.count) return;
    // Not within the firmware's callback: it may not have finished with this entry.
    setImmediate(() => {
      if (this.#firmware?.unsettled === 0) this.end();
    });
  }

  #line(text: string): void {
    const line = this.#sleepLine;
    if (line !== undefined) process.stdout.write(ERASE_LINE);
    process.stdout.write(`${printable(text)}\n${line ?? ""}`);
  }

  #showSleep(text: string): void {
    this.#hideSleep();
    if (!process.stdout.isTTY) {
      this.#line(text);
      return;
    }
    this.#sleepLine = text;
    process.stdout.write(`${ERASE_LINE}${text}`);
  }

  #hideSleep(): void {
    if (this.#sleepLine !== undefined) process.stdout.write(ERASE_LINE);
    this.#sleepLine = undefined;
  }

  /** If npm is killed by signal 9, it cannot pass the signal on: this process then ends, too. */
  #dieWithParent(): void {
    const parent = process.ppid;
    setInterval(() => {
      if (process.ppid !== parent) process.kill(process.pid, "SIGKILL");
    }, PARENT_CHECK_MS).unref();
  }
}

/** "value=21.44 humidity=45.2": the keys are those of the payload. */
function valuesOf({ mask, values, decimals }: Sample): string {
  return channels
    .map(({ key }, channel) => `${key}=${valueText(values[channel], decimals[channel])}`)
    .filter((_, channel) => (mask >> channel) & 1)
    .join(" ");
}
