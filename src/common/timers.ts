/*
 * One-shot timers, as a board supplies them to every folder. Types only, not linked. src/mqtt and src/console declare the same
 * shape themselves, because each is a library without imports from the product, and the declaration is part of its interface.
 * The shapes are compatible; a third copy fails hosttest/architecture/homes.test.ts.
 * Source: Moddable's `timer` module.
 */

/** The result of `Timers.set`. Opaque. */
export type TimerId = object | number;

/** One-shot timers. Delays in milliseconds, of any length. */
export interface Timers {
  /** Calls `callback` once, `delayMs` milliseconds from now. */
  set(callback: () => void, delayMs: number): TimerId;
  clear(id: TimerId): void;
}
