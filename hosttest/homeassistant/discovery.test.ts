import fc from "fast-check";
import { expect, test } from "vitest";
import {
  availabilityTopic,
  discoveryMessage,
  discoveryTopic,
  OFFLINE,
  ONLINE,
  type Thermometer,
} from "../../src/homeassistant/discovery.js";

const KITCHEN: Thermometer = { room: "kitchen", id: "thermometer24ec4a", format: "json", version: "0.1.0" };

/** What Home Assistant makes of the message: strict UTF-8, JSON, abbreviations and base topic unfolded. */
function understood(thermometer: Thermometer) {
  const { payload } = discoveryMessage(thermometer);
  const config = JSON.parse(decoded(payload));
  const unfold = (topic: string): string => topic.replace(/^~/, () => config["~"]);
  return { ...config, stat_t: unfold(config.stat_t), avty_t: unfold(config.avty_t) };
}

/** Strict UTF-8, in every engine. @throws URIError where the bytes are ill-formed */
function decoded(bytes: Uint8Array): string {
  return decodeURIComponent(Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""));
}

test("a kitchen's thermometer: found under its id, with unit, class, topics and device", () => {
  expect(discoveryMessage(KITCHEN).topic).toBe("homeassistant/sensor/thermometer24ec4a/temperature/config");
  expect(understood({ ...KITCHEN, model: "esp32", expireAfterS: 180 })).toEqual({
    "~": "home/kitchen",
    stat_t: "home/kitchen/temperature",
    avty_t: "home/kitchen/thermometer24ec4a/status",
    val_tpl: "{{ value_json.value }}",
    dev_cla: "temperature",
    stat_cla: "measurement",
    unit_of_meas: "°C",
    exp_aft: 180,
    uniq_id: "thermometer24ec4a_temperature",
    dev: {
      ids: ["thermometer24ec4a"],
      name: "Thermometer kitchen",
      mf: "home-thermometer",
      mdl: "esp32",
      sw: "0.1.0",
      sa: "kitchen",
    },
    o: { name: "home-thermometer", sw: "0.1.0" },
  });
});

test("plain payloads need no template; what is not given is not there", () => {
  const config = understood({ ...KITCHEN, format: "plain" });
  expect(config).not.toHaveProperty("val_tpl");
  expect(config).not.toHaveProperty("exp_aft");
  expect(config.dev).not.toHaveProperty("mdl");
});

test("availability: the topic named in the message, and the payloads that Home Assistant expects unasked", () => {
  expect(availabilityTopic("kitchen", "thermometer24ec4a")).toBe("home/kitchen/thermometer24ec4a/status");
  expect([ONLINE, OFFLINE]).toEqual(["online", "offline"]);
});

test("the message goes into a client's buffer of 1,024 bytes, also with a room of 64 bytes and a long id", () => {
  const size = (room: string, id: string): number =>
    discoveryMessage({ ...KITCHEN, room, id, model: "esp32c3" }).payload.length;
  expect(size("kitchen", "thermometer24ec4a")).toBeLessThan(450);
  for (const room of ["w".repeat(64), "ü".repeat(32), "湯".repeat(21), "🛁".repeat(16)]) {
    expect(size(room, "i".repeat(64))).toBeLessThan(1_024 - 128);
  }
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
      expect(config.avty_t).toBe(availabilityTopic(room, id));
      expect(config.dev).toMatchObject({ ids: [id], name: `Thermometer ${room}`, sa: room });
      expect(config.uniq_id).toBe(`${id}_temperature`);
    }),
    { numRuns: 300 },
  );
});

test("an id that Home Assistant would not take in a topic is made one; never a wildcard or another level", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 40 }), (id) => {
      expect(discoveryTopic(id)).toMatch(/^homeassistant\/sensor\/[a-zA-Z0-9_-]+\/temperature\/config$/);
    }),
  );
});
