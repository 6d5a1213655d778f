import { expect, test } from "vitest";
import { sampleOf } from "../../support/sample.js";
import { Ledger } from "./ledger.js";

const arrival = (room: number, seq: number) => ({
  topic: `home/room${room}/temperature`,
  payload: JSON.stringify({ value: 21.5, seq }),
  qos: 1,
  retain: false,
  atMs: 0,
});

test("a reading that was acknowledged and not seen is lost, by room and number; one not acknowledged waits; one seen twice is repeated", () => {
  let nowMs = 0;
  const ledger = new Ledger(2, () => nowMs);
  const observers = [ledger.observer(0), ledger.observer(1)];
  for (const observer of observers) for (const seq of [0, 1]) observer.reading?.(sampleOf({ temperature: 21.5 }), seq);
  for (const observer of observers) observer.settled?.(0, "delivered");
  nowMs = 10;
  observers[1].settled?.(1, "delivered");
  expect(ledger.balance([arrival(0, 0), arrival(0, 1), arrival(0, 1), arrival(1, 0)])).toEqual({
    taken: 4,
    settled: 3,
    seen: 3,
    lost: ["room1/1"],
    waiting: 1,
    repeated: 1,
  });
  expect([ledger.servedSince(0), ledger.servedSince(5), ledger.servedSince(11)]).toEqual([2, 1, 0]);
});

test("a dead letter was not acknowledged, and a refused reading was not taken", () => {
  const ledger = new Ledger(1, () => 0);
  const observer = ledger.observer(0);
  observer.reading?.(sampleOf({ temperature: 21.5 }), -1);
  observer.reading?.(sampleOf({ temperature: 21.5 }), 0);
  observer.settled?.(0, "deadLetter");
  expect(ledger.balance([])).toMatchObject({ taken: 1, settled: 0, lost: [], waiting: 1 });
});
