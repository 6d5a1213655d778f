/*
 * What is reported of entries that the server refuses: for each entry its own reason code, whatever else was refused meanwhile, and nothing
 * that the server has not said.
 */
import { expect, test } from "vitest";
import type { Refusal } from "../../../src/mqtt/client.js";
import { Broker5 } from "../../../src/mqtt/v5/broker5.js";
import { RefusingServer } from "../support/refusing-server.js";
import { Setup } from "../support/setup.js";

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const NOT_ALLOWED = 0x87;
const TOO_LARGE = 0x95;
const NOT_VALID = 0x99;

function start(codes: Readonly<Record<string, number>> = {}) {
  const deadLetters: string[] = [];
  const setup = new Setup({
    version5: Broker5,
    onSettled: (sequence, outcome, by, code) => {
      if (outcome === "deadLetter") deadLetters.push(`${sequence} ${by} 0x${code?.toString(16)}`);
    },
  });
  return { setup, deadLetters, server: new RefusingServer(setup, (payload) => codes[payload] ?? 0) };
}

test("an entry becomes a dead letter when another one is accepted, after a third was refused by a different code: its own is reported", () => {
  const { setup, deadLetters, server } = start();
  server.code = (payload) => (payload === "m1" ? NOT_ALLOWED : payload.endsWith("5") ? TOO_LARGE : 0);
  for (let n = 0; n < 300; n++) {
    setup.publish(`m${n}`);
    server.run(MINUTE_MS, SECOND_MS);
  }
  expect(deadLetters).toContain("1 refused 0x87");
  expect(deadLetters).toContain("5 refused 0x95");
  expect(deadLetters.filter((line) => !line.match(/^(1 refused 0x87|\d*5 refused 0x95)$/))).toEqual([]);
});

test("several entries are held back: the oldest is reported, with its code and not that of the latest", () => {
  const { setup, server } = start({ m1: NOT_ALLOWED, m9: NOT_VALID });
  for (let n = 0; n < 9; n++) setup.publish(`m${n}`);
  server.run(SECOND_MS);
  setup.publish("m9");
  setup.publish("m10");
  server.run(SECOND_MS);
  expect(setup.client.status().lastReason?.code, "the latest").toBe(NOT_VALID);
  expect(setup.client.status().refusal).toMatchObject({ scope: "some", sequence: 1, code: NOT_ALLOWED });
  expect(setup.client.status().refusal?.text).toContain("not authorised");
});

test("after a sleep nothing is reported of an entry held back until the server has refused it again", () => {
  const { setup, server } = start({ m1: NOT_ALLOWED });
  for (let n = 0; n < 9; n++) setup.publish(`m${n}`);
  server.run(SECOND_MS);
  const { learned } = setup.client;
  expect(learned).not.toEqual([]);

  const refusals: (Refusal | undefined)[] = [];
  const next = new Setup({ version5: Broker5, learned, onRefusal: (refusal) => refusals.push(refusal) }, setup);
  const again = new RefusingServer(next, (payload) => (payload === "m1" ? NOT_ALLOWED : 0));
  again.run(SECOND_MS);
  expect(refusals).toMatchObject([{ scope: "some", sequence: 1, code: NOT_ALLOWED }]);
});
