/* A report whose time is over before the queue is empty ends with DISCONNECT, if the network still works. */
import { expect, test } from "vitest";
import type { Peer } from "../simulation/network.js";
import { SimulatedDevice } from "../support/device-board.js";
import type { House } from "../support/house.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const SLEEPER = { sleep: "on", interval: "60", report: "10", "mqtt.qos": "2", awake: "10" };
/** Types of MQTT's packets, first byte's upper half. */
const PUBREC = 5;
const DISCONNECT = 14;

/** Packets that the broker has received since. */
interface Heard {
  goodbyes: number;
}

/** From now on the broker accepts entries, and acknowledges none. */
function swallowAcknowledgements(house: House): Heard {
  const heard = { goodbyes: 0 };
  const { listen } = house.broker;
  house.broker = Object.assign(Object.create(house.broker), {
    listen: (peer: Peer) => {
      const acceptor = listen({
        send: (bytes) => {
          if (bytes[0] >> 4 !== PUBREC) peer.send(bytes);
        },
        close: () => peer.close(),
      });
      return (
        acceptor && {
          data(bytes: Uint8Array) {
            if (bytes[0] >> 4 === DISCONNECT) heard.goodbyes++;
            acceptor.data(bytes);
          },
          ended: () => acceptor.ended(),
        }
      );
    },
  });
  return heard;
}

test("a broker that acknowledges nothing: the report ends after 20 s, and by DISCONNECT", () => {
  const device = new SimulatedDevice({ defaults: SLEEPER, sleep: { rate: 1 } }).powerOn();
  const { house } = device;
  house.time.advance(35 * MINUTE);
  const before = device.taken.length;
  const heard = swallowAcknowledgements(house);
  house.time.advance(61 * MINUTE);
  house.time.runUntil(() => device.chip?.isAsleep === true, MINUTE);
  expect(heard.goodbyes).toBeGreaterThanOrEqual(3);
  expect(device.longestWakeMs).toBeGreaterThan(18 * SECOND);
  expect(device.longestWakeMs).toBeLessThanOrEqual(20.1 * SECOND);
  expect(device.taken.length - before).toBeGreaterThan(55);
  expect(device.crashes).toEqual([]);
});

test("if the network has failed by then, the device sleeps all the same, after 20 s", () => {
  const device = new SimulatedDevice({ defaults: SLEEPER, sleep: { rate: 1 } }).powerOn();
  const { house } = device;
  house.time.advance(35 * MINUTE);
  const { wholes } = device;
  swallowAcknowledgements(house);
  house.time.runUntil(() => device.wholes > wholes, 20 * MINUTE);
  house.time.advance(5 * SECOND);
  house.network.weather.blackHole = true;
  house.time.runUntil(() => device.chip?.isAsleep === true, MINUTE);
  expect(device.longestWakeMs).toBeGreaterThan(18 * SECOND);
  expect(device.longestWakeMs).toBeLessThanOrEqual(20.1 * SECOND);
  house.network.weather.blackHole = false;
  house.time.advance(61 * MINUTE);
  expect(device.crashes).toEqual([]);
});

test("after the prompt's time, longer than a report's: the radio is on until DISCONNECT has arrived", () => {
  const device = new SimulatedDevice({ defaults: { ...SLEEPER, awake: "30" }, sleep: { rate: 1 } });
  const { house } = device;
  const heard = swallowAcknowledgements(house);
  house.network.weather.latencyMs = 200;
  device.powerOn();
  house.time.runUntil(() => device.chip?.isAsleep === true, MINUTE);
  expect([device.chip?.isAsleep, heard.goodbyes]).toEqual([true, 2]); // one more: of the session that was wiped
});
