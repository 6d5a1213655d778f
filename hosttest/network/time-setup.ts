import { NTPServer } from "../../boards/parts/ntp.js";
import { TimeSync, type TimeSyncOptions } from "../../src/network/time-sync.js";
import { VirtualTime } from "../support/virtual-time.js";

export const BOOT_MS = Date.UTC(2026, 5, 17, 9, 12);
export const HOUR_MS = 3_600_000;
export const ONE = "time.example";
export const TWO = "a.example,b.example";
export const THREE = "a.example,b.example,c.example";

/** A device and its servers; `trueBootMs` is when the device booted. */
export function setup(hosts = TWO, trueBootMs = BOOT_MS, options: Partial<TimeSyncOptions> = {}) {
  const time = new VirtualTime();
  const ntp = new NTPServer({ timers: time.timers, utcMs: () => trueBootMs + time.nowMs });
  const set: { readonly utcMs: number; readonly wrongByMs: number }[] = [];
  const log: string[] = [];
  const sync = new TimeSync({
    ntp,
    hosts,
    timers: time.timers,
    random: () => 0.5,
    uptimeMs: time.clock.uptimeMs,
    setUtc: (utcMs) => set.push({ utcMs, wrongByMs: utcMs - trueBootMs - time.nowMs }),
    onSynced: (_utcMs, movedMs) => log.push(`synced, moved by ${movedMs}`),
    onProblem: (text) => log.push(text),
    ...options,
  });
  return { time, ntp, set, log, sync };
}

/** Times between consecutive questions to the same server. */
export function gapsMs({ questions }: NTPServer): number[] {
  return questions.flatMap(({ atMs, host }, i) => {
    const next = questions.slice(i + 1).find((later) => later.host === host);
    return next === undefined ? [] : [next.atMs - atMs];
  });
}
