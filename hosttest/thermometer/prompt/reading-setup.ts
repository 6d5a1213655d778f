/*
 * A device on virtual time, for the tests of readings and of trouble.
 */
import { expect } from "vitest";
import { SimulatedDevice } from "../../support/device-board.js";
import { START_UTC_MS } from "../../support/house.js";

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;

export function device(options: ConstructorParameters<typeof SimulatedDevice>[0] = {}) {
  const one = new SimulatedDevice(options);
  const { house } = one;
  return { one, house, time: house.time };
}

export const range = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);

/** Expects that `ts` is `afterMs` after the simulation's start. The time server has whole seconds, and answers late. */
export function expectTime(ts: string | undefined, afterMs: number, lateMs = 1.5 * SECOND): void {
  const saysMs = Date.parse(ts ?? "") - START_UTC_MS;
  expect(saysMs).toBeGreaterThan(afterMs - lateMs);
  expect(saysMs).toBeLessThanOrEqual(afterMs);
}
