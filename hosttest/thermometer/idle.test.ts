/* Flash is erased when a reading is stored and being sent, not when the next one needs the block. */
import { expect, test } from "vitest";
import { SimulatedDevice } from "../support/device-board.js";

const SECOND = 1000;

test("no reading waits for an erase: blocks are erased ahead, after the reading before", () => {
  const one = new SimulatedDevice({ defaults: { interval: "1" } });
  one.powerOn();
  one.house.time.advance(10 * SECOND);
  const { outbox } = one.firmware;
  if (outbox === undefined) throw new Error("no outbox");
  const { flash } = one;
  const erases = { waitedFor: 0, ahead: 0 };
  let isAppending = false;
  const append = outbox.append.bind(outbox);
  outbox.append = (payload, qos) => {
    isAppending = true;
    const sequence = append(payload, qos);
    isAppending = false;
    return sequence;
  };
  const erase = flash.eraseBlock.bind(flash);
  flash.eraseBlock = (first, end) => {
    erases[isAppending ? "waitedFor" : "ahead"]++;
    erase(first, end);
  };
  one.house.time.advance(2_500 * SECOND);
  expect(erases.ahead).toBeGreaterThan(3);
  expect(erases.waitedFor).toBe(0);
});
