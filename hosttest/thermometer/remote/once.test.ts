/*
 * Commands over MQTT: each is executed once, whatever the broker repeats and whenever the power fails.
 */
import { describe, expect, test } from "vitest";
import type { SimulatedDevice } from "../../support/device-board.js";
import { SEED } from "../../support/seed.js";
import { chaos, onRequest, setup } from "./setup.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** A `sample` whose first sending is lost with the connection, `forMs` after it: it is sent again with DUP, and is acknowledged. */
function loseFirst({ one, commander, house, time }: ReturnType<typeof setup>, forMs?: number): void {
  house.network.loseDevices();
  commander.send({ payload: "sample", qos: 1 });
  if (forMs !== undefined) time.advance(forMs);
  one.wifi.down();
  time.advance(MINUTE);
  one.wifi.up();
  time.advance(5 * MINUTE);
  expect(commander.open).toBe(0);
}

/** Number of readings taken after a slow broker, 3 s late, has sent unacknowledged messages again. */
function takenOnceResent({ one, commander, time }: ReturnType<typeof setup>): number {
  time.advance(3 * SECOND);
  commander.resend();
  time.advance(MINUTE);
  expect(commander.open).toBe(0);
  return one.taken.length;
}

/** How often it was identified since the last call. */
function identifications(one: SimulatedDevice): number {
  return one.port.take().split("command identify: done").length - 1;
}

