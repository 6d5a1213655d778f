/*
 * The device's health: why the last run ended, whether it is safe to take readings, and a restart if sampling hangs. Connects
 * the boot guard and the watchdog to the board.
 */

import type { Board, ResetCause, Timers } from "../board.js";
import type { LineLevel } from "../common/log-levels.js";
import { messageOf } from "../common/message-of.js";
import { type BootEntry, BootGuard, type BootGuardOptions } from "../health/boot-guard.js";
import { Watchdog, type WatchdogOptions } from "../health/watchdog.js";
import type { KeyValueStore } from "../settings/store.js";

/** Key beside the settings under which the boot guard stores its entry. */
export const GUARD_KEY = "boots";
/** Safe mode restarts by itself after this time, because a person may not be there. */
export const SAFE_MODE_MS = 15 * 60_000;

/** What health needs of its owner. */
export interface HealthOwner {
  readonly board: Board;
  readonly store: KeyValueStore;
  /** `isTrial`: this firmware image is on trial. */
  readonly updating: { readonly isTrial: boolean } | undefined;
  /** A number that changes with every sample, taken or failed. */
  pulse(): number;
  /** Closes connections, then restarts. */
  restart(reason: string): void;
  log(level: LineLevel, text: string): void;
}

/** Boot guard and watchdog of this board. */
export class Health implements BootGuardOptions, BootEntry, WatchdogOptions {
  private readonly owner: HealthOwner;
  private readonly guard: BootGuard;
  private readonly watchdog: Watchdog;
  private leaveSafeMode: object | number | undefined;

  constructor(owner: HealthOwner) {
    const board = owner.board;
    this.owner = owner;
    this.guard = new BootGuard(this);
    this.watchdog = new Watchdog(this);
    board.onUncaught?.((line) => this.guard.remember(line));
    if (this.safeMode !== undefined) this.enterSafeMode(this.safeMode);
    else if (this.lastWords !== "") owner.log("warn", `an earlier run ended by ${this.lastWords}`);
  }

  /** The reason for safe mode; undefined: not in safe mode. */
  get safeMode(): string | undefined {
    return this.guard.safeMode ? this.guard.explanation : undefined;
  }

  /** Why the last run ended, as text; empty if it ended normally or left no record. */
  get lastWords(): string {
    return this.guard.lastWords;
  }

  /** A sample is expected about every `intervalMs`. */
  watch(intervalMs: number): void {
    this.watchdog.watch(intervalMs);
  }

  /** No samples are expected. */
  rest(): void {
    this.watchdog.rest();
  }

  /** The device is about to restart or stop normally. */
  farewell(): void {
    this.close();
    this.guard.farewell();
  }

  /** Clears all timers and writes nothing. */
  close(): void {
    const timers = this.timers;
    this.watchdog.rest();
    this.guard.close();
    if (this.leaveSafeMode !== undefined) timers.clear(this.leaveSafeMode);
    this.leaveSafeMode = undefined;
  }

  // Callbacks of guard and watchdog

  get timers(): Timers {
    return this.owner.board.timers;
  }

  get resetCause(): ResetCause | undefined {
    return this.owner.board.resetCause;
  }

  get isTrial(): boolean | undefined {
    return this.owner.updating?.isTrial;
  }

  get entry(): BootEntry {
    return this;
  }

  read(): ArrayBuffer | undefined {
    return bytesOf(this.owner.store.read(GUARD_KEY));
  }

  write(value: ArrayBuffer): void {
    this.owner.store.write(GUARD_KEY, value);
  }

  onProblem(error: unknown): void {
    this.owner.log("warn", `boots are not counted: ${messageOf(error)}`);
  }

  pulse(): number {
    return this.owner.pulse();
  }

  /** The watchdog has expired. The boot guard's record stays as it is, so that the next boot counts this as a failure. */
  restart(reason: string): void {
    const owner = this.owner;
    owner.log("error", reason);
    this.guard.remember(reason);
    owner.board.restart(reason);
  }

  private enterSafeMode(why: string): void {
    const owner = this.owner;
    owner.log("error", `${why}; restarts in ${SAFE_MODE_MS / 60_000} minutes`);
    this.leaveSafeMode = this.timers.set(() => owner.restart("safe mode is over"), SAFE_MODE_MS);
  }
}

function bytesOf(value: ArrayBuffer | Uint8Array | undefined): ArrayBuffer | undefined {
  return value instanceof Uint8Array ? value.slice().buffer : value;
}
