/* A change that a sleeper reports at once (`report.change`), whichever kind of wake has measured it. */
import type { Sample } from "../../channels/sample.js";
import type { WakeRecord } from "../../power/record.js";

/**
 * Whether a value of `sample` has changed so much since the last report that it has to be reported at once. If so, a report is due now, and
 * further changes are compared with these values. While reports fail, it waits for the next regular one.
 */
export function takeNews(record: WakeRecord, { mask, values }: Sample, nowMs: number): boolean {
  if (record.failedReports > 0 || !record.isWatched) return false;
  const hasMoved = values.some((value, channel) => (mask >> channel) & 1 && record.hasMoved(channel, value));
  if (hasMoved) {
    record.nextReportMs = nowMs;
    values.forEach((value, channel) => (mask >> channel) & 1 && record.report(channel, value));
  }
  return hasMoved;
}
