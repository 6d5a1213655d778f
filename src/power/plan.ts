/*
 * The plan of a sleeper: what a wake is for, and when the next one is. Pure: state and time in, duties and times out.
 * Samples lie on a grid, as far apart as `interval` says, whatever the radio does. A report begins at a sample, so that one wake does
 * both. A report that fails is tried again after twice as long each time: a router that is away does not empty the cells.
 * All times are milliseconds of the sleeper's uptime: since power-on, sleep included, by the slow clock.
 */
import type { WakeCause } from "./io.js";

/** What a wake is for, a bit each. */
export const SAMPLE = 1;
/** A wake that sends what waits. */
export const REPORT = 2;
/** A person may be there: the prompt stays. */
export const PROMPT = 4;

/** A timer may fire early by this much: what is due within it is due now. */
export const EARLY_MS = 50;
/** A report is aborted after so long with the radio on, whatever the network does. */
export const MAX_REPORT_MS = 20_000;
/** Between two reports that fail, at most; more only where `report` is more. */
export const MAX_BACK_OFF_MS = 6 * 3_600_000;
/** A sample that is late by less has the time at which it was due. */
const MAX_LATE_MS = 1_000;
/** A shorter sleep is not worth its start. */
export const MIN_SLEEP_MS = 500;

/** What is kept from one wake to the next. */
export interface PlanState {
  nextSampleMs: number;
  nextReportMs: number;
  /** Reports that failed, in a row. */
  failedReports: number;
  /** Samples that were due and not taken, since power-on. */
  missed: number;
}

/** As set. */
export interface Rhythm {
  readonly intervalMs: number;
  /** From one report to the next. */
  readonly reportMs: number;
}

/**
 * What to do now, at a start for `cause`. 0: nothing, the timer was early. A report without a sample: the sample was taken, and has
 * moved so far that it is reported at once.
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

/**
 * The time that a sample taken now has: of its place on the grid, if it is taken about then. Samples are evenly spaced so, whatever a
 * start takes, and evenly spaced ones take the least flash.
 */
export function sampleMs(state: PlanState, nowMs: number): number {
  const lateMs = nowMs - state.nextSampleMs;
  return lateMs >= -EARLY_MS && lateMs < MAX_LATE_MS ? state.nextSampleMs : nowMs;
}

/** A sample was taken, or could not be: the next one is due at the next place of the grid. Those that time has passed are missed. */
export function sampled(state: PlanState, { intervalMs }: Rhythm, nowMs: number): void {
  const passed = Math.max(0, Math.floor((nowMs + EARLY_MS - state.nextSampleMs) / intervalMs));
  state.missed += passed;
  state.nextSampleMs += (passed + 1) * intervalMs;
}

/** A report has ended. `isDelivered`: nothing is left to send. Call after `sampled`. */
export function reported(state: PlanState, { intervalMs, reportMs }: Rhythm, isDelivered: boolean): void {
  state.failedReports = isDelivered ? 0 : state.failedReports + 1;
  const longestMs = Math.max(reportMs, MAX_BACK_OFF_MS);
  // A first failure is tried again after the usual time: 1, 2, 4 times that.
  const waitMs = Math.min(reportMs * 2 ** Math.max(0, state.failedReports - 1), longestMs);
  state.nextReportMs = state.nextSampleMs + (Math.max(1, Math.round(waitMs / intervalMs)) - 1) * intervalMs;
}

/** How long to sleep now, until the next sample; 0: it is too near. */
export function sleepMs(state: PlanState, nowMs: number): number {
  const ms = Math.ceil(state.nextSampleMs - nowMs);
  return ms >= MIN_SLEEP_MS ? ms : 0;
}