describe("once", () => {
  test("an id that comes again is not done again, also in another life", () => {
    const { one, commander, time, answers } = setup();
    const before = one.taken.length;
    const again = (): void => {
      commander.send({ payload: '{"command":"sample","id":"a"}', qos: 1 });
      time.advance(10 * SECOND);
    };
    again();
    again();
    expect(one.taken.length - before).toBe(1);
    one.cut();
    one.powerOn();
    time.advance(MINUTE);
    const booted = one.taken.length;
    again();
    expect(one.taken.length).toBe(booted);
    expect(answers().at(-1)).toEqual({ id: "a", ok: true, answer: "done already" });
  });

  test("asked again in the same life, as its answer was lost: it is answered, and not done again", () => {
    const { one, ask } = setup();
    const before = one.taken.length;
    expect(ask('{"command":"sample","id":"a"}')).toMatchObject({ id: "a", ok: true, answer: "21.50 °C" });
    expect(ask('{"command":"sample","id":"a"}')).toEqual({ id: "a", ok: true, answer: "done already" });
    expect(one.taken.length).toBe(before + 1);
  });

  test("asked again while it is being done: one answer, when it is", () => {
    const { one, commander, time, answers } = setup();
    const before = one.taken.length;
    for (let n = 0; n < 3; n++) commander.send({ payload: '{"command":"sample","id":"a"}', qos: 1 });
    time.advance(MINUTE);
    expect(one.taken.length).toBe(before + 1);
    expect(answers()).toEqual([{ id: "a", ok: true, answer: "21.50 °C" }]);
  });

  test("the same words are another command, also where the broker gives them the same packet id", () => {
    const { one, ask } = setup();
    const before = one.taken.length;
    for (let n = 0; n < 3; n++) ask("sample");
    expect(one.taken.length - before).toBe(3);
  });

  test("and also where its first sending was lost, and it comes with DUP", () => {
    const there = setup();
    const { one, ask } = there;
    ask("sample");
    ask("identify");
    const before = one.taken.length;
    loseFirst(there);
    expect(one.taken.length - before).toBe(1);
  });

  test("also where the same words were the last thing before", () => {
    const there = setup();
    const { one, ask } = there;
    ask("sample");
    const before = one.taken.length;
    loseFirst(there, MINUTE);
    expect(one.taken.length - before).toBe(1);
  });

  test.each(["before", "in"])(
    "also where the power goes behind it, and another one is answered %s the next life",
    (when) => {
      const { one, ask, commander, house, time } = setup();
      onRequest(one);
      commander.send({ payload: "sample", qos: 1 });
      if (when === "before") time.advance(5 * SECOND);
      else time.runUntil(() => commander.open === 0, MINUTE);
      one.cut();
      one.powerOn();
      if (when === "before") time.advance(MINUTE);
      else {
        // Before it is proven that nothing more is sent again on this connection.
        time.runUntil(() => one.firmware.uplink?.isConnected === true, MINUTE);
        ask("identify");
      }
      const before = one.taken.length;
      one.settingsFlash.cutAfter(1);
      commander.send({ payload: "sample", qos: 1 }); // with the same packet id; and with DUP, when the power is back
      time.advance(SECOND);
      expect(one.isOn).toBe(false);
      one.powerOn();
      time.advance(5 * MINUTE);
      expect(commander.open).toBe(0);
      expect(house.sequences().length).toBe(one.taken.length);
      expect(one.taken.length - before).toBe(1);
    },
  );

  test.each([
    ["in the next life, where nothing was done for a minute", true],
    ["on the next connection, where readings were delivered", false],
  ])("also where the connection ends before its answer arrives, and the same comes %s", (_where, isCut) => {
    const { one, commander, house, time } = setup({ interval: isCut ? "3600" : "20" });
    if (isCut) onRequest(one);
    commander.send({ payload: "identify", qos: 1 });
    time.runUntil(() => commander.open === 0, MINUTE);
    expect(identifications(one)).toBe(1);
    if (isCut) {
      one.cut();
      one.powerOn();
    } else house.network.resetAll();
    time.advance(MINUTE);
    house.network.loseDevices();
    commander.send({ payload: "identify", qos: 1 }); // with the same packet id; and with DUP, when the connection is back
    if (isCut) {
      one.cut();
      one.powerOn();
    } else {
      one.wifi.down();
      time.advance(MINUTE);
      one.wifi.up();
    }
    time.advance(5 * MINUTE);
    expect(commander.open).toBe(0);
    expect(identifications(one)).toBe(1);
  });

  test("QoS 2: what the client has kept to itself as a repetition is not forgotten for a new command, and not done by the next life", () => {
    const { one, commander, house, time } = setup();
    onRequest(one);
    const before = one.taken.length;
    commander.isDeaf = commander.isSlow = true;
    commander.send({ payload: "sample", qos: 2 });
    time.advance(SECOND);
    commander.isDeaf = false; // or it would not hear CONNECT
    house.network.resetAll();
    time.advance(1);
    time.runUntil(() => one.firmware.uplink?.isConnected === true, 5 * MINUTE);
    commander.isDeaf = true;
    commander.resend();
    commander.send({ payload: "identify", qos: 2 });
    time.advance(SECOND);
    one.cut();
    commander.isDeaf = commander.isSlow = false;
    one.powerOn();
    time.advance(MINUTE);
    expect(commander.open).toBe(0);
    expect(one.taken.length - before).toBe(1);
  });

  test.each([
    ["the same correlation data, where the broker gives another packet id: it is a repetition", "identify", 1],
    ["the same correlation data and another text: it is none", "announce", 2],
  ])("sent again: %s", (_what, second, times) => {
    const renumbers = times === 1;
    const { one, commander, house, time } = setup({}, renumbers);
    one.port.take();
    commander.isDeaf = true;
    commander.send({ payload: "identify", qos: 1, correlationData: "x" });
    time.advance(SECOND);
    if (second !== "identify") {
      house.network.loseDevices();
      commander.send({ payload: second, qos: 1, correlationData: "x" }); // its first sending is lost
    }
    commander.isDeaf = false;
    one.wifi.down();
    time.advance(MINUTE);
    one.wifi.up();
    time.advance(5 * MINUTE);
    expect(commander.open).toBe(0);
    expect(one.port.take().match(/command (identify|announce): done/g)).toHaveLength(times);
  });

  test.each(["version", '{"command":"announce","id":"z"}'])(
    "a slow broker: one that it sends again is not done again, though %s of QoS 0 is answered before it",
    (payload) => {
      const there = setup();
      const { one, commander, house, time } = there;
      const before = one.taken.length;
      commander.isDeaf = commander.isSlow = true;
      commander.send({ payload: "sample", qos: 1 });
      time.advance(SECOND);
      commander.isDeaf = false;
      house.network.resetAll();
      time.advance(1);
      time.runUntil(() => one.firmware.uplink?.isConnected === true, 5 * MINUTE);
      commander.send({ payload, qos: 0 });
      expect(takenOnceResent(there) - before).toBe(1);
    },
  );

  test("a slow broker: one that it sends again after a power cut is not done again, though one before it is answered", () => {
    const there = setup();
    const { one, commander, time } = there;
    onRequest(one);
    const before = one.taken.length;
    commander.isDeaf = commander.isSlow = true;
    for (const correlationData of ["a", "b"]) commander.send({ payload: "sample", qos: 1, correlationData });
    time.advance(SECOND);
    expect(one.taken.length - before).toBe(2);
    one.cut();
    one.powerOn();
    commander.isDeaf = false;
    time.runUntil(() => one.firmware.uplink?.isConnected === true, 5 * MINUTE);
    commander.resend(1);
    expect(takenOnceResent(there) - before).toBe(2);
  });

  test("a slow broker: one that it sends again is not done again, though one before it is done only now", () => {
    const there = setup();
    const { one, commander, house, time } = there;
    const before = one.taken.length;
    commander.isDeaf = commander.isSlow = true;
    one.settingsFlash.faults = { program: () => "error" };
    commander.send({ payload: "sample", qos: 1 }); // refused: it cannot be recorded
    time.advance(SECOND);
    expect(one.taken.length).toBe(before);
    one.settingsFlash.faults = {};
    commander.send({ payload: "sample", qos: 1 });
    time.advance(SECOND);
    expect(one.taken.length - before).toBe(1);
    commander.isDeaf = false;
    house.network.resetAll();
    time.advance(1);
    time.runUntil(() => one.firmware.uplink?.isConnected === true, 5 * MINUTE);
    commander.resend(1);
    expect(takenOnceResent(there) - before).toBe(2);
  });

  test("and also where the broker lost its session before it was acknowledged", () => {
    const there = setup();
    const { one, commander, house, time } = there;
    const before = one.taken.length;
    commander.isDeaf = true;
    commander.send({ payload: "sample", qos: 1 });
    time.runUntil(() => one.taken.length > before, MINUTE);
    commander.forget();
    house.broker.stop("lost");
    commander.isDeaf = false;
    house.broker.start();
    time.advance(5 * MINUTE);
    loseFirst(there);
    expect(one.taken.length - before).toBe(2);
  });

  test.each([
    ["sample", "identify", 1],
    ["sample", "sample", 2],
    ["announce", "sample", 1],
  ])("two at once, whose acknowledgements are lost with the connection: %s and %s", (first, second, readings) => {
    const { one, commander, house, time } = setup();
    const before = one.taken.length;
    commander.isDeaf = true;
    commander.send({ payload: first, qos: 1 });
    commander.send({ payload: second, qos: 1 });
    time.runUntil(() => one.taken.length > before, MINUTE);
    commander.isDeaf = false;
    house.network.resetAll();
    time.advance(5 * MINUTE);
    expect(commander.open).toBe(0);
    expect(one.taken.length - before).toBe(readings);
  });
});

test.each([
  [1, false],
  [2, false],
  [1, true],
] as const)("through cuts and resets at QoS %i (ids of their own: %s): each done once", (qos, hasIds) => {
  const seen = chaos(qos, SEED, 100, hasIds);
  expect(seen).toMatchObject({ open: 0, refused: 0, crashes: 0, taken: seen.samples, lastReport: seen.report });
});
