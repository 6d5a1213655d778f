/*
 * How long sending waits for the clock to be set, after the link is up. What is sent before has no time for ever. Most readings are
 * some seconds old then; those of a device that was without a network for hours have waited so long that they can wait some
 * minutes more, which a router needs to reach a time server.
 */

/** The shortest wait, in milliseconds. */
export const CLOCK_PATIENCE_MS = 30_000;
/** The longest wait, in milliseconds. */
export const MAX_CLOCK_PATIENCE_MS = 10 * 60_000;

/** The wait in milliseconds: a tenth of `uptimeMs`, the milliseconds since boot, within these limits. A long one is logged. */
export function clockPatienceMs(uptimeMs: number, log: (line: string) => void): number {
  const ms = Math.min(Math.max(uptimeMs / 10, CLOCK_PATIENCE_MS), MAX_CLOCK_PATIENCE_MS);
  if (ms >= 60_000) log(`readings wait for the time, for at most ${Math.round(ms / 60_000)} min`);
  return ms;
}
