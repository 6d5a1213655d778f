/*
 * The device's own state on its diagnostics topic: the content, when it is sent again, what is retained, and brokers that do not accept it.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { diagnostics } from "../../../src/thermometer/presence/diagnostic-rows.js";
import { DETAIL_MESSAGES, Diagnostics, LOOK_MS, LOOKS } from "../../../src/thermometer/presence/diagnostics.js";
import { VERSION } from "../../../src/version.js";
import { SimulatedDevice } from "../../support/device-board.js";
import { DETAILS_WITHOUT_CELLS, House } from "../../support/house.js";

const MINUTE = 60_000;
const ID = "thermometer020000000001";
const TOPIC = `home/kitchen/${ID}/diagnostics`;

function device(defaults: Record<string, string> = {}, house = new House()) {
  const one = new SimulatedDevice({ house, defaults });
  one.powerOn();
  const published = () => house.messages.filter(({ topic }) => topic === TOPIC);
  const latest = () => JSON.parse(house.retained.get(TOPIC) ?? "null");
  return { one, house, time: house.time, published, latest };
}

describe("what it says", () => {
  test("the page lists every row", () => {
    const page = readFileSync("src/thermometer/README.md", "utf8");
    const [list] = /^`home\/<room>\/<id>\/diagnostics`.*?\n\n/ms.exec(page) ?? [""];
    for (const { key } of diagnostics) expect(list, key).toContain(`\`${key}\``);
  });

  test("each row that this board has, retained", () => {
    const { time, published, latest } = device();
    time.advance(MINUTE);
    expect(published()).toMatchObject([{ retain: true, qos: 0 }]);
    const { uptime, ...others } = latest();
    expect(uptime).toBeGreaterThanOrEqual(0);
    expect(others).toEqual({
      rssi: -58,
      boots: 1,
      reset: "power",
      waiting: expect.any(Number),
      oldest: null,
      dropped: 0,
      doubles: 0,
      deadletters: 0,
      flash: 100,
      time: expect.any(String),
      version: VERSION,
      session: expect.stringContaining("MQTT 5"),
    });
  });

  test("what waits, and since when", () => {
    const { one, house, time } = device();
    const value = (wanted: string) => {
      const { uplink } = one.firmware;
      if (uplink === undefined) throw new Error("no uplink");
      return diagnostics.find(({ key }) => key === wanted)?.read(one.firmware, uplink.status);
    };
    time.advance(MINUTE);
    house.broker.stop("kept");
    time.advance(30 * MINUTE);
    expect(value("waiting")).toBeGreaterThan(170);
    expect(value("oldest")).toBeGreaterThan(29 * 60);
    expect(value("oldest")).toBeLessThan(31 * 60);
    house.replaceBroker();
    time.advance(5 * MINUTE);
    expect(value("oldest")).toBeNull();
  });

  test("a reboot: one more boot, and what ended the life before", () => {
    const { one, time, latest } = device();
    time.advance(MINUTE);
    one.reboot();
    time.advance(MINUTE);
    expect(latest()).toMatchObject({ boots: 2 });
  });
});

describe("when", () => {
  test("what the broker never takes is left out: it is not tried without end, and the rest follows", () => {
    const { one, time } = device();
    time.advance(MINUTE);
    const { uplink } = one.firmware;
    if (uplink === undefined) throw new Error("no uplink");
    const tried: string[] = [];
    const { status } = uplink;
    const publish = (topic: string): boolean => {
      tried.push(topic);
      return topic === TOPIC; // the others are longer than its Maximum Packet Size
    };
    new Diagnostics(one.firmware, { status, publish }).begin("homeassistant", false);
    time.advance(30 * MINUTE);
    expect(tried.filter((topic) => topic !== TOPIC).length).toBeLessThan(4 * DETAIL_MESSAGES);
    expect(tried.filter((topic) => topic === TOPIC).length).toBeGreaterThan(0);
  });

  test("every quarter of an hour, and no more often while nothing is news", () => {
    const { time, published } = device();
    time.advance(MINUTE);
    const before = published().length;
    time.advance(4 * LOOKS * LOOK_MS);
    expect(published().length - before).toBe(4);
  });

  test("within a minute of news", () => {
    const { one, time, published, latest } = device();
    time.advance(MINUTE);
    const before = published().length;
    one.firmware.lifetime?.countPossibleDoubles(3);
    time.advance(LOOK_MS + 1000);
    expect(published().length - before).toBe(1);
    expect(latest().doubles).toBe(3);
    time.advance(2 * LOOK_MS);
    expect(published().length - before).toBe(1);
  });

  test("not while there is no connection", () => {
    const { house, time, published } = device();
    time.advance(MINUTE);
    const before = published().length;
    house.broker.stop("kept");
    time.advance(60 * MINUTE);
    expect(published().length).toBe(before);
  });
});

describe("Home Assistant", () => {
  const config = (n: number) => `homeassistant/device/${ID}/details${n}/config`;
  const components = (house: House) =>
    Array.from({ length: DETAILS_WITHOUT_CELLS }, (_, n) => JSON.parse(house.retained.get(config(n)) ?? "{}")).flatMap(
      ({ cmps }) => Object.entries(cmps) as [string, Record<string, string>][],
    );

  test("has an entity for each row, with the value at its key; one that this board has not is removed", () => {
    const { house, time, latest } = device();
    time.advance(MINUTE);
    const entities = components(house).filter(([key]) => key !== "battery");
    expect(entities.map(([key]) => key)).toEqual(diagnostics.map(({ key }) => key).slice(0, -1));
    for (const [key, { p, ent_cat, val_tpl, uniq_id, ...rest }] of entities) {
      if (!(key in latest())) {
        expect({ key, p, ...rest }).toEqual({ key: "heap", p: "sensor" });
        continue;
      }
      expect(p).toBe("sensor");
      expect(ent_cat).toBe("diagnostic");
      expect(val_tpl).toBe(`{{ value_json.${key}|default(None) }}`);
      expect(uniq_id).toBe(`${ID}_${key}`);
      expect(rest.name).not.toBe("");
    }
  });

  test("gets them in messages that each fit the client's buffer, and the device's own message is no longer for it", () => {
    const { house, time } = device();
    time.advance(MINUTE);
    for (let n = 0; n < DETAILS_WITHOUT_CELLS; n++) {
      const { length } = house.retained.get(config(n)) ?? "";
      expect(length + config(n).length).toBeLessThan(1_000);
      expect(JSON.parse(house.retained.get(config(n)) ?? "")).toMatchObject({
        dev: { ids: [ID], name: "Thermometer kitchen" },
        stat_t: TOPIC,
        avty_t: `home/kitchen/${ID}/status`,
      });
    }
    expect(Object.keys(JSON.parse(house.retained.get(`homeassistant/device/${ID}/config`) ?? "").cmps)).toEqual([
      "temperature",
    ]);
  });

  test("without discovery there is none of them, and the values are there all the same", () => {
    const { one, house, time } = device();
    time.advance(MINUTE);
    one.set({ discovery: "off" });
    time.advance(MINUTE);
    expect([...house.retained.keys()].filter((topic) => topic.startsWith("homeassistant"))).toEqual([]);
    expect(house.retained.has(TOPIC)).toBe(true);
  });
});

test("a sleeper sends it with each report, and not in between", () => {
  const house = new House();
  const defaults = { sleep: "on", interval: "60", report: "10", awake: "10" };
  const one = new SimulatedDevice({ house, defaults, sleep: { rate: 1 } });
  one.powerOn();
  house.time.advance(5 * MINUTE);
  const seen = () => house.payloads(TOPIC).length;
  const before = seen();
  house.time.advance(60 * MINUTE);
  expect(seen() - before).toBe(6);
  expect(JSON.parse(house.retained.get(TOPIC) ?? "")).toMatchObject({ boots: 1, reset: "sleep", dropped: 0 });
  expect(one.crashes).toEqual([]);
});

test("another room: the old topic is removed", () => {
  const { one, house, time } = device();
  time.advance(MINUTE);
  one.set({ room: "attic" });
  one.reboot();
  time.advance(3 * MINUTE);
  expect(house.retained.has(TOPIC)).toBe(false);
  expect(house.retained.has(`home/attic/${ID}/diagnostics`)).toBe(true);
});
