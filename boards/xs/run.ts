/*
 * Runs the firmware on XS with the hardware of a board on Node: bundles src/main.ts with the board for XS, and executes
 * the calls of the board inside. A restart creates a new machine, as a chip's reset does: only flash survives. A wake from deep sleep creates a
 * new one, too; RTC memory survives it, because it belongs to the board on Node.
 */

import type { Variant } from "../../hosttest/engine/build.js";
import { type Creation, type Figures, XSAborted, XSWorker } from "../../hosttest/engine/worker.js";
import type { Board, Firmware, ResetCause } from "../../src/board.js";
import { Sample } from "../../src/channels/sample.js";
import { toHex } from "../../src/common/ascii.js";
import { bundle } from "./bundle.js";
import { Hardware } from "./hardware.js";
import {
  type Answer,
  type Call,
  COMMAND,
  CREDENTIAL,
  EVENT,
  type Facts,
  HEAD_BYTES,
  headOf,
  message,
  number,
  OUTCOMES,
} from "./wire.js";

export interface RunOnXSOptions {
  /** The hardware. Its `observer` and `trace` are called as if the firmware ran here; `boot` and `restart` are not used. */
  readonly board: Board;
  /** The program instead of src/main.ts: a path from the top folder. Its "board" is the one inside XS. */
  readonly entry?: string;
  /** Which build of the engine; default: the one without TLS. */
  readonly variant?: Variant;
  /** Memory of the machine; default: ample. */
  readonly creation?: Creation;
  /** A restart begins: the clock counts from here. */
  onReset?(): void;
  /** Called at each start, does what a bootloader does: calls `start` when an image runs. `cause`: how the image before it ended, if one crashed or hung. */
  select?(start: (cause?: ResetCause) => void): void;
  /** Exceptions that leave a callback of the firmware, and the cause of the machine's end. */
  onTrouble(text: string): void;
  /** After `onTrouble`, once: the machine has ended by itself, and the firmware does not run any more. */
  onDead?(): void;
}

/** The firmware on XS, seen from Node. `unsettled` is the number at the last event of a reading. */
export interface FirmwareOnXS extends Firmware {
  /** Memory in use; collects garbage first. */
  heap(): Promise<Figures>;
  /** The chip has woken up; called by the owner of `board.sleep`. */
  wake(): void;
  /** Ends the machine's process: a power cut. */
  end(): Promise<void>;
}

/** Starts the firmware; resolves once it has booted. @throws Error if this machine cannot build the engine */
export async function runOnXS(options: RunOnXSOptions): Promise<FirmwareOnXS> {
  const machine = new Machine(options);
  await machine.start();
  return machine;
}

class Machine implements FirmwareOnXS {
  unsettled = 0;
  readonly #board: Board;
  readonly #options: RunOnXSOptions;
  #xs: XSWorker | undefined;
  #hardware: Hardware | undefined;
  #stopped: (() => void) | undefined;
  #resetCause: ResetCause | undefined;
  #isDead = false;
  #fallingAsleep: Promise<void> = Promise.resolve();

  constructor(options: RunOnXSOptions) {
    this.#options = options;
    this.#board = options.board;
    this.#resetCause = options.board.resetCause;
  }

