/*
 * BootGuard: notices that the device dies soon after every boot, and remembers why it went down.
 * A boot counts as a death until it has lived a minute or ends in order; or until the next one finds that only the power
 * had gone, which is no fault of the firmware's, however often, or that it went to sleep. A wake from sleep is no boot. After five deaths in a row the device boots in safe mode:
 * the prompt and the network, no sampling, so that the fault can be found and repaired. The boot after that is a normal one. Firmware on trial
 * begins to count anew: what it dies of leads back to the one before.
 * One entry of at most 122 bytes in a key-value store, written at boot and once a minute later, and for each last word. Nothing
 * here throws: a store that fails costs the safe mode, not the boot.
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

/** Where deaths are counted, how the last boot ended, and where trouble with the store is reported. */
export interface BootGuardOptions {
  readonly entry: BootEntry;
  /** How the boot before this one ended. Default "unknown", which may have been a death. */
  readonly resetCause?: ResetCause;
  /** The firmware is on trial: the deaths before were another's, and any death leads back to that one. */
  readonly isTrial?: boolean | undefined;
  readonly timers: Timers;
  /** The store failed: safe mode cannot be relied on. */
  onProblem?(error: unknown): void;
}

/** Deaths in a row that lead to safe mode. */
export const DEATHS = 5;
/** A boot that lived this long was no death. */
export const ALIVE_MS = 60_000;
/** Characters of the last words kept. */
export const WORDS_LENGTH = 120;

/*
 * The entry: byte 0 the format, byte 1 deaths in a row (the boot that runs included), from byte 2 the last words in ASCII.
 * The store checks its values itself (NVS: a CRC each), and writes them at once or not at all.
 */
const FORMAT = 1;
const HEAD = 2;

/** Counts boots that died early; `deaths` decides on safe mode. Never throws. */
export class BootGuard {
  /** Boots before this one that died within a minute, in a row; counted up to 255. Power cuts are passed over. */
  readonly deaths: number;
  /** Why the last boot that could say so went down; empty when it went in order, or a healthy boot came since. */
  readonly lastWords: string;
  private readonly options: BootGuardOptions;
  private _deaths: number;
  private words: string;
  private spoken = false;
  private timer?: TimerId;

  /** Counts this boot as a death until it has lived a minute or ends in order. */
  constructor(options: BootGuardOptions) {
    this.options = options;
    const { deaths: presumed, words } = this.read();
    const deaths = options.isTrial ? 0 : Math.max(0, presumed - (isNoDeath(options.resetCause) ? 1 : 0));
    this.deaths = deaths;
    this.lastWords = words;
    this.words = words;
    this._deaths = deaths;
    if (options.resetCause === "sleep" && presumed === 0) return; // a life goes on that ended in order: no boot, and nothing to write
    this._deaths = Math.min(deaths + 1, 255);
    this.write();
    this.timer = options.timers.set(() => this.alive(), ALIVE_MS);
  }

  /** Prompt and network only. Stays as it is until the next boot. */
  get safeMode(): boolean {
    return this.deaths >= DEATHS;
  }

  /** Why safe mode, for the prompt and the log. */
  get explanation(): string {
    const words = this.lastWords === "" ? "" : `; the last one said: ${this.lastWords}`;
    return `safe mode, no readings: ${this.deaths} boots in a row died within a minute${words}`;
  }

  /** Keeps `reason` for the next boot: an uncaught exception, a reset by the watchdog. Durable on return. */
  remember(reason: string): void {
    this.words = plain(reason);
    this.spoken = true;
    this.write();
  }

  /** The device goes down in order (the prompt's reboot, an update): no death, however soon. */
  farewell(): void {
    this.close();
    if (this._deaths === 0 && this.words === "") return;
    this._deaths = 0;
    this.words = "";
    this.write();
  }

  /** Lets go of the timer and writes nothing. */
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
      // The handler of problems failed as well: the boot goes on.
    }
  }
}

/** The boot before this one did not die of itself: it lost its power, and nothing is known of how it would have gone on, or slept. */
function isNoDeath(cause: ResetCause = "unknown"): boolean {
  return cause === "power" || cause === "brownout" || cause === "sleep";
}

/** Printable ASCII, one line, bounded: fit for an entry and for any terminal. */
function plain(text: string): string {
  return text.slice(0, WORDS_LENGTH).replace(/[^ -~]/gu, "?");
}
