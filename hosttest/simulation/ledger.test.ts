import { expect, test } from "vitest";
import { Ledger, type Violation } from "./ledger.js";

const QUOTA_EXCEEDED = 0x97;
const PAYLOAD_INVALID = 0x99;

/** A ledger of readings 0 to 2, all of them appended. */
function ledgerOfThree() {
  const violations: string[] = [];
  const ledger = new Ledger(0, false, ({ kind }: Pick<Violation, "kind">) => violations.push(kind));
  const truth = {
    utcMs: 0,
    room: "den",
    channel: "temperature",
    value: 20,
    qos: 1,
    clock: { clockRight: true },
  } as const;
  for (let seq = 0; seq < 3; seq++) ledger.append(seq, truth);
  const arrives = (seq: number): void => {
    const payload = JSON.stringify({ value: 20, seq });
    ledger.forward(
      { client: "device", topic: "home/den/temperature", payload, qos: 1, retain: false, properties: {} },
      false,
    );
  };
  return { ledger, arrives, violations };
}

test("a reading that arrives after a later one is out of order", () => {
  const { arrives, violations } = ledgerOfThree();
  for (const seq of [0, 2, 1]) arrives(seq);
  expect(violations).toEqual(["disordered"]);
});

test.each([
  ["for now", QUOTA_EXCEEDED],
  ["for good, with an answer that was lost", PAYLOAD_INVALID],
])("a reading that the broker refused %s may come later", (_, reason) => {
  const { ledger, arrives, violations } = ledgerOfThree();
  arrives(0);
  ledger.refuse(1, reason);
  arrives(2);
  arrives(1);
  expect(violations).toEqual([]);
});

test("a dead letter is correct only for a reading that the broker refused permanently", () => {
  const { ledger, violations } = ledgerOfThree();
  ledger.refuse(0, PAYLOAD_INVALID);
  ledger.settle(0, "deadLetter");
  expect(violations).toEqual([]);
  ledger.refuse(1, QUOTA_EXCEEDED);
  ledger.settle(1, "deadLetter");
  expect(violations).toEqual(["lost"]);
});

test("the same number for two readings is a violation", () => {
  const { ledger, violations } = ledgerOfThree();
  const truth = {
    utcMs: 0,
    room: "den",
    channel: "temperature",
    value: 21,
    qos: 1,
    clock: { clockRight: true },
  } as const;
  ledger.append(3, truth);
  expect(violations).toEqual([]);
  ledger.append(3, truth);
  expect(violations).toEqual(["reused"]);
});
