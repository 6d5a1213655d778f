/*
 * One-shot timers for simulated parts. Types only. Parts do not import src/, so the shape is declared here again.
 */

/** The result of `Timers.set`. Opaque. */
export type TimerId = object | number;

export interface Timers {
  set(callback: () => void, delayMs: number): TimerId;
  clear(id: TimerId): void;
}
