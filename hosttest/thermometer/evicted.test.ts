/* A full outbox evicts its oldest block: the observer is notified of the evicted numbers, and all readings are accounted for. */
import { expect, test } from "vitest";
import { SimulatedDevice } from "../support/device-board.js";

const MINUTE = 60_000;

test("evicted and arriving readings are exactly those that were taken", () => {
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
