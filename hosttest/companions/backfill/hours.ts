/*
 * Hours of a channel as Home Assistant stores them: mean, minimum, maximum. Pure functions.
 * As in its recorder, a value holds until the next one, so that the mean is weighted by time. Unlike there, no value holds longer than
 * MAX_HOLD_MS: a device that was off measured nothing. An hour without a sample is left out.
 * Source: Home Assistant, components/sensor/recorder.py (_time_weighted_arithmetic_mean), 2026.11.
 */

export const HOUR_MS = 3_600_000;
/** Longer than any useful heartbeat, and than any unnoticed outage of a sensor. */
export const MAX_HOLD_MS = HOUR_MS;

export interface Value {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly value: number;
}

export interface HourStatistics {
  readonly mean: number;
  readonly min: number;
  readonly max: number;
}

/** Start of the hour that contains a moment, milliseconds since 1970. */
export function hourOf(atMs: number): number {
  return Math.floor(atMs / HOUR_MS) * HOUR_MS;
}

/**
 * `values`: all values in the hour and in MAX_HOLD_MS before it, by time.
 * @returns undefined if no value is in the hour
 */
export function hourStatistics(values: readonly Value[], startMs: number): HourStatistics | undefined {
  const endMs = startMs + HOUR_MS;
  if (!values.some(({ atMs }) => atMs >= startMs && atMs < endMs)) return undefined;
  let weighted = 0;
  let durationMs = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const [index, { atMs, value }] of values.entries()) {
    const nextMs = values[index + 1]?.atMs ?? endMs;
    const from = Math.max(atMs, startMs);
    const to = Math.min(nextMs, endMs, atMs + MAX_HOLD_MS);
    const isOwn = atMs >= startMs && atMs < endMs;
    if (to <= from && !isOwn) continue;
    weighted += value * Math.max(0, to - from);
    durationMs += Math.max(0, to - from);
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  const mean = durationMs > 0 ? weighted / durationMs : (min + max) / 2; // all in the hour's last millisecond
  return { mean: Math.min(max, Math.max(min, mean)), min, max };
}
