/* The samples of the recorded dialogue with Home Assistant: three hours of one room, a value every ten minutes. */
import type { SampleMessage } from "../../message.js";
import { HOUR_MS } from "../hours.js";

export const ROOM = "attic";
export const FIRST_HOUR = Date.UTC(2026, 10, 28, 2);
export const HOURS = 3;
/** A moment at which all hours are due. */
export const NOW = Date.UTC(2026, 10, 28, 16);

export function recordedSamples(): SampleMessage[] {
  return Array.from({ length: HOURS * 6 }, (_one, seq) => ({
    kind: "sample",
    room: ROOM,
    topicChannel: "temperature",
    values: { temperature: 18 + (seq % 5) / 4, humidity: 40 + seq, pressure: 1000 + seq / 2 },
    tsMs: FIRST_HOUR + (seq * HOUR_MS) / 6,
    seq,
  }));
}
