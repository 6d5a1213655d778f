/*
 * Home Assistant's buttons and numbers: which ones exist, that their commands are executed, and that a number shows the value in force. The
 * test handles the message as Home Assistant's code does: templates with one value, QoS and retain as in the message.
 */
import { describe, expect, test } from "vitest";
import { controlPayload, controlTopic } from "../../../src/homeassistant/controls.js";
import { controls } from "../../../src/thermometer/presence/controls.js";
import { SimulatedDevice } from "../../support/device-board.js";
import { House } from "../../support/house.js";
import { Commander } from "../remote/commander.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const ID = "thermometer020000000001";
const COMMANDS = `home/kitchen/${ID}/command`;
const STATE = `home/kitchen/${ID}/diagnostics`;

interface Component {
  readonly p: "button" | "number";
  readonly name?: string;
  readonly pl_prs: string;
  readonly cmd_tpl: string;
  readonly val_tpl: string;
  readonly min: number;
  readonly max: number;
  readonly qos: 0 | 1 | 2;
  readonly ret: boolean;
}

function device(defaults: Record<string, string>, sleep?: { rate: number }) {
  const house = new House();
  const commander = new Commander(house, COMMANDS);
  const one = new SimulatedDevice({ house, defaults: { interval: "3600", ...defaults }, sleep }).powerOn();
  house.time.advance(MINUTE);
  const messages = () => [0, 1, 2, 3].map((n) => house.retained.get(controlTopic(ID, undefined, n)));
  const components = (): Record<string, Component> =>
    Object.assign({}, ...messages().map((text) => (text === undefined ? {} : JSON.parse(text).cmps)));
  const state = (): Record<string, unknown> => JSON.parse(house.retained.get(STATE) ?? "{}");
  /** Sends as Home Assistant does. `value` undefined: the button is pressed. */
  const use = (key: string, value?: number): void => {
    const { cmd_tpl, pl_prs, qos, ret } = components()[key];
    const payload = value === undefined ? pl_prs : cmd_tpl.replace("{{value}}", `${value}`);
    commander.send({ payload, qos, retain: ret });
  };
  /** The value that a number shows. */
  const shown = (key: string): unknown => {
    const name = /^\{\{value_json\.(\w+)\|default\(None\)\}\}$/.exec(components()[key].val_tpl)?.[1];
    return state()[name ?? ""];
  };
  return { house, time: house.time, one, commander, messages, components, use, shown, state };
}

/** Those that are there, not removed. */
function present(components: Record<string, Component>): string[] {
  return Object.keys(components).filter((key) => components[key].name !== undefined);
}

