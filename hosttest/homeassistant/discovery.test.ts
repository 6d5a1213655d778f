import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { channels } from "../../src/channels/channels.js";
import {
  availabilityTopic,
  discoveryMessage,
  discoveryTopic,
  formerTopic,
  OFFLINE,
  ONLINE,
  offeredChannels,
  type Thermometer,
} from "../../src/homeassistant/discovery.js";
import { sampleTopic } from "../../src/thermometer/topics.js";

const KITCHEN: Thermometer = {
  room: "kitchen",
  id: "thermometer24ec4a",
  channels: 0b1,
  topics: "sample",
  format: "json",
  version: "0.2.0",
};
const ALL = (1 << channels.length) - 1;

/** What Home Assistant reads: strict UTF-8, JSON. */
function understood(thermometer: Thermometer) {
  return JSON.parse(decoded(discoveryMessage(thermometer).payload));
}

/** Decodes strict UTF-8, in every engine. @throws URIError if the bytes are ill-formed */
function decoded(bytes: Uint8Array): string {
  return decodeURIComponent(Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""));
}

const SHARED = {
  dev: { ids: ["thermometer24ec4a"], name: "Thermometer kitchen", mf: "home-thermometer", sw: "0.2.0", sa: "kitchen" },
  o: { name: "home-thermometer", sw: "0.2.0" },
  avty_t: "home/kitchen/thermometer24ec4a/status",
};
const TEMPERATURE = {
  p: "sensor",
  val_tpl: "{{ value_json.value|default(None) }}",
  dev_cla: "temperature",
  stat_cla: "measurement",
  unit_of_meas: "°C",
  uniq_id: "thermometer24ec4a_temperature", // the same as firmware 0.1's, so that the history is kept
};
const HUMIDITY = {
  p: "sensor",
  val_tpl: "{{ value_json.humidity|default(None) }}",
  dev_cla: "humidity",
  stat_cla: "measurement",
  unit_of_meas: "%",
  uniq_id: "thermometer24ec4a_humidity",
};
const PRESSURE = {
  p: "sensor",
  val_tpl: "{{ value_json.pressure|default(None) }}",
  dev_cla: "atmospheric_pressure",
  stat_cla: "measurement",
  unit_of_meas: "hPa",
  uniq_id: "thermometer24ec4a_pressure",
};

