/* An outbox that is full evicts its oldest block: whoever watches hears which numbers went, and the account is whole. */
import { expect, test } from "vitest";
import { SimulatedDevice } from "../support/device-board.js";

const MINUTE = 60_000;

test("what was evicted and what arrives is what was taken", () => {
  const one = new SimulatedDevice({ blocks: 4, defaults: { interval: "1" } });
  const { house } = one;
  one.powerOn();
  house.time.advance(MINUTE);
  const gone: number[] = [];
  one.firmware.board.observer!.evicted = (first, end) => {
    for (let sequence = first; sequence < end; sequence++) gone.push(sequence);
  };
  house.broker.stop("kept");
  house.time.advance(60 * MINUTE);
  expect(gone.length).toBeGreaterThan(100);
  one.firmware.stopSampling();
  house.broker.start();
  house.time.runUntil(() => one.firmware.unsettled === 0, 30 * MINUTE);
  expect(new Set([...house.sequences(), ...gone])).toEqual(new Set(one.taken));
});
