/*
 * One-shot timers, as simulated parts take them. Types only. A part knows nothing of src/, so the shape is declared here again.
 */

/** What `Timers.set` returns. Opaque. */
export type TimerId = object | number;

export interface Timers {
  set(callback: () => void, delayMs: number): TimerId;
  clear(id: TimerId): void;
}
