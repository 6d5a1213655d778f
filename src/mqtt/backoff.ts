/*
 * Back-off: how long the client waits before it connects again.
 * Every failure in a row doubles the step, `firstMs` to `longestMs`; a connection that held ends the row. The wait is drawn from
 * the whole step (full jitter), so that a houseful of thermometers does not meet a rebooted broker at once. A refusal
 * that time does not mend is asked again slowly: its wait is drawn from the upper half of `refusedMs`.
 * Pure: no clock, no timer, no allocation; the client keeps the step.
 * Source: CONNACK return codes, MQTT 3.1.1 §3.2.2.3. The times are ours.
 */
const SERVER_UNAVAILABLE = 3; // §3.2.2.3, table 3.1: the one refusal that time mends

/** Limits, in milliseconds. */
export interface Backoff {
  /** The first step; default 1,000. */
  readonly firstMs: number;
  /** The longest step; default 120,000. */
  readonly longestMs: number;
  /** Up this long: accepted, not just let in and thrown out; default 30,000. */
  readonly steadyMs: number;
  /** The step after a refusal for good (codes 1, 2, 4, 5); default 120,000. */
  readonly refusedMs: number;
}

export const BACKOFF: Backoff = { firstMs: 1_000, longestMs: 120_000, steadyMs: 30_000, refusedMs: 120_000 };

/** How the last attempt ended. `code`: CONNACK return code, 1..5. `upMs`: milliseconds since CONNACK. */
export type Attempt =
  | { readonly kind: "unreachable" }
  | { readonly kind: "refused"; readonly code: number }
  | { readonly kind: "dropped"; readonly upMs: number };

/** The step after `attempt`, in milliseconds. `stepMs` is 0 at boot. */
export function nextStepMs(limits: Backoff, stepMs: number, attempt: Attempt): number {
  switch (attempt.kind) {
    case "unreachable":
      return doubled(limits, stepMs);
    case "dropped":
      return attempt.upMs < limits.steadyMs ? doubled(limits, stepMs) : limits.firstMs;
    case "refused":
      return isForGood(attempt) ? limits.refusedMs : doubled(limits, stepMs);
    default:
      throw new TypeError(`attempt: ${JSON.stringify(attempt satisfies never)}`);
  }
}

/** The wait for a step, in whole milliseconds. `random`: uniform in [0, 1), seeded in simulation. */
export function waitMs(stepMs: number, attempt: Attempt, random: number): number {
  return Math.round(isForGood(attempt) ? (stepMs / 2) * (1 + random) : stepMs * random);
}

function isForGood(attempt: Attempt): boolean {
  return attempt.kind === "refused" && attempt.code !== SERVER_UNAVAILABLE;
}

function doubled(limits: Backoff, stepMs: number): number {
  return Math.min(Math.max(stepMs * 2, limits.firstMs), limits.longestMs);
}
