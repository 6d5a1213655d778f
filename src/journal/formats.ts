/*
 * Decides which formats may be written. An image on trial writes only what the previous image can read, because that may run again
 * after the next reset; once confirmed, it writes the newest. What the previous image can read is seen from the format version of
 * the newest block in the outbox, which it wrote.
 *
 *   what                         the oldest, firmware 0.1's             the newest
 *   blocks                       format version 1: no short frames,     version 2
 *                                no carried notes; on flash with units
 *                                of 16, a mark for each settled entry
 *   samples                      a temperature with whole seconds,      any channels, milliseconds, short records
 *                                in a record of its own                 under a base
 *   clock notes                  without a drift                        with it
 *   names known to the broker    pairs of room and id, one line         with prefix and channels, a line each
 *
 * The same in both: session record (0.1 ignores what it does not know), counters, the reason of the last end, settings (0.1
 * keeps rows that it does not know, and reports values that it refuses). Under keys of their own, which 0.1 does not read: long
 * values, the hashes of commands, the record of the update.
 */

/** What may be written now. */
export interface WritableFormats {
  /** Only what firmware 0.1 reads. */
  readonly isOldest: boolean;
}

/** The default: everything may be written. */
export const NEWEST: WritableFormats = Object.freeze({ isOldest: false });

/** Decides which formats may be written, from boot to confirmation. */
export class Formats implements WritableFormats {
  /** Also true while the previous image's format is not known. */
  isOldest: boolean;

  /** `isTrial`: the previous image may run again after the next reset. */
  constructor(isTrial: boolean) {
    this.isOldest = isTrial;
  }

  /** The newest block in flash has the newest format: the previous image reads it. */
  foundNewest(): void {
    this.isOldest = false;
  }

  /** The previous image will not run again. */
  confirm(): void {
    this.isOldest = false;
  }
}
