/*
 * How long sending waits for the clock to be set, after the link is up: a reading that is sent before never gets a time. Usually the
 * readings are some seconds old by then. After hours without a network they can wait some minutes more, which a router may need
 * until a time server can be reached.
 */

/** The shortest wait, in milliseconds. */
export const CLOCK_PATIENCE_MS = 30_000;
/** The longest wait, in milliseconds. */
export const MAX_CLOCK_PATIENCE_MS = 10 * 60_000;

/** The wait in milliseconds: a tenth of the time since boot, within these limits. A wait of a minute or more is logged. */
export function clockPatienceMs(uptimeMs: number, log: (line: string) => void): number {
  const ms = Math.min(Math.max(uptimeMs / 10, CLOCK_PATIENCE_MS), MAX_CLOCK_PATIENCE_MS);
  if (ms >= 60_000) log(`readings wait for the time, for at most ${Math.round(ms / 60_000)} min`);
  return ms;
}
