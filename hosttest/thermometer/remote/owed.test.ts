/*
 * Commands over MQTT that take longer than their acknowledgement: a requested sample is taken once, if necessary after a reboot, and a
 * sleeper executes its commands in its next report.
 */
import { describe, expect, test } from "vitest";
import { KeyValueOnFlash } from "../../../boards/parts/key-value.js";
import { COMMANDS_KEY } from "../../../src/thermometer/remote/record.js";
import { SimulatedDevice } from "../../support/device-board.js";
import { House } from "../../support/house.js";
import { Commander } from "./commander.js";
import { ANSWER, onRequest, setup, TOPIC } from "./setup.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** A sleeper that reports every ten minutes, asleep. */
function sleeper(): { house: House; commander: Commander; one: SimulatedDevice } {
  const house = new House();
  const commander = new Commander(house, TOPIC);
  const defaults = { sleep: "on", interval: "60", report: "10", awake: "30", remote: "on" };
  const one = new SimulatedDevice({ house, defaults, sleep: { rate: 1 } });
  one.powerOn();
  house.time.advance(2 * MINUTE);
  expect(one.isOn).toBe(false);
  return { house, commander, one };
}

describe("a sample that is asked for", () => {
  test.each(["settingsFlash", "flash"] as const)("a sample, the power cut at any byte that %s is written", (where) => {
    const { one, commander, time, house } = setup({ "mqtt.qos": "1" });
    onRequest(one);
    let isCut = true;
    for (let bytes = 1; isCut; bytes++) {
      const before = house.sequences().length;
      one[where].cutAfter(bytes);
      commander.send({ payload: "sample", qos: 1, correlationData: `${bytes}` });
      time.advance(SECOND);
      isCut = !one.isOn;
      one.cut();
      one.powerOn();
      time.runUntil(() => house.sequences().length > before, 5 * MINUTE);
      time.advance(10 * SECOND);
      expect(house.sequences().length - before, `cut after ${bytes} bytes`).toBe(1);
    }
    expect(commander.open).toBe(0);
  });

  test.each([
    ["before its broker is there", 0],
    ["during the sample", 5],
  ])("a sample still pending from an earlier life is taken at once; cut again %s, by the next life", (_when, ms) => {
    const { one, commander, time, house } = setup({ "mqtt.qos": "1" });
    onRequest(one);
    const before = house.sequences().length;
    commander.send({ payload: "sample", qos: 1 });
    time.runUntil(() => commander.open === 0, MINUTE);
    for (let cuts = 0; cuts < 3; cuts++) {
      one.cut();
      one.powerOn();
      time.advance(ms);
    }
    expect(house.sequences().length).toBe(before);
    one.cut();
    one.powerOn();
    time.advance(20 * SECOND);
    expect(house.sequences().length - before).toBe(1);
  });

  test("a sample that cannot be taken is answered, and not kept as pending", () => {
    const { one, ask, time } = setup();
    onRequest(one);
    one.unplugSensor();
    expect(ask("sample").ok).toBe(false);
    one.plugSensor();
    const before = one.taken.length;
    one.cut();
    one.powerOn();
    time.advance(MINUTE);
    expect(one.taken.length).toBe(before);
  });

  test.each([1, 2])(
    "a sample that cannot be stored is sent at once, and not kept as pending: the one requested as number %i",
    (count) => {
      const { one, ask, time } = setup({ "mqtt.qos": "1" });
      onRequest(one);
      one.flash.faults = { program: () => "error" };
      const before = one.taken.length;
      // Behind the first one, flash is left alone for a minute. With an id of its own, the record is not written once more for its answer.
      for (let n = 0; n < count; n++) ask(JSON.stringify({ command: "sample", id: `${n}` }));
      expect(one.taken.slice(before)).toEqual(Array(count).fill(undefined));
      one.flash.faults = {};
      one.cut();
      one.powerOn();
      time.advance(MINUTE);
      expect(one.taken.length).toBe(before + count);
    },
  );

  test("a sample whose record the store refuses for a minute is not taken again by the next life", () => {
    const { one, commander, time, house } = setup({ "mqtt.qos": "1" });
    onRequest(one);
    const before = house.sequences().length;
    // With an id of its own, the record is not written once more for its answer.
    commander.send({ payload: '{"command":"sample","id":"a"}', qos: 1 });
    time.runUntil(() => commander.open === 0, MINUTE); // it is recorded as pending
    one.settingsFlash.faults = { program: () => "error" };
    time.advance(MINUTE);
    one.settingsFlash.faults = {};
    time.advance(2 * MINUTE);
    expect(house.sequences().length - before).toBe(1);
    one.cut();
    one.powerOn();
    time.advance(MINUTE);
    expect(house.sequences().length - before).toBe(1);
  });

  test("a store that refuses the record for a day is tried a few times, not each minute", () => {
    const { one, commander, time } = setup({ "mqtt.qos": "1" });
    onRequest(one);
    commander.send({ payload: '{"command":"sample","id":"a"}', qos: 1 });
    time.runUntil(() => commander.open === 0, MINUTE);
    let attempts = 0;
    const fail = (): "error" => {
      attempts++;
      return "error";
    };
    one.settingsFlash.faults = { program: fail, erase: fail };
    time.advance(MINUTE);
    expect(attempts).toBeGreaterThan(0);
    attempts = 0;
    time.advance(24 * 60 * MINUTE);
    expect(attempts).toBeGreaterThan(0);
    expect(attempts).toBeLessThan(50);
  });

  test("settings that restart sampling during a sample: it is taken", () => {
    const { one, commander, time, answers } = setup({ remote: "on" });
    onRequest(one);
    const before = one.taken.length;
    commander.send({ payload: "sample", qos: 1 });
    commander.send({ payload: "offset 0.5", qos: 1 });
    time.advance(10 * SECOND);
    expect(one.taken.length - before).toBe(1);
    expect(answers().map(({ ok }) => ok)).toEqual([true, true]);
  });

  test("an erased outbox has no pending samples, and one more when it is requested", () => {
    const { one, ask, time, house } = setup({ interval: "60" });
    time.advance(60 * MINUTE);
    ask("sample");
    one.cut();
    one.flash.powerOn();
    one.flash.eraseBlock(0, one.flash.status().blocks);
    const boot = (): number => {
      const before = house.messages.length;
      one.powerOn();
      time.advance(30 * SECOND);
      return house.messages.slice(before).filter(({ topic }) => topic.endsWith("/temperature")).length;
    };
    expect(boot()).toBe(1);
    const before = one.taken.length;
    ask("sample");
    expect(one.taken.length - before).toBe(1);
    one.cut();
    expect(boot()).toBe(1);
  });

  test("what is surely acknowledged when the device leaves is not on record any more", () => {
    const { one, commander, time } = setup();
    commander.send({ payload: "identify", qos: 1 });
    time.runUntil(() => commander.open === 0 && one.firmware.uplink?.hasAnswered === true, MINUTE);
    one.firmware.stop(() => {});
    one.cut();
    one.settingsFlash.powerOn();
    const record = new KeyValueOnFlash(one.settingsFlash).read(COMMANDS_KEY);
    expect(new Uint8Array(record ?? [])[1]).toBe(0);
  });

  test("a sleeper does what waits at its next report", () => {
    const { house, commander } = sleeper();
    commander.send({ payload: "report 20", qos: 1 });
    house.time.advance(11 * MINUTE);
    expect(commander.open).toBe(0);
    expect(house.payloads(ANSWER).map((payload) => JSON.parse(payload).answer)).toEqual(["saved: report"]);
  });

  test("a sleeper whose broker lost the session: the same text with the same packet id is another command", () => {
    const { house, commander, one } = sleeper();
    const { time } = house;
    commander.send({ payload: "identify", qos: 1 });
    time.runUntil(() => commander.open === 0, 11 * MINUTE);
    one.wifi.down(); // before the answer has arrived: the command stays on record
    time.advance(MINUTE);
    expect(house.payloads(ANSWER)).toEqual([]);
    house.broker.stop("lost");
    house.broker.start();
    one.wifi.up();
    time.runUntil(() => one.isConnected, 11 * MINUTE);
    time.advance(SECOND);
    house.network.loseDevices();
    commander.send({ payload: "identify", qos: 1 }); // its first sending is lost
    one.wifi.down();
    time.advance(MINUTE);
    one.wifi.up();
    time.advance(25 * MINUTE);
    expect(commander.open).toBe(0);
    expect(house.payloads(ANSWER).map((payload) => JSON.parse(payload).answer)).toEqual([
      expect.stringContaining("LED"),
    ]);
  });

  test("a record that flash has refused is not written after the end", () => {
    const { one, commander, time } = setup({ "mqtt.qos": "1" });
    onRequest(one);
    commander.send({ payload: '{"command":"sample","id":"a"}', qos: 1 });
    time.runUntil(() => commander.open === 0, MINUTE);
    one.settingsFlash.faults = { program: () => "error" };
    time.advance(30 * SECOND);
    one.settingsFlash.faults = {};
    one.firmware.letGo();
    const before = one.settingsFlash.bytes.slice();
    time.advance(5 * MINUTE);
    expect(one.settingsFlash.bytes).toEqual(before);
  });
});
