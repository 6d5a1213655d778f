/*
 * A server that is nearly full accepts one entry of many, and postpones the others: none becomes a dead letter. If it postpones the same
 * entries again and again and accepts all others, the former do not stop the latter for ever.
 */
import { describe, expect, test } from "vitest";
import { generator } from "../../../boards/parts/flash/nor-flash.js";
import { MemoryStore } from "../../../src/mqtt/delivery/store.js";
import { Broker5 } from "../../../src/mqtt/v5/broker5.js";
import { RefusingServer } from "../support/refusing-server.js";
import { Setup } from "../support/setup.js";

const MINUTE_MS = 60_000;
const STEP_MS = 1_000;
const HOURS = 60; // in minutes
const DAY = 24 * HOURS;
const NOT_ALLOWED = 0x87;
const LATER = 0x97;

/**
 * A device that publishes entries, m0 onwards, and a server that answers by `code`. A device that sleeps has a new client each hour, which
 * knows what the last one has learned.
 */
function start(code: (entry: number) => number, sleeps: boolean, window: number) {
  let setup = new Setup({ version5: Broker5, window }, { store: new MemoryStore(2_000) });
  let server = new RefusingServer(setup, (payload) => code(Number(payload.slice(1))));
  const { store, time } = setup;
  const lost: string[] = [];
  const taken: string[] = [];
  let published = 0;
  const end = () => {
    lost.push(...setup.settled.filter((line) => line.endsWith("deadLetter")));
    taken.push(...server.taken);
  };
  const sleep = () => {
    setup.client.close();
    end();
    setup = new Setup({ version5: Broker5, window, learned: setup.client.learned }, { store, time });
    server = Object.assign(new RefusingServer(setup, server.code), { hasSession: true });
  };
  return {
    store,
    /** Publishes `count` entries, one in `everyMs` milliseconds. */
    publish(count: number, everyMs = MINUTE_MS) {
      for (const last = published + count; published < last; published++) {
        setup.publish(`m${published}`);
        server.run(everyMs, STEP_MS);
        if (sleeps && published % HOURS === 0) sleep();
      }
    },
    /** The number of PUBLISHes in the busiest of `minutes` minutes without new entries. */
    busiestMinute(minutes: number): number {
      const counts = Array.from({ length: minutes }, () => {
        const { length } = server.came;
        server.run(MINUTE_MS, STEP_MS);
        return server.came.length - length;
      });
      return Math.max(...counts);
    },
    /** The numbers of dead letters and of the entries that the server took. */
    finish() {
      end();
      return { lost: lost.length, taken: new Set(taken).size };
    },
  };
}

