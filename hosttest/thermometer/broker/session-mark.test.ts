/*
 * The subscription that marks the session: requested once, on a connection that has proved itself, and not repeated if the broker ends
 * connections on it. Its purpose is tested in hosttest/simulation/device/doubt.test.ts and hosttest/mqtt/broker5/doubt.test.ts.
 */
import { expect, test } from "vitest";
import { SimulatedDevice } from "../../support/device-board.js";
import { House } from "../../support/house.js";
import { closeOn } from "./close-on.js";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const MARK = "/t7/session";

/** A device at QoS 2 with a reading each 5 s; `requests`: when its bytes contain the mark, in milliseconds since power-on. */
function running({ isRefused = false, isSleeper = false, qos = 2 } = {}) {
  const house = new House();
  if (isRefused) closeOn(house, MARK);
  const requests: number[] = [];
  const startMs = house.time.nowMs;
  const record = (): void => {
    const { listen } = house.broker;
    const heard = (peer: Parameters<typeof listen>[0]) => {
      const acceptor = listen(peer);
      const data = (bytes: Uint8Array): void => {
        if (Buffer.from(bytes).includes(MARK)) requests.push(house.time.nowMs - startMs);
        acceptor?.data(bytes);
      };
      return acceptor && { data, ended: () => acceptor.ended() };
    };
    Object.assign(house.broker, { listen: heard });
  };
  record();
  const common = { id: "t7", "mqtt.qos": `${qos}` };
  const one = isSleeper
    ? new SimulatedDevice({ house, defaults: { ...common, sleep: "on", interval: "60" }, sleep: { rate: 1 } })
    : new SimulatedDevice({ house, defaults: { ...common, interval: "5" } });
  one.powerOn();
  return { one, house, requests, record };
}

test("requested once, when the connection has lasted for half a minute, and again in a new session", () => {
  const { one, house, requests, record } = running();
  house.time.advance(MINUTE);
  expect(requests.length).toBe(1);
  expect(requests[0]).toBeGreaterThan(30 * SECOND);
  house.network.resetAll();
  house.time.advance(MINUTE);
  expect(requests.length, "the session continues").toBe(1);
  house.replaceBroker();
  record();
  house.time.advance(2 * MINUTE);
  expect(requests.length).toBe(2);
  expect(one.firmware.uplink?.isConnected).toBe(true);
  expect(house.breaches).toEqual([]);
});

test("a broker that ends the connection on it: three times, then never again; readings and entities are not affected", () => {
  const { one, house, requests } = running({ isRefused: true });
  house.time.advance(20 * MINUTE);
  expect(requests.length).toBe(3);
  expect(one.firmware.uplink?.status).toMatchObject({ state: "connected", reconnects: 3, deadLetters: 0 });
  expect(new Set(house.sequences()).size).toBeGreaterThan(200);
  expect(one.port.take()).not.toContain("broker refuses some");
});

test("a device at QoS 1 does without: no acknowledged reading can be lost with a session", () => {
  const { house, requests } = running({ qos: 1 });
  house.time.advance(2 * MINUTE);
  expect(requests).toEqual([]);
  expect(house.sequences().length).toBeGreaterThan(20);
});

test("a device that sleeps does without: its reports are too short", () => {
  const { house, requests } = running({ isSleeper: true });
  house.time.advance(30 * MINUTE);
  expect(requests).toEqual([]);
  expect(house.sequences().length).toBeGreaterThan(2);
});
