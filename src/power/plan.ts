/*
 * The plan of a sleeper: the duties of a wake, and the time of the next one. Pure: state and time in, duties and times out.
 * Samples are taken at regular times, `interval` apart, whatever the radio does. A report begins at a sample, so that one wake
 * does both. A failed report is tried again at growing intervals, twice as long each time, so that a router that is away does
 * not drain the battery. All times are milliseconds of the sleeper's uptime: since power-on, sleep included, by the slow clock.
 */
import type { WakeCause } from "./io.js";

/** The duties of a wake, one bit each. */
export const SAMPLE = 1;
/** Send what waits. */
export const REPORT = 2;
/** Somebody may be at the prompt: it stays. */
export const PROMPT = 4;

/** A timer may fire early by this much, in milliseconds: what is due within it is done now. */
export const EARLY_MS = 50;
/** Longest time of a report with the radio on, in milliseconds; then it is aborted. */
export const MAX_REPORT_MS = 20_000;
/** Longest time between two failed reports, in milliseconds; longer only if `report` is. */
export const MAX_BACK_OFF_MS = 6 * 3_600_000;
/**
 * Shortest time from a report that sent only a part, because the link is slow or the queue long, to the next one, in
 * milliseconds: the radio is on for a fifteenth of the time at most. Shorter only if `report` is.
 */
export const CATCH_UP_MS = 5 * 60_000;
/** A sample less late than this gets the time at which it was due. */
const MAX_LATE_MS = 1_000;
/** A shorter sleep would cost more than it saves. */
export const MIN_SLEEP_MS = 500;

/** The state that is kept from one wake to the next. */
export interface PlanState {
  nextSampleMs: number;
  nextReportMs: number;
  /** Reports that failed, in a row. */
  failedReports: number;
  /** Samples that were due and not taken, since power-on. */
  missed: number;
}

/** From the settings. */
export interface Rhythm {
  readonly intervalMs: number;
  /** From one report to the next. */
  readonly reportMs: number;
}

/**
 * The cause of a start without a record, for `dutiesAt`. After a dip of the voltage the radio rests for CATCH_UP_MS, and no person is expected
 * at the prompt: cells that are nearly empty would not survive the next start of the radio, either, and the device would do nothing
 * else until they are empty. `resetCause`: why the board says it was reset.
 */
export function startCause(state: PlanState, resetCause: string | undefined): WakeCause {
  if (resetCause !== "brownout") return "reset";
  state.nextReportMs = CATCH_UP_MS;
  state.failedReports = 1; // so that no change is reported before
  return "other";
}

/**
 * The duties of a start for `cause`. 0: none, the timer was early. A report without a sample: the sample was already taken, and
 * its change has to be reported at once.
 */
export function dutiesAt(state: PlanState, cause: WakeCause, nowMs: number): number {
  const soonMs = nowMs + EARLY_MS;
  const sample = soonMs >= state.nextSampleMs ? SAMPLE : 0;
  switch (cause) {
    case "reset":
      return SAMPLE | REPORT | PROMPT;
    case "button":
      return sample | REPORT | PROMPT;
    case "timer":
    case "other":
      return sample | (soonMs >= state.nextReportMs ? REPORT : 0);
    default:
      throw new TypeError(`cause: ${cause satisfies never}`);
  }
}

/** The time for a sample that is taken now: its regular time, if it is taken about then. Evenly spaced times need the least flash. */
export function sampleMs(state: PlanState, nowMs: number): number {
  const lateMs = nowMs - state.nextSampleMs;
  return lateMs >= -EARLY_MS && lateMs < MAX_LATE_MS ? state.nextSampleMs : nowMs;
}

/** A sample was taken, or failed: the next one is due at the next regular time. Regular times already past are counted as missed. */
export function sampled(state: PlanState, { intervalMs }: Rhythm, nowMs: number): void {
  const passed = Math.max(0, Math.floor((nowMs + EARLY_MS - state.nextSampleMs) / intervalMs));
  state.missed += passed;
  state.nextSampleMs += (passed + 1) * intervalMs;
}

/**
 * How a report ended. "cutShort": it was aborted while acknowledgements came; if the next one came no earlier than usual, the
 * queue might grow for ever. "done": everything, or what can be, was sent.
 */
export type ReportEnd = "done" | "cutShort" | "failed";

/** A report has ended. Call it after `sampled`. */
export function reported(state: PlanState, { intervalMs, reportMs }: Rhythm, end: ReportEnd): void {
  state.failedReports = end === "failed" ? state.failedReports + 1 : 0;
  const usualMs = Math.max(reportMs, intervalMs); // `report` 0: at each sample
  const longestMs = end === "cutShort" ? CATCH_UP_MS : Math.max(usualMs, MAX_BACK_OFF_MS);
  // The first failure is tried again after the usual time, then after 2 and 4 times that.
  const waitMs = Math.min(usualMs * 2 ** Math.max(0, state.failedReports - 1), longestMs);
  state.nextReportMs = state.nextSampleMs + (Math.max(1, Math.round(waitMs / intervalMs)) - 1) * intervalMs;
}

/** How long to sleep until the next sample; 0: it is too near. */
export function sleepMs(state: PlanState, nowMs: number): number {
  const ms = Math.ceil(state.nextSampleMs - nowMs);
  return ms >= MIN_SLEEP_MS ? ms : 0;
}