  async start(): Promise<void> {
    const script = await bundle({
      entry: this.#options.entry ?? "src/main.ts",
      alias: { board: "boards/xs/board.ts" },
    });
    this.#xs = await XSWorker.open({
      variant: this.#options.variant,
      onHostCall: (name, bytes) =>
        this.#answer(name, { ...headOf(bytes), rest: new Uint8Array(bytes.subarray(HEAD_BYTES)) }),
      onTrace: (line) => this.#board.trace?.(line),
    });
    await this.#xs.evaluate(await bundle({ entry: "boards/xs/frozen.ts" }));
    await this.#xs.preload(script);
    await this.#boot();
  }

  print(text: string): void {
    this.#command(COMMAND.print, text);
  }

  stopSampling(): void {
    this.#command(COMMAND.stopSampling);
  }

  clockChanged(): void {
    this.#command(COMMAND.clockChanged);
  }

  stop(whenDone: () => void): void {
    this.#stopped = whenDone;
    this.#command(COMMAND.stop);
  }

  close(): void {
    this.#hardware?.powerOff();
  }

  async heap(): Promise<Figures> {
    if (this.#xs === undefined) throw new Error("not started");
    return this.#xs.collect();
  }

  wake(): void {
    this.#resetCause = "sleep";
    this.#fallingAsleep.then(() => this.#boot()).catch((error: Error) => this.#failed(error));
  }

  async end(): Promise<void> {
    this.#isDead = true;
    this.close();
    await this.#xs?.close();
  }

  /** Events reported before are still delivered, later ones are ignored. When it resolves, no callback of the machine is running. */
  async #powerDown(): Promise<void> {
    await this.#xs?.evaluate("boardXS.deafen()");
    this.#hardware?.powerOff();
  }

  async #reset(): Promise<void> {
    await this.#powerDown();
    this.#options.onReset?.();
    await this.#boot();
  }

  #boot(): Promise<void> {
    const { select = (start) => start() } = this.#options;
    return new Promise((resolve, reject) => {
      select((cause = this.#resetCause) => {
        this.#resetCause = cause;
        if (!this.#isDead) this.#begin().then(resolve, reject);
      });
    });
  }

  async #begin(): Promise<void> {
    this.#hardware = new Hardware(this.#board, (...event) => this.#notify(...event));
    await this.#xs?.boot(this.#options.creation);
    await this.#xs?.evaluate("boardXS.boot()");
  }

  #command(command: number, text = ""): void {
    this.#notify(0, EVENT.command, command, Buffer.from(text));
  }

  #notify(handle: number, event: number, value: number, rest?: Uint8Array): void {
    this.#xs?.call(message(handle, event, value, rest)).catch((error: Error) => this.#failed(error));
  }

  #failed(error: Error): void {
    this.#options.onTrouble(error.message);
    if (!(error instanceof XSAborted) || this.#isDead) return;
    this.#isDead = true;
    this.#options.onDead?.();
  }

  #answer(operation: string, call: Call): Answer {
    const done = this.#hardware?.answer(operation, call);
    if (operation === "sleep.sleep") this.#fallAsleep();
    return done === undefined ? this.#onRun(operation, call) : done.answer;
  }

  /** The worker may end meanwhile. Then `wake` is not called, so the failure is handled here. */
  #fallAsleep(): void {
    this.#fallingAsleep = this.#powerDown();
    this.#fallingAsleep.catch((error: Error) => this.#failed(error));
  }

  /** Reports of the board inside. For readings, the handle is the number of unsettled ones. */
  #onRun(operation: string, { handle, first, second, rest }: Call): Answer {
    const { observer } = this.#board;
    switch (operation) {
      case "facts":
        return JSON.stringify(factsOf(this.#board, this.#resetCause));
      case "credentials":
        return this.#board.credentials?.[CREDENTIAL[handle]];
      case "heap":
        return number(bytesIn(this.#xs?.latest));
      case "observer.started":
        this.unsettled = handle;
        observer?.started?.(this);
        break;
      case "observer.reading":
        this.unsettled = handle;
        observer?.reading?.(sampleIn(rest), Number.isNaN(first) ? undefined : first);
        break;
      case "observer.settled":
        this.unsettled = handle;
        observer?.settled?.(first, OUTCOMES[second]);
        break;
      case "observer.evicted":
        this.unsettled = handle;
        observer?.evicted?.(first, second);
        break;
      case "stopped":
        this.unsettled = handle;
        this.#stopped?.();
        break;
      case "restart":
        this.#resetCause = "restart";
        this.#board.trace?.(`restart: ${Buffer.from(rest).toString()}`);
        this.#reset().catch((error: Error) => this.#failed(error));
        break;
      default:
        throw new Error(`${operation}: not known to this board`);
    }
    return undefined;
  }
}

/** Decodes a sample of the board inside. JSON has no NaN: missing values are NaN again in the result. */
function sampleIn(text: Uint8Array): Sample {
  const { mask, values, decimals } = JSON.parse(Buffer.from(text).toString()) as Sample;
  const sample = new Sample();
  values.forEach((value, channel) => {
    if ((mask >> channel) & 1) sample.set(channel, value, decimals[channel]);
  });
  return sample;
}

/** Bytes of slots and chunks, garbage included. */
function bytesIn(figures: Figures | undefined): number {
  return figures === undefined ? 0 : figures.slots * figures.slotBytes + figures.chunkBytes;
}

function factsOf(board: Board, resetCause: ResetCause | undefined): Facts {
  const { sensor, serial } = board;
  return {
    name: `${board.name} on XS`,
    mac: board.mac,
    flashWriteUnit: board.flashWriteUnit ?? null,
    resetCause: resetCause ?? null,
    version: board.version ?? null,
    update: update(board),
    sensor: { data: sensor.data, clock: sensor.clock, hz: sensor.hz ?? null },
    digital: sensor.digital
      ? { InputPullUp: sensor.digital.InputPullUp, OutputOpenDrain: sensor.digital.OutputOpenDrain }
      : null,
    hasSettingsFlash: board.openSettingsFlash !== undefined,
    hasDNS: board.dns !== undefined,
    hasSleep: board.sleep !== undefined,
    battery: battery(board),
    hasSerial: serial !== undefined,
    serialMode: serial === undefined ? null : (serial.mode ?? streamsMode()),
    hasTLS: board.tls !== undefined,
    defaults: board.defaults ?? {},
    overrides: board.overrides ?? {},
  };
}

function update({ update }: Board): Facts["update"] {
  if (update === undefined) return null;
  const { chip, key } = update;
  return { chip, key: key === undefined ? null : toHex(key) };
}

function battery({ battery }: Board): Facts["battery"] {
  if (battery === undefined) return null;
  const { io, ...wiring } = battery;
  const input = new io(wiring);
  const { resolution } = input;
  input.close();
  return { ...wiring, resolution };
}

/** The mode of a port that uses the process's streams. */
function streamsMode(): "terminal" | "lines" {
  return process.stdin.isTTY && process.stdout.isTTY ? "terminal" : "lines";
}