describe("which there are", () => {
  test.each([
    ["off", []],
    ["basic", ["sample", "reboot"]],
    ["on", ["sample", "reboot", "interval", "offset", "deadband"]],
  ])("with remote %s", (remote, keys) => {
    const { components, state } = device({ remote });
    expect(present(components())).toEqual(keys);
    expect("interval" in state()).toBe(remote === "on");
  });

  test("of a sleeper, how often it reports; a deadband has no effect there, and is removed", () => {
    const { components, state } = device({ remote: "on", sleep: "on", interval: "60", awake: "120" }, { rate: 1 });
    expect(present(components())).toEqual(["sample", "reboot", "interval", "offset", "report"]);
    expect(components().deadband).toEqual({ p: "number" });
    expect(state()).toMatchObject({ report: 60, interval: 60, offset: 0 });
    expect(state()).not.toHaveProperty("deadband");
  });

  test("less is allowed: the entities are removed, and none stays at the broker", () => {
    const { one, time, components, messages } = device({ remote: "on" });
    one.set({ remote: "basic" });
    time.advance(MINUTE);
    expect(present(components())).toEqual(["sample", "reboot"]);
    expect(messages().slice(1)).toEqual([undefined, undefined, undefined]);
    one.set({ remote: "off" });
    time.advance(MINUTE);
    expect(messages()).toEqual([undefined, undefined, undefined, undefined]);
    one.set({ remote: "on" });
    time.advance(MINUTE);
    expect(present(components())).toContain("offset");
  });

  test.each(["off", "basic", "on"])(
    "with remote %s no missing entity is removed: Home Assistant warns of each such message",
    (remote) => {
      const { house, one, time } = device({ remote, interval: "20" });
      one.reboot();
      time.advance(MINUTE);
      one.set({ remote: "basic" });
      time.advance(MINUTE);
      one.reboot();
      time.advance(MINUTE);
      const there = new Set<string>();
      for (const { topic, payload } of house.messages.filter(({ topic }) => topic.endsWith("/config"))) {
        if (payload === "") expect(there.delete(topic), topic).toBe(true);
        else there.add(topic);
      }
      expect(there.size).toBeGreaterThan(0);
    },
  );

  test.each([
    ["discovery", "off"],
    ["discovery.prefix", "elsewhere"],
  ])("removed with %s = %s", (key, value) => {
    const { one, time, messages } = device({ remote: "on" });
    expect(messages()).not.toContain(undefined);
    one.set({ [key]: value });
    time.advance(MINUTE);
    expect(messages()).toEqual([undefined, undefined, undefined, undefined]);
  });

  test("each message is the device's, with its topics, and an id for each entity", () => {
    const { messages } = device({ remote: "on" });
    for (const message of messages()) {
      const { cmps, ...shared } = JSON.parse(message ?? "{}");
      expect(shared).toMatchObject({
        dev: { ids: [ID], name: "Thermometer kitchen" },
        cmd_t: COMMANDS,
        stat_t: STATE,
        avty_t: `home/kitchen/${ID}/status`,
      });
      expect(message).not.toContain("~"); // Home Assistant 2026.11 takes none in a device's message
      for (const [key, { uniq_id, ent_cat, qos, ret }] of Object.entries<Record<string, unknown>>(cmps).filter(
        ([, { name }]) => name !== undefined,
      ))
        expect({ uniq_id, ent_cat, qos, ret }).toEqual({
          uniq_id: `${ID}_${key}`,
          ent_cat: "config",
          qos: 1,
          ret: false,
        });
    }
  });

  test("with the longest names each goes into the client's buffer of 1,024 bytes, the packet's head with it", () => {
    const longest = { room: "r".repeat(64), id: "i".repeat(23), prefix: "p".repeat(64), version: "0.2.0-dev" };
    for (const gone of ["deadband", "report"]) {
      controls.forEach((each, n) => {
        const range = { min: -1_000.01, max: 86_400, unit: "min" };
        const payload = controlPayload(longest, each, ({ key }) => (key === gone ? undefined : range));
        const topic = controlTopic(longest.id, longest.prefix, n);
        expect(5 + 2 + topic.length + payload.length, topic).toBeLessThanOrEqual(1_024);
      });
    }
  });
});

describe("what is sent is done", () => {
  test("a sample; a reboot, once", () => {
    const { one, time, use, commander } = device({});
    const before = one.taken.length;
    use("sample");
    time.advance(5 * SECOND);
    expect(one.taken.length).toBe(before + 1);
    use("reboot");
    time.advance(5 * MINUTE);
    expect(one.restarts).toEqual(["reboot"]);
    expect(commander.open).toBe(0);
  });

  test.each([
    ["interval", 3600, 0.01, 86_400],
    ["offset", 0, -20, 20],
    ["deadband", 0, 0, 10],
  ] as const)(
    "%s: shown; each end of its range, and a value between, shown within a second",
    (key, value, min, max) => {
      const { one, time, use, shown, components } = device({ remote: "on" });
      expect(shown(key)).toBe(value);
      const { min: least, max: most } = components()[key];
      expect([least, most]).toEqual([min, max]);
      for (const next of [max, min, 7.25]) {
        use(key, next);
        time.advance(SECOND);
        expect(one.firmware.settings.get(key)).toBe(next);
        expect(shown(key)).toBe(next);
      }
    },
  );

  test("what is set at the prompt is shown, too", () => {
    const { one, time, shown } = device({ remote: "on" });
    one.set({ offset: "1.5" });
    time.advance(SECOND);
    expect(shown("offset")).toBe(1.5);
  });

  test("a number that is refused stays as it was", () => {
    const { one, time, commander, shown } = device({ remote: "on" });
    commander.send({ payload: "offset 1000", qos: 1 });
    time.advance(MINUTE);
    expect(one.firmware.settings.get("offset")).toBe(0);
    expect(shown("offset")).toBe(0);
  });

  test("a sleeper: at its next report, and that report shows it", () => {
    const defaults = { remote: "on", sleep: "on", interval: "60", report: "10", awake: "30" };
    const { one, time, use, shown } = device(defaults, { rate: 1 });
    time.advance(2 * MINUTE);
    expect(one.isOn).toBe(false);
    use("report", 20);
    time.advance(10 * MINUTE);
    expect(one.isOn).toBe(false);
    expect(shown("report")).toBe(20);
  });
});
