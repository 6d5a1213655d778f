/*
 * Two devices with one client id: it is detected and reported, with the remedy, but not for brokers that close connections for other
 * reasons. This is MQTT 3.1.1, where it is a guess; in 5 the broker reports it (version.test.ts).
 */
import { expect, test } from "vitest";
import { SimulatedDevice } from "../../support/device-board.js";
import { House } from "../../support/house.js";
import { closeOn } from "./close-on.js";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const GUESS = /perhaps another device has the client id "t7"/g;

/** Runs for so many minutes; returns the prompt's output. */
function listen(one: SimulatedDevice, minutes: number): string {
  let printed = "";
  for (let minute = 0; minute < minutes; minute++) {
    one.house.time.advance(MINUTE);
    printed += one.port.take();
  }
  return printed;
}

test("two devices with one id: both report it, once, until one of them has another", () => {
  const house = new House();
  const [one, other] = ["kitchen", "attic"].map(
    (room) => new SimulatedDevice({ house, defaults: { room, id: "t7", "mqtt.version": "3.1.1" } }),
  );
  one.powerOn();
  other.powerOn();
  const printed = listen(one, 60);
  expect(printed.match(GUESS)).toHaveLength(1);
  expect(printed).toContain("set id");
  expect(other.port.take().match(GUESS)).toHaveLength(1);
  expect(one.status("broker")).toMatch(GUESS);
  other.set({ id: "t8" });
  other.reboot();
  house.time.advance(10 * MINUTE);
  house.network.resetAll();
  house.time.advance(10 * MINUTE);
  expect(one.status("broker")).not.toMatch(GUESS);
  expect(one.crashes).toEqual([]);
});

test.each([
  ["1", false],
  ["2", true],
])("at QoS %s the guess, in the log and in status, states whether readings are lost: %s", (qos, isLoss) => {
  const house = new House();
  const [one, other] = ["kitchen", "attic"].map(
    (room) => new SimulatedDevice({ house, defaults: { room, id: "t7", "mqtt.version": "3.1.1", "mqtt.qos": qos } }),
  );
  one.powerOn();
  other.powerOn();
  const printed = listen(one, 60);
  expect(printed.match(GUESS)).toHaveLength(1);
  for (const text of [printed, one.status("broker")]) {
    expect(text?.includes("at QoS 2 the broker loses readings of both until then")).toBe(isLoss);
  }
});

test("a broker that ends the connection on one reading, which is all that waits: the reading is named, no other device", () => {
  const one = new SimulatedDevice({ defaults: { id: "t7", "mqtt.version": "3.1.1", interval: "60" } });
  const { house } = one;
  closeOn(house, '"seq":3}');
  one.powerOn();
  house.time.advance(8 * MINUTE);
  one.firmware.stopSampling();
  const rows: (string | undefined)[] = [];
  for (let n = 0; n < 24; n++) {
    house.time.advance(10 * MINUTE);
    rows.push(one.status("broker"));
  }
  expect(rows.at(-1)).toContain("it closes the connection when reading 3 is sent");
  expect(rows.filter((row) => row?.match(GUESS))).toEqual([]);
  expect(one.status("outbox")).toContain("1 waiting");
});

test.each([
  ["that restarts every minute", (house: House) => restart(house)],
  ["that closes whenever it should answer", (house: House) => closing(house)],
  ["behind a network that resets every five minutes", (house: House) => reset(house)],
])("a broker %s: not reported", (_what, trouble) => {
  const one = new SimulatedDevice({ defaults: { id: "t7", "mqtt.version": "3.1.1" } });
  one.powerOn();
  one.house.time.advance(MINUTE);
  trouble(one.house);
  expect(listen(one, 120)).not.toMatch(GUESS);
});

function restart(house: House): void {
  house.broker.stop("kept");
  house.time.timers.set(() => {
    house.broker.start();
    house.time.timers.set(() => restart(house), 40 * SECOND);
  }, 20 * SECOND);
}

function closing(house: House): void {
  house.broker.mood.closing = 1;
  house.network.resetAll();
}

function reset(house: House): void {
  house.network.resetAll();
  house.time.timers.set(() => reset(house), 5 * MINUTE);
}
