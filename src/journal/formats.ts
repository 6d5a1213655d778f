/*
 * Which formats may be written: the one place that decides. An image on trial writes what the image before it reads, since that may be back
 * after the next reset; from its confirmation on, it writes all that it knows. What the image before it reads is what it wrote: the
 * format version of the newest block in the outbox says which that is.
 *
 *   what                         the oldest, firmware 0.1's             the newest
 *   blocks                       format version 1: no short frames,     version 2
 *                                no carried notes, in units of 16 a
 *                                mark for each settled entry
 *   samples                      a temperature with whole seconds,      any channels, milliseconds, short records
 *                                in a record of its own                 under a base
 *   clock notes                  without a drift                        with it
 *   names known to the broker    pairs of room and id, one line         with prefix and channels, a line each
 *
 * The same in both: session record (0.1 passes over what it does not know), counters, last words, settings (0.1 keeps rows
 * that it does not know, and says which values it does not take). Under keys of their own, which 0.1 does not read: long values, the
 * hashes of commands, the record of the update.
 */

/** What may be written now. */
export interface WritableFormats {
  /** Nothing but what firmware 0.1 reads. */
  readonly isOldest: boolean;
}

/** What may be written by default. */
export const NEWEST: WritableFormats = Object.freeze({ isOldest: false });

/** Decides from boot to confirmation. */
export class Formats implements WritableFormats {
  /** Also while it is not known what the image before this one wrote. */
  isOldest: boolean;

  /** `isTrial`: another image may be back after the next reset. */
  constructor(isTrial: boolean) {
    this.isOldest = isTrial;
  }

  /** The newest block in flash is of the newest format: the image before this one reads that. */
  foundNewest(): void {
    this.isOldest = false;
  }

  /** No image before this one comes back. */
  confirm(): void {
    this.isOldest = false;
  }
}
