/*
 * The device's health: what ended the life before this one, whether it is safe to take readings, and who restarts when
 * the sampling loop stands still. Joins the boot guard and the watchdog to this board.
 */
import type { Board } from "../board.js";
import { BootGuard } from "../health/boot-guard.js";
import { Watchdog } from "../health/watchdog.js";
import type { KeyValueStore } from "../settings/store.js";
import type { Level } from "./device-log.js";

/** Under which key the boot guard keeps its entry, beside the settings. */
export const GUARD_KEY = "boots";
/** Safe mode restarts by itself after so long: nobody may be there to do it. */
export const SAFE_MODE_MS = 15 * 60_000;

export interface HealthOptions {
  readonly board: Board;
  readonly store: KeyValueStore;
  /** Comes round with every reading, taken or failed. */
  pulse(): number;
  /** An ordered restart. */
  restart(reason: string): void;
  log(level: Level, text: string): void;
}

export class Health {
  /** Why there are no readings, if there are none because of it. */
  readonly safeMode: string | undefined;
  /** How the life before this one ended, in words; empty if in order, or if it could not say. */
  readonly lastWords: string;
  private readonly options: HealthOptions;
  private readonly guard: BootGuard;
  private readonly watchdog: Watchdog;
  private leaveSafeMode: object | number | undefined;

  constructor(options: HealthOptions) {
    const { board, store, log } = options;
    const { timers, resetCause } = board;
    this.options = options;
    this.guard = new BootGuard({
      entry: { read: () => bytesOf(store.read(GUARD_KEY)), write: (value) => store.write(GUARD_KEY, value) },
      timers,
      resetCause,
      onProblem: (error) => log("warn", `boots are not counted: ${error instanceof Error ? error.message : error}`),
    });
    this.lastWords = this.guard.lastWords;
    this.safeMode = this.guard.safeMode ? this.guard.explanation : undefined;
    this.watchdog = new Watchdog({ timers, pulse: options.pulse, restart: (reason) => this.bite(reason) });
    board.onUncaught?.((line) => this.guard.remember(line));
    if (this.safeMode !== undefined) this.enterSafeMode(this.safeMode);
    else if (this.lastWords !== "") log("warn", `an earlier run ended by ${this.lastWords}`);
  }

  /** Readings are expected about every so many milliseconds. */
  watch(intervalMs: number): void {
    this.watchdog.watch(intervalMs);
  }

  /** None are. */
  rest(): void {
    this.watchdog.rest();
  }

  /** The device goes down in order. */
  farewell(): void {
    this.close();
    this.guard.farewell();
  }

  /** Lets go of all timers and writes nothing. */
  close(): void {
    const { timers } = this.options.board;
    this.watchdog.rest();
    this.guard.close();
    if (this.leaveSafeMode !== undefined) timers.clear(this.leaveSafeMode);
    this.leaveSafeMode = undefined;
  }

  private enterSafeMode(why: string): void {
    const { board, log, restart } = this.options;
    log("error", `${why}; restarts in ${SAFE_MODE_MS / 60_000} minutes`);
    this.leaveSafeMode = board.timers.set(() => restart("safe mode is over"), SAFE_MODE_MS);
  }

  /** No farewell: the next boot is to know. */
  private bite(reason: string): void {
    const { board, log } = this.options;
    log("error", reason);
    this.guard.remember(reason);
    board.restart(reason);
  }
}

function bytesOf(value: ArrayBuffer | Uint8Array | undefined): ArrayBuffer | undefined {
  return value instanceof Uint8Array ? value.slice().buffer : value;
}