describe.each([
  ["always on", false, 8],
  ["always on, one entry at a time", false, 1],
  ["with a report each hour", true, 8],
])("%s", (_, sleeps, window) => {
  test.each([0.01, 0.1, 0.5])("accepted with probability %d, for 15 hours: all arrive", (probability) => {
    const random = generator(796_003);
    let isFull = true;
    const device = start(() => (isFull && random() >= probability ? LATER : 0), sleeps, window);
    device.publish(15 * HOURS);
    isFull = false;
    device.publish(3 * HOURS);
    expect([device.finish(), device.store.length]).toEqual([{ lost: 0, taken: 18 * HOURS }, 0]);
  });

  test("all were accepted, then one of fifty, after some that were not allowed: all arrive", () => {
    const random = generator(7);
    let code = 0;
    const device = start(() => (random() >= 0.02 ? code : 0), sleeps, window);
    device.publish(5 * HOURS);
    code = NOT_ALLOWED;
    device.publish(10);
    code = LATER;
    device.publish(18 * HOURS);
    code = 0;
    device.publish(3 * HOURS);
    expect(device.finish()).toEqual({ lost: 0, taken: 26 * HOURS + 10 });
  });

  test("every second one is never allowed: the others arrive", () => {
    const device = start((entry) => (entry % 2 ? NOT_ALLOWED : 0), sleeps, window);
    device.publish(DAY);
    const { lost, taken } = device.finish();
    expect(lost + taken + device.store.length).toBe(DAY);
    expect(device.store.length).toBeLessThan(100);
  });

  test("some are held back, then all are refused for a day: all arrive", () => {
    const random = generator(11);
    let code = (entry: number): number => (entry > 100 || random() < 0.02 ? 0 : LATER);
    const device = start((entry) => code(entry), sleeps, window);
    device.publish(5 * HOURS);
    code = () => NOT_ALLOWED;
    device.publish(DAY);
    code = () => 0;
    device.publish(3 * HOURS);
    expect(device.finish()).toEqual({ lost: 0, taken: DAY + 8 * HOURS });
  });

  test.each([0, 5 * HOURS])("none is allowed, after %i minutes: few are repeated, however many wait", (minutes) => {
    let isAllowed = true;
    const device = start((entry) => (isAllowed && entry % 5 ? 0 : NOT_ALLOWED), sleeps, window);
    device.publish(minutes);
    isAllowed = false;
    device.publish(12 * HOURS);
    expect(device.busiestMinute(3 * HOURS)).toBeLessThanOrEqual(32 + 8 + 2 * window);
  });

  test("one is always postponed: the others wait for a few hours", () => {
    const device = start((entry) => (entry ? 0 : LATER), sleeps, window);
    device.publish(170);
    expect(device.store.length, "it stops none").toBe(1);
    device.publish(DAY - 170);
    expect([device.finish(), device.store.length]).toEqual([{ lost: 1, taken: DAY - 1 }, 0]);
  });

  test("every second one is always postponed: the others arrive all the same, and in the end as fast as they come", () => {
    const device = start((entry) => (entry % 2 ? LATER : 0), sleeps, window);
    device.publish(2 * DAY);
    const { lost, taken } = device.finish();
    expect(lost + taken + device.store.length).toBe(2 * DAY);
    expect(device.store.length).toBeLessThan(150);
  });
});

test("postponed, and then not allowed: refusals are counted from then on", () => {
  let code = LATER;
  const device = start((entry) => (entry ? 0 : code), false, 8);
  device.publish(181);
  code = NOT_ALLOWED;
  device.publish(4);
  expect(device.store.length, "refused several times before, and four times after").toBe(1);
  device.publish(12);
  expect([device.store.length, device.finish().lost]).toEqual([0, 1]);
});

test("what a client has learned is what the next one knows", () => {
  const setup = new Setup({ version5: Broker5 });
  const server = new RefusingServer(setup, (payload) => [0, NOT_ALLOWED, LATER][Number(payload.slice(1)) % 3]);
  for (let n = 0; n < 30; n++) {
    setup.publish(`m${n}`);
    server.run(2 * MINUTE_MS, STEP_MS);
  }
  setup.client.close();
  const { learned } = setup.client;
  expect(learned.length).toBeGreaterThan(4 + 2 * 8);
  expect(new Setup({ version5: Broker5, learned }, setup).client.learned).toEqual(learned);
});

test("what `onReach` announces covers all entries that were sent, however many are refused", () => {
  let reach = 0;
  const setup = new Setup({ version5: Broker5, onReach: (entries) => (reach = entries) });
  const server = new RefusingServer(setup, (payload) => (Number(payload.slice(1)) % 4 ? LATER : 0));
  for (let n = 0; n < 8 * HOURS; n++) {
    setup.publish(`m${n}`);
    server.run(MINUTE_MS, STEP_MS);
  }
  const sent = new Set(server.came.map((payload) => Number.parseInt(payload.slice(1), 10)));
  expect(sent.size - server.taken.length, "more than are remembered").toBeGreaterThan(40);
  expect(reach).toBeGreaterThanOrEqual(sent.size - server.taken.length);
});

test.each([NOT_ALLOWED, LATER])(
  "one is refused by code %i for 18 minutes, then all are for a day: all arrive",
  (code) => {
    let isRefusingAll = false;
    let isHealthy = false;
    const device = start((entry) => (!isHealthy && (isRefusingAll || entry === 0) ? code : 0), false, 8);
    device.publish(180, MINUTE_MS / 10);
    expect(device.store.length, "one waits").toBe(1);
    isRefusingAll = true;
    device.publish(DAY);
    isHealthy = true;
    device.publish(2 * HOURS);
    expect(device.finish()).toEqual({ lost: 0, taken: 180 + DAY + 2 * HOURS });
  },
);
