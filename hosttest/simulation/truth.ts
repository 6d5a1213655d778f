/*
 * True time and values of a simulation, as functions of its virtual time in milliseconds.
 */
const BEGINS_MS = Date.UTC(2026, 5, 1);

/** The true wall clock. */
export function trueUtcMs(nowMs: number): number {
  return BEGINS_MS + nowMs;
}

/** Its relative humidity, percent. */
export function humidity(nowMs: number): number {
  return 50 - 20 * Math.sin(nowMs / 13_750_987) + Math.sin(nowMs / 900_000);
}

/** The room's temperature, °C: a day's swing, and a faster one on top. */
export function temperature(nowMs: number): number {
  return 21 + 4 * Math.sin(nowMs / 13_750_987) + 0.5 * Math.sin(nowMs / 600_000);
}
