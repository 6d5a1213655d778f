/*
 * Commands over MQTT: each is answered with the prompt's text, and each forbidden one is refused and reported. once.test.ts tests that each
 * is executed once.
 */
import { describe, expect, test } from "vitest";
import { MAX_COMMAND, MAX_WAITING } from "../../../src/thermometer/remote/commands.js";
import { SimulatedDevice } from "../../support/device-board.js";
import { House } from "../../support/house.js";
import { Commander } from "./commander.js";
import { ID, onRequest, SECRET, setup, TOPIC } from "./setup.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

describe("is done, and answered in the prompt's words", () => {
  test("it is subscribed to", () => {
    expect(setup().commander.filters).toContain(TOPIC);
  });

  test.each([0, 1, 2] as const)("sample, at QoS %i: one reading more", (qos) => {
    const { one, ask, time, commander } = setup();
    const before = one.taken.length;
    expect(ask("sample", { qos })).toEqual({ ok: true, answer: "21.50 °C" });
    time.advance(MINUTE);
    expect(one.taken.length).toBe(before + 1);
    expect(commander.open).toBe(0);
  });

  test("reboot: once, after its answer", () => {
    const { one, ask, time } = setup();
    expect(ask("reboot")).toEqual({ ok: true, answer: "rebooting" });
    time.advance(5 * MINUTE);
    expect(one.restarts).toEqual(["reboot"]);
  });

  test("identify, announce, status, version, show, queue, help, sensors", () => {
    const { ask, house } = setup();
    expect(ask("identify").answer).toContain("no LED");
    const announced = house.payloads(`homeassistant/device/${ID}/config`).length;
    expect(ask("announce")).toEqual({ ok: true, answer: "announced" });
    expect(house.payloads(`homeassistant/device/${ID}/config`).length).toBe(announced + 1);
    expect(ask("status").answer).toContain("broker");
    expect(ask("version").answer).toContain("home-thermometer");
    expect(ask("show interval").answer).toContain("3600 s");
    expect(ask("queue").answer).toBe("no reading waits");
    expect(ask("help").ok).toBe(true);
    expect(ask("sensors").answer).toContain("TMP117");
  });

  test.each([
    ["interval 30", "interval", 30, "saved: interval"],
    ["set offset -0.5", "offset", -0.5, "saved: offset"],
    ["deadband 0.2", "deadband", 0.2, "saved: deadband"],
    ["report 5", "report", 5, "saved: report"],
    ['set room "living room"', "room", "kitchen", "saved: room\nin force after a reboot: room"],
  ] as const)("with remote on: %s", (line, key, value, answer) => {
    const { one, ask } = setup({ remote: "on" });
    expect(ask(line)).toEqual({ ok: true, answer });
    expect(one.firmware.settings.get(key)).toBe(value);
  });

  test("JSON with an id, which is in the answer; MQTT 5's response topic and correlation data", () => {
    const { ask, house } = setup();
    expect(ask('{"command":"version","id":"17"}')).toMatchObject({ id: "17", ok: true });
    ask("version", { responseTopic: "my/answers", correlationData: "c1" });
    const [answer] = house.messages.filter(({ topic }) => topic === "my/answers");
    expect(JSON.parse(answer.payload).ok).toBe(true);
    expect(JSON.stringify(answer.properties)).toMatch(/correlation/);
  });

  test("in MQTT 3.1.1, too", () => {
    expect(setup({ "mqtt.version": "3.1.1" }).ask("sample", { qos: 2 }).ok).toBe(true);
  });

  test("many at once, with a reading for each", () => {
    const { one, commander, time, answers } = setup();
    const before = one.taken.length;
    for (let n = 0; n < 8; n++) commander.send({ payload: "sample", qos: 1 });
    time.advance(MINUTE);
    expect(one.taken.length - before).toBe(8);
    expect(answers().map(({ ok }) => ok)).toEqual(Array(8).fill(true));
  });
});

