/*
 * Many entries at the front are never accepted, and more than the client remembers: the others are found all the same, however few may be in
 * flight at once.
 */
import { expect, test } from "vitest";
import { MemoryStore } from "../../../src/mqtt/delivery/store.js";
import { Broker5 } from "../../../src/mqtt/v5/broker5.js";
import { RefusingServer } from "../support/refusing-server.js";
import { Setup } from "../support/setup.js";

const STEP_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const NOT_ALLOWED = 0x87;
const NOT_VALID = 0x99;

function start(window: number, code: (entry: number) => number, receiveMaximum = 20) {
  const setup = new Setup({ version5: Broker5, window }, { store: new MemoryStore(1_000) });
  const server = new RefusingServer(setup, (payload) => code(Number(payload.slice(1))));
  server.limits = { receiveMaximum };
  let next = 0;
  const publish = (count: number) => {
    for (let n = 0; n < count; n++) setup.publish(`m${next++}`);
  };
  return { server, publish };
}

test.each([
  [1, 20, 8],
  [8, 1, 8],
  [1, 20, 31],
  [2, 20, 60],
  [8, 20, 60],
  [8, 20, 250],
])(
  "window %i, Receive Maximum %i: the first %i are not allowed, the one behind is",
  (window, receiveMaximum, count) => {
    const { server, publish } = start(window, (entry) => (entry < count ? NOT_ALLOWED : 0), receiveMaximum);
    publish(count + 1);
    server.run(40 * HOUR_MS, STEP_MS);
    expect(server.taken).toEqual([`m${count}`]);
  },
);

test.each([
  [8, NOT_ALLOWED],
  [8, NOT_VALID],
  [1, NOT_ALLOWED],
])("window %i: every second one is never accepted (%i), and for an hour none is: the others arrive", (window, code) => {
  let isRefusingAll = false;
  const { server, publish } = start(window, (entry) => (entry % 2 ? code : isRefusingAll ? NOT_ALLOWED : 0));
  publish(70);
  server.run(2 * MINUTE_MS, STEP_MS);
  isRefusingAll = true;
  for (let n = 0; n < 60; n++) {
    publish(1);
    server.run(MINUTE_MS, STEP_MS);
  }
  isRefusingAll = false;
  server.run(10 * HOUR_MS, STEP_MS);
  for (let n = 0; n < 32; n++) {
    publish(2);
    server.run(HOUR_MS / 2, STEP_MS);
  }
  const taken = new Set(server.taken);
  const missing = Array.from({ length: 65 }, (_, n) => `m${2 * n}`).filter((payload) => !taken.has(payload));
  expect(missing).toEqual([]);
});

test("one of those that are not remembered is allowed after all have been tried: it is tried again", () => {
  let allowed = -1;
  const { server, publish } = start(8, (entry) => (entry === allowed ? 0 : NOT_ALLOWED));
  publish(45);
  server.run(20 * HOUR_MS, STEP_MS);
  allowed = 36;
  server.run(20 * HOUR_MS, STEP_MS);
  expect(server.taken).toEqual(["m36"]);
});
