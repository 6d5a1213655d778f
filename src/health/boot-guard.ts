/*
 * BootGuard: detects that the device crashes soon after every boot, and stores why it ended. A boot counts as failed until it
 * has run for a minute or ends normally; or until the next boot finds that the power was cut, which is not the firmware's
 * fault, or that the device went to sleep. A wake from sleep is not a boot. After five failures in a row the device boots in
 * safe mode: prompt and network, but no sampling, so that the fault can be found and repaired. The boot after that is a normal
 * one. Firmware on trial starts a new count, because its failures lead back to the previous image. It keeps one entry of at
 * most 122 bytes in a key-value store, which is written at boot, one minute later, and each time a reason for an end is
 * remembered. Nothing here throws: without the store there is no safe mode, but the device boots.
 */
import type { TimerId, Timers } from "../common/timers.js";

/** One entry of `embedded:storage/key-value`, with its key filled in. */
export interface BootEntry {
  read(): ArrayBuffer | undefined;
  write(value: ArrayBuffer): void;
}

/**
 * Why the machine was reset. "power": it was switched on; "brownout": the supply sagged; "restart": the firmware asked;
 * "crash": an exception, or the engine or chip aborted; "watchdog": the hardware's; "sleep": it woke up from deep sleep.
 */
export type ResetCause = "power" | "brownout" | "restart" | "crash" | "watchdog" | "sleep" | "unknown";

/** The entry for the count, why the last boot ended, and a callback for problems with the store. */
export interface BootGuardOptions {
  readonly entry: BootEntry;
  /** Why the last boot ended. Default "unknown", which counts as a failure. */
  readonly resetCause?: ResetCause;
  /** The firmware is on trial: earlier failures were the previous image's, and any failure leads back to that one. */
  readonly isTrial?: boolean | undefined;
  readonly timers: Timers;
  /** The store failed: safe mode cannot be relied on. */
  onProblem?(error: unknown): void;
}

/** Failures in a row that lead to safe mode. */
export const DEATHS = 5;
/** A boot that ran this long, in milliseconds, did not fail. */
export const ALIVE_MS = 60_000;
/** Most characters of the stored reason. */
export const WORDS_LENGTH = 120;

/*
 * The entry: byte 0 the format, byte 1 failures in a row (including the running boot), from byte 2 the reason in ASCII. The
 * store checks its values itself (NVS: a CRC each), and writes each completely or not at all.
 */
const FORMAT = 1;
const HEAD = 2;

/** Counts failed boots; `deaths` decides on safe mode. Never throws. */
export class BootGuard {
  /** Failed boots in a row before this one, up to 255. Power cuts are ignored. */
  readonly deaths: number;
  /** Why the last boot ended, if it could be stored; empty if it ended normally, or a successful boot followed. */
  readonly lastWords: string;
  private readonly options: BootGuardOptions;
  private _deaths: number;
  private words: string;
  private spoken = false;
  private timer?: TimerId;

  /** Counts this boot as failed until it has run for a minute or ends normally. */
  constructor(options: BootGuardOptions) {
    this.options = options;
    const { deaths: presumed, words } = this.read();
    const deaths = options.isTrial ? 0 : Math.max(0, presumed - (isNoDeath(options.resetCause) ? 1 : 0));
    this.deaths = deaths;
    this.lastWords = words;
    this.words = words;
    this._deaths = deaths;
    if (options.resetCause === "sleep" && presumed === 0) return; // continues after a sleep: not a boot, and nothing to write
    this._deaths = Math.min(deaths + 1, 255);
    this.write();
    this.timer = options.timers.set(() => this.alive(), ALIVE_MS);
  }

  /** Only prompt and network. Does not change until the next boot. */
  get safeMode(): boolean {
    return this.deaths >= DEATHS;
  }

  /** The reason for safe mode, for the prompt and the log. */
  get explanation(): string {
    const words = this.lastWords === "" ? "" : `; the last reason: ${this.lastWords}`;
    return `safe mode, no readings: ${this.deaths} boots in a row failed within a minute${words}`;
  }

  /** Stores `reason` for the next boot: an uncaught exception, a reset by the watchdog. Durable on return. */
  remember(reason: string): void {
    this.words = plain(reason);
    this.spoken = true;
    this.write();
  }

  /** The device ends normally (the prompt's reboot, an update): not a failure, however soon. */
  farewell(): void {
    this.close();
    if (this._deaths === 0 && this.words === "") return;
    this._deaths = 0;
    this.words = "";
    this.write();
  }

  /** Clears the timer and writes nothing. */
  close(): void {
    if (this.timer !== undefined) this.options.timers.clear(this.timer);
    this.timer = undefined;
  }

  private alive(): void {
    this.timer = undefined;
    this._deaths = 0;
    if (!this.spoken) this.words = "";
    this.write();
  }

  private read(): { deaths: number; words: string } {
    try {
      const value = this.options.entry.read();
      const bytes = new Uint8Array(value ?? new ArrayBuffer(0));
      if (bytes.length >= HEAD && bytes[0] === FORMAT) {
        return { deaths: bytes[1], words: plain(String.fromCharCode(...bytes.subarray(HEAD, HEAD + WORDS_LENGTH))) };
      }
    } catch (error) {
      this.problem(error);
    }
    return { deaths: 0, words: "" };
  }

  private write(): void {
    const words = this.words;
    const bytes = new Uint8Array(HEAD + words.length);
    bytes[0] = FORMAT;
    bytes[1] = this._deaths;
    for (let i = 0; i < words.length; i++) bytes[HEAD + i] = words.charCodeAt(i);
    try {
      this.options.entry.write(bytes.buffer);
    } catch (error) {
      this.problem(error);
    }
  }

  private problem(error: unknown): void {
    try {
      this.options.onProblem?.(error);
    } catch {
      // the callback failed as well: the boot continues
    }
  }
}

/** The last boot did not fail: its power was cut, so that nothing is known about it, or it went to sleep. */
function isNoDeath(cause: ResetCause = "unknown"): boolean {
  return cause === "power" || cause === "brownout" || cause === "sleep";
}

/** Printable ASCII, one line, bounded: suitable for the entry and for any terminal. */
function plain(text: string): string {
  return text.slice(0, WORDS_LENGTH).replace(/[^ -~]/gu, "?");
}