describe("a kitchen's thermometer", () => {
  test("is found under its id", () => {
    expect(discoveryMessage(KITCHEN).topic).toBe("homeassistant/device/thermometer24ec4a/config");
    expect(discoveryTopic("t1", "ha/here")).toBe("ha/here/device/t1/config");
    expect(formerTopic("t1", "ha/here")).toBe("ha/here/sensor/t1/temperature/config");
  });

  test.each([
    [0b001, { temperature: TEMPERATURE }],
    [0b011, { temperature: TEMPERATURE, humidity: HUMIDITY }],
    [0b111, { temperature: TEMPERATURE, humidity: HUMIDITY, pressure: PRESSURE }],
    [0b100, { pressure: PRESSURE }],
  ])("with channels %i has an entity for each, of the topic that all share", (mask, cmps) => {
    expect(understood({ ...KITCHEN, channels: mask })).toEqual({ ...SHARED, stat_t: "home/kitchen/temperature", cmps });
  });

  test("with topics = each has a topic for each entity, the one on which the samples are", () => {
    const config = understood({ ...KITCHEN, channels: ALL, topics: "each" });
    expect(config).not.toHaveProperty("stat_t");
    const val_tpl = "{{ value_json.value }}";
    expect(config.cmps).toMatchObject({
      temperature: { ...TEMPERATURE, val_tpl, stat_t: "home/kitchen/temperature" },
      humidity: { ...HUMIDITY, val_tpl, stat_t: "home/kitchen/humidity" },
      pressure: { ...PRESSURE, val_tpl, stat_t: "home/kitchen/pressure" },
    });
    expect(Object.keys(config.cmps).sort()).toEqual(channels.map(({ name }) => name).sort());
    channels.forEach(({ name }, n) => {
      expect(config.cmps[name].stat_t).toBe(decoded(sampleTopic(new TextEncoder().encode("kitchen"), n)));
    });
  });

  test("states model and expiry where they are known", () => {
    const config = understood({ ...KITCHEN, channels: 0b11, model: "esp32", expireAfterS: 180 });
    expect(config.dev).toEqual({ ...SHARED.dev, mdl: "esp32" });
    expect(config.cmps).toEqual({
      temperature: { ...TEMPERATURE, exp_aft: 180 },
      humidity: { ...HUMIDITY, exp_aft: 180 },
    });
  });

  test("with plain payloads takes the whole of them, and offers what they carry: the temperature alone, or each on its topic", () => {
    for (const topics of ["sample", "each"] as const) {
      const config = understood({ ...KITCHEN, channels: ALL, topics, format: "plain" });
      for (const name of Object.keys(config.cmps)) expect(config.cmps[name].val_tpl).toBe("{{ value }}");
    }
    const offered = (topics: "sample" | "each", format: "json" | "plain", mask: number): number =>
      offeredChannels(mask, { topics, format });
    expect(offered("sample", "plain", 0b111)).toBe(0b001);
    expect(offered("sample", "plain", 0b110)).toBe(0);
    expect(offered("sample", "json", 0b110)).toBe(0b110);
    expect(offered("each", "plain", 0b110)).toBe(0b110);
  });

  test("a removed component has only its platform; the temperature is last", () => {
    const { cmps } = understood({ ...KITCHEN, channels: 0b001, gone: 0b110 });
    expect(cmps).toEqual({ temperature: TEMPERATURE, humidity: { p: "sensor" }, pressure: { p: "sensor" } });
    expect(Object.keys(cmps)).toEqual(["pressure", "humidity", "temperature"]);
    expect(understood({ ...KITCHEN, channels: 0b011, gone: 0b010 }).cmps.humidity).toEqual(HUMIDITY);
  });
});

test("availability: the topic named in the message, and the payloads that Home Assistant expects unasked", () => {
  expect(availabilityTopic("kitchen", "thermometer24ec4a")).toBe("home/kitchen/thermometer24ec4a/status");
  expect([ONLINE, OFFLINE]).toEqual(["online", "offline"]);
});

test("three channels go into a client's buffer of 1,024 bytes with the packet's head", () => {
  const { topic, payload } = discoveryMessage({ ...KITCHEN, channels: 0b111, model: "esp32c3", expireAfterS: 180 });
  expect(5 + 2 + topic.length + payload.length).toBeLessThan(1_024);
});

test("any room and id, quotes, backslashes, controls, pairs and halves of pairs: read back as they were", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 40 }),
    fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 }).map((units) => String.fromCharCode(...units)),
    fc.constantFrom(
      '"',
      "\\",
      '\\"}',
      "\u2028",
      "\u0000",
      "~",
      "$&",
      "\ud83d",
      "\ude00\ud83d",
      "🛁\u007f\u0080\u07ff\u0800\uffff",
    ),
  );
  fc.assert(
    fc.property(text, text, (room, id) => {
      const config = understood({ ...KITCHEN, room, id });
      expect(config.stat_t).toBe(`home/${room}/temperature`);
      expect(config.cmps.temperature.uniq_id).toBe(`${id}_temperature`);
      expect(config.avty_t).toBe(availabilityTopic(room, id));
      expect(config.dev).toMatchObject({ ids: [id], name: `Thermometer ${room}`, sa: room });
    }),
    { numRuns: 300 },
  );
});

test("an id that Home Assistant would not take in a topic is made one; never a wildcard or another level", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 40 }), (id) => {
      expect(discoveryTopic(id)).toMatch(/^homeassistant\/device\/[a-zA-Z0-9_-]+\/config$/);
    }),
  );
});
