/*
 * Checks a reading that a simulated device has taken against the true value, and enters it in the ledger.
 */
import type { VirtualTime } from "../../support/virtual-time.js";
import type { Ledger, Violation } from "../ledger.js";
import { humidity, temperature, trueUtcMs } from "../truth.js";

export interface Taker {
  readonly index: number;
  readonly time: VirtualTime;
  readonly sensor: "tmp117" | "sht3x" | "sht3x, each";
  report(violation: Violation): void;
}

/** The device at this moment. */
export interface Moment {
  readonly ledger: Ledger;
  readonly room: string;
  readonly qos: 1 | 2;
  /** The clock state that dates the sample. */
  readonly clock: { readonly clockRight: boolean };
}

/** Enters a reading of `celsius` under its sequence number or, if each channel is an entry, under the numbers from there on. */
export function enter(sequence: number, celsius: number, taker: Taker, moment: Moment): void {
  const { index, time, sensor } = taker;
  const { ledger, room, qos, clock } = moment;
  const truly = temperature(time.nowMs);
  if (Math.abs(celsius - truly) > 0.1)
    taker.report({
      kind: "wrongValue",
      device: index,
      atMs: time.nowMs,
      text: `${sequence}: read ${celsius}, is ${truly}`,
    });
  const truth = { utcMs: trueUtcMs(time.nowMs), clock, room, qos };
  const percent = humidity(time.nowMs);
  const isBoth = sensor === "sht3x";
  ledger.append(sequence, { ...truth, channel: "temperature", value: celsius, humidity: isBoth ? percent : undefined });
  if (sensor === "sht3x, each") ledger.append(sequence + 1, { ...truth, channel: "humidity", value: percent });
}
