/*
 * The device's health: what ended the life before this one, whether it is safe to take readings, and who restarts when
 * the sampling loop stands still. Joins the boot guard and the watchdog to this board.
 */

import type { Board, ResetCause, Timers } from "../board.js";
import type { LineLevel } from "../common/log-levels.js";
import { messageOf } from "../common/message-of.js";
import { type BootEntry, BootGuard, type BootGuardOptions } from "../health/boot-guard.js";
import { Watchdog, type WatchdogOptions } from "../health/watchdog.js";
import type { KeyValueStore } from "../settings/store.js";

/** Under which key the boot guard keeps its entry, beside the settings. */
export const GUARD_KEY = "boots";
/** Safe mode restarts by itself after so long: a person may not be there to do it. */
export const SAFE_MODE_MS = 15 * 60_000;

/** What health needs of its owner. */
export interface HealthOwner {
  readonly board: Board;
  readonly store: KeyValueStore;
  /** Comes round with every reading, taken or failed. */
  pulse(): number;
  /** An ordered restart. */
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

  /** Why there are no readings, if there are none because of it. */
  get safeMode(): string | undefined {
    return this.guard.safeMode ? this.guard.explanation : undefined;
  }

  /** How the life before this one ended, in words; empty if in order, or if it could not say. */
  get lastWords(): string {
    return this.guard.lastWords;
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
    const timers = this.timers;
    this.watchdog.rest();
    this.guard.close();
    if (this.leaveSafeMode !== undefined) timers.clear(this.leaveSafeMode);
    this.leaveSafeMode = undefined;
  }

  // What guard and watchdog ask of their owner

  get timers(): Timers {
    return this.owner.board.timers;
  }

  get resetCause(): ResetCause | undefined {
    return this.owner.board.resetCause;
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

  /** The watchdog bites. No farewell: the next boot is to know. */
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
