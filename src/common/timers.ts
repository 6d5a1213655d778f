/*
 * One-shot timers, as a board gives them and every folder takes them. Types only, not linked.
 * src/mqtt and src/console declare the same shape themselves: each is a library that imports nothing of the product, and its
 * declaration is part of its interface. They fit this one by shape; a third copy fails hosttest/architecture/homes.test.ts.
 * Source: Moddable's `timer` module.
 */

/** What `Timers.set` returns. Opaque. */
export type TimerId = object | number;

/** One-shot timers. Delays in milliseconds, of any length. */
export interface Timers {
  /** Calls `callback` once, `delayMs` milliseconds from now. */
  set(callback: () => void, delayMs: number): TimerId;
  clear(id: TimerId): void;
}
