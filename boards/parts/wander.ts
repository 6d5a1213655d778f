/*
 * The temperature of a lived-in room: a daily rise and fall, and slow random changes on top of it, as caused by doors,
 * sun and people. With the same random numbers, and calls at the same times, it is the same. Reads only the given clock.
 */

const DAY_MS = 86_400_000;
const HALF_SWING = 1.5; // °C, night to afternoon
const RETURN_MS = 20 * 60_000; // in this time a disturbance decays to 1/e
const DISTURBANCE = 0.4; // °C, typical

export interface WanderOptions {
  readonly uptimeMs: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** The day's mean, °C. Default 21. */
  readonly mean?: number;
}

/** A source for the `celsius` of a simulated sensor. */
export function wander({ uptimeMs, random, mean = 21 }: WanderOptions): () => number {
  let lastMs = uptimeMs();
  let away = (random() - 0.5) * DISTURBANCE;
  return () => {
    const nowMs = uptimeMs();
    // An Ornstein-Uhlenbeck process: exact for a step of any length, so that the frequency of calls does not matter.
    const kept = Math.exp((lastMs - nowMs) / RETURN_MS);
    away = away * kept + DISTURBANCE * Math.sqrt(1 - kept * kept) * normal(random);
    lastMs = nowMs;
    return mean + HALF_SWING * Math.sin((2 * Math.PI * nowMs) / DAY_MS) + away;
  };
}

/** Close to a normal distribution, but bounded: the sum of twelve uniform numbers. */
function normal(random: () => number): number {
  let sum = -6;
  for (let n = 0; n < 12; n++) sum += random();
  return sum;
}