describe("is refused, and that is reported", () => {
  test.each([
    ["off", "sample", "commands are off: set remote at the prompt"],
    ["basic", "interval 30", "interval: settings cannot be changed by MQTT: set remote on at the prompt"],
    ["on", `set mqtt.password ${SECRET}`, "mqtt.password: at the prompt only"],
    ["on", "set mqtt.host evil.example", "mqtt.host: at the prompt only"],
    ["on", "mqtt.tls off", "mqtt.tls: at the prompt only"],
    ["on", "set wifi.ssid evil", "wifi.ssid: at the prompt only"],
    ["on", "set mqtt.ca x", "mqtt.ca: at the prompt only"],
    ["on", "factory-reset", "factory-reset: at the prompt only"],
    ["on", "setup", "setup: at the prompt only"],
    ["on", "interval", "interval: expected one value"],
    ["on", "set", "set: at the prompt only"],
    ["on", "interval 1 2", "interval: expected one value"],
    ["on", "interval never", 'interval: got "never"'],
    ["on", "sample; reboot", "expected one command"],
    ["on", 'show "interval', "expected one command"],
    ["on", "", "expected one command"],
    ["on", "smaple", "no such command or setting"],
    ["on", "reboot now", "reboot: takes no value"],
    ["on", '{"command":1}', "expected {"],
    ["on", '{"command":"sample","id":7}', "id: expected"],
    ["on", "{sample}", "not JSON"],
    ["on", "x".repeat(MAX_COMMAND + 1), `a command has ${MAX_COMMAND} bytes at most`],
    ["on", Uint8Array.of(0xff, 0xfe), "not UTF-8"],
  ])("remote %s: %s", (remote, payload, why) => {
    const { one, ask, time } = setup({ remote });
    const settings = one.type("show");
    const readings = one.taken.length;
    const { ok, answer } = ask(payload);
    expect(ok).toBe(false);
    expect(answer).toContain(why);
    time.advance(MINUTE);
    expect(one.type("show")).toBe(settings);
    expect(one.taken.length).toBe(readings);
    expect(one.restarts).toEqual([]);
  });

  test("one more than may wait: it is refused and not recorded, and executed when it is sent again", () => {
    const { one, commander, time, answers, ask } = setup();
    const before = one.taken.length;
    const line = (n: number): string => JSON.stringify({ command: "sample", id: `${n}` });
    // One is being executed, and as many as possible wait.
    for (let n = 0; n <= MAX_WAITING + 1; n++) commander.send({ payload: line(n), qos: 1 });
    time.advance(MINUTE);
    expect(answers().filter(({ ok }) => !ok)).toEqual([
      { id: `${MAX_WAITING + 1}`, ok: false, answer: `error: ${MAX_WAITING} commands are waiting: try again later` },
    ]);
    expect(one.taken.length - before).toBe(MAX_WAITING + 1);
    expect(ask(line(MAX_WAITING + 1))).toMatchObject({ ok: true, answer: "21.50 °C" });
  });

  test("queue drop, where a reading waits: it stays", () => {
    const { one, ask, house } = setup({ remote: "on", "mqtt.qos": "1" });
    house.broker.mood.stalled = true;
    ask("sample");
    expect(one.firmware.unsettled).toBe(1);
    expect(ask("queue drop")).toEqual({
      ok: false,
      answer:
        "1 reading waits; it would never be delivered\nnothing dropped\nerror: it asks a question: at the prompt only",
    });
    expect(one.firmware.unsettled).toBe(1);
  });

  test("a flash that cannot store the record: it is not executed, and executed when it is sent again", () => {
    const { one, ask, time } = setup({ remote: "on" });
    const before = one.taken.length;
    const line = '{"command":"sample","id":"a"}';
    one.settingsFlash.faults = { program: () => "error" };
    expect(ask(line)).toEqual({
      id: "a",
      ok: false,
      answer: "error: not done: it cannot be recorded: write failed",
    });
    const { ok, answer } = ask("offset 0.5");
    expect(ok).toBe(false);
    expect(answer).toContain("write failed");
    expect(one.firmware.settings.get("offset")).toBe(0);
    one.settingsFlash.faults = {};
    expect(one.taken.length).toBe(before);
    expect(ask(line)).toMatchObject({ id: "a", ok: true, answer: "21.50 °C" });
    expect(one.taken.length).toBe(before + 1);
    onRequest(one);
    one.cut();
    one.powerOn();
    time.advance(MINUTE);
    expect(one.taken.length).toBe(before + 1);
  });

  test.each([
    ["5", 0x87, "not authorised"],
    ["3.1.1", 0x80, ""],
  ])("MQTT %s: the broker does not grant the topic: reported once, and readings continue", (version, code, why) => {
    const house = new House();
    const commander = new Commander(house, TOPIC, version === "5" ? 5 : 4);
    commander.refusal = code;
    const one = new SimulatedDevice({ house, defaults: { interval: "60", "mqtt.version": version } });
    one.powerOn();
    house.time.advance(10 * MINUTE);
    const lines = one.port
      .take()
      .split("\n")
      .filter((line) => line.includes("commands are not received"));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(`broker: ${TOPIC} not granted: `);
    expect(lines[0]).toContain(why);
    expect(commander.filters.filter((filter) => filter === TOPIC)).toHaveLength(1);
    expect(house.sequences().length).toBeGreaterThan(5);
  });

  test("what asks a question", () => {
    const { one, ask } = setup({ remote: "on" });
    one.type("set heartbeat 1000"); // edited, not saved
    expect(ask("reboot").answer).toContain("error: it asks a question: at the prompt only");
    expect(one.restarts).toEqual([]);
    expect(ask("heartbeat 900").answer).toBe("error: heartbeat: is being edited at the prompt");
  });

  test("a retained command, delivered with each subscription", () => {
    const { one, ask } = setup();
    const before = one.taken.length;
    one.port.take();
    expect(ask("sample", { retain: true })).toEqual({
      ok: false,
      answer: "error: retained commands are refused: publish it without retain",
    });
    expect(one.port.take()).toContain("command refused: retained commands are refused");
    expect(one.taken.length).toBe(before);
  });

  test("a response topic that is one of commands: no answer is sent there", () => {
    const { ask, house } = setup();
    expect(ask("sample", { responseTopic: "home/attic/other/command" }).answer).toContain(
      "the response topic is a command topic",
    );
    expect(house.payloads("home/attic/other/command")).toEqual([]);
  });

  test("off: unsubscribed", () => {
    const { one, commander, time } = setup();
    one.set({ remote: "off" });
    time.advance(MINUTE);
    expect(commander.filters.at(-1)).toBe(`-${TOPIC}`);
  });
});

test("no secret leaves: neither a setting, nor a text sent by mistake", () => {
  const { one, ask, house } = setup({ remote: "on" });
  for (const line of [
    "show",
    "show mqtt.password",
    "status",
    `mqtt.password ${SECRET}`,
    `set mqtt.pasword ${SECRET}`,
    `${SECRET}`,
  ])
    ask(line);
  expect(JSON.stringify(house.messages)).not.toContain(SECRET);
  expect(one.port.take()).not.toContain(SECRET);
});

test("another room: the old one's commands are not subscribed to any more", () => {
  const { one, commander, time } = setup();
  one.set({ room: "attic" });
  one.reboot();
  time.advance(MINUTE);
  expect(commander.filters).toContain(`-${TOPIC}`);
  expect(commander.filters.at(-1)).toBe(`home/attic/${ID}/command`);
});
