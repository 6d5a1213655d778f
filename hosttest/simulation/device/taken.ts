/*
 * Checks a reading that a simulated device has taken against the true value, and enters it in the ledger.
 */
import type { VirtualTime } from "../../support/virtual-time.js";
import type { Ledger, Violation } from "../ledger.js";
import { humidity, temperature, trueUtcMs } from "../truth.js";

/** The device at this moment. */
export interface Taker {
  readonly index: number;
  readonly time: VirtualTime;
  readonly ledger: Ledger;
  readonly sensor: "tmp117" | "sht3x" | "sht3x, each";
  readonly room: string;
  readonly qos: 1 | 2;
  /** The clock state that dates the sample. */
  readonly clock: { readonly clockRight: boolean };
  report(violation: Violation): void;
}

/** Enters a reading of `celsius` under its sequence number or, if each channel is an entry, under the numbers from there on. */
export function enter(sequence: number, celsius: number, taker: Taker): void {
  const { index, time, ledger, sensor, room, qos, clock, report } = taker;
  const truly = temperature(time.nowMs);
  if (Math.abs(celsius - truly) > 0.1)
    report({ kind: "wrongValue", device: index, atMs: time.nowMs, text: `${sequence}: read ${celsius}, is ${truly}` });
  const truth = { utcMs: trueUtcMs(time.nowMs), clock, room, qos };
  const percent = humidity(time.nowMs);
  const isBoth = sensor === "sht3x";
  ledger.append(sequence, { ...truth, channel: "temperature", value: celsius, humidity: isBoth ? percent : undefined });
  if (sensor === "sht3x, each") ledger.append(sequence + 1, { ...truth, channel: "humidity", value: percent });
}
