/*
 * Home Assistant's view of the device over its lives: an entity for each channel; missing ones are removed; entities of firmware 0.1 keep
 * their history.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Cells } from "../../../boards/parts/cells.js";
import { KeyValueOnFlash } from "../../../boards/parts/key-value.js";
import { BUTTONS } from "../../../src/homeassistant/discovery.js";
import { ANNOUNCED_KEY } from "../../../src/thermometer/presence/announcement.js";
import { DETAIL_MESSAGES, DETAILS_WITHOUT_CELLS } from "../../../src/thermometer/presence/diagnostics.js";
import { SimulatedDevice } from "../../support/device-board.js";
import { House, withDiagnostics } from "../../support/house.js";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const ID = "thermometer020000000001";
const STATUS = `home/kitchen/${ID}/status`;
const FORMER = `homeassistant/sensor/${ID}/temperature/config`;
const DEVICE = `homeassistant/device/${ID}/config`;
const MIGRATE = '{"migrate_discovery":true}';

/** A device that finds `announced` in its flash, written by an earlier life or firmware. */
function device({ announced, ...defaults }: Record<string, string>, house = new House()) {
  const one = new SimulatedDevice({ house, defaults });
  if (announced !== undefined) {
    new KeyValueOnFlash(one.settingsFlash).write(ANNOUNCED_KEY, Uint8Array.from(Buffer.from(announced)).buffer);
  }
  return { one, house, time: house.time };
}

/** The names in the device's flash now: room, id, prefix, channels; "b" behind them: also the buttons. */
function announcedBy(one: SimulatedDevice): string[] {
  return one.firmware.announcement.read().map(({ room, id, prefix, channels }) => {
    return `${room} ${id} ${prefix} ${channels & ~BUTTONS}${channels & BUTTONS ? "b" : ""}`;
  });
}

/** What Home Assistant was sent, in order: the topic, and of a device's message the components, "-" before a removed one. */
function discovery(house: House): string[] {
  return house.messages
    .filter(({ topic }) => topic.endsWith("/config") && !/\/(details|controls)\d/.test(topic))
    .map(({ topic, payload }) => {
      if (topic !== DEVICE || payload === "") return `${topic} ${payload}`;
      const cmps = Object.entries(JSON.parse(payload).cmps) as [string, object][];
      return cmps.map(([name, cmp]) => (Object.keys(cmp).length === 1 ? `-${name}` : name)).join(" ");
    });
}

const UPGRADE = [`${FORMER} ${MIGRATE}`, "temperature", `${FORMER} `];

test.each([
  ["firmware 0.1", `kitchen/${ID}`],
  ["later, in lines", `kitchen/${ID}/homeassistant\n`],
])(
  "an upgrade from %s: the entity migrates, in the documented order, and no message is left behind",
  (_what, announced) => {
    const { one, house, time } = device({ announced });
    house.retained.set(FORMER, "{}").set(STATUS, "offline");
    one.powerOn();
    time.advance(MINUTE);
    expect(discovery(house)).toEqual(UPGRADE);
    expect([...house.retained.keys()].sort()).toEqual(withDiagnostics([DEVICE, STATUS]));
    expect(announcedBy(one)).toEqual([`kitchen ${ID} homeassistant 1b`]);
    one.reboot();
    time.advance(MINUTE);
    expect(discovery(house)).toEqual([...UPGRADE, "temperature"]);
  },
);

test("an upgrade from 0.1 with connections that are cut at any moment: in order on each of them, and in the end all of it", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 4_000 }), { maxLength: 6 }), (cuts) => {
      const { one, house, time } = device({ announced: `kitchen/${ID}` });
      house.retained.set(FORMER, "{}");
      one.powerOn();
      for (const cut of cuts) {
        time.advance(cut);
        house.network.resetAll();
      }
      time.advance(3 * MINUTE);
      expect([...house.retained.keys()].sort()).toEqual(withDiagnostics([DEVICE, STATUS]));
      const seen = discovery(house).filter((each) => each !== "temperature");
      seen.forEach((each, n) => {
        if (each === `${FORMER} `) expect(seen[n - 1]).toBe(`${FORMER} ${MIGRATE}`);
      });
    }),
    { numRuns: 40 },
  );
});

test("an upgrade from 0.1 with discovery off: the entity is removed, and nothing is announced", () => {
  const { one, house, time } = device({ announced: `kitchen/${ID}`, discovery: "off" });
  house.retained.set(FORMER, "{}");
  one.powerOn();
  time.advance(MINUTE);
  expect(discovery(house)).toEqual([`${FORMER} `]);
});

test("an upgrade from 0.1 with another id: an entity of another device, so the old one is removed", () => {
  const { one, house, time } = device({ announced: "kitchen/t7" });
  const former = "homeassistant/sensor/t7/temperature/config";
  house.retained.set(former, "{}");
  one.powerOn();
  time.advance(MINUTE);
  expect(discovery(house)).toEqual(["temperature", `${former} `]);
});

test("channels that an earlier life announced and no sample has are removed, and then left out", () => {
  const { one, house, time } = device({ announced: `kitchen/${ID}/homeassistant+7\n` });
  one.powerOn();
  time.advance(MINUTE);
  expect(discovery(house)).toEqual(["-pressure -humidity temperature", "temperature"]);
  expect(announcedBy(one)).toEqual([`kitchen ${ID} homeassistant 1b`]);
});

test("before the first sample the device has the channels that it had last", () => {
  const { one, house, time } = device({ announced: `kitchen/${ID}/homeassistant+7\n` });
  one.unplugSensor();
  one.powerOn();
  time.advance(MINUTE);
  expect(discovery(house)).toEqual(["pressure humidity temperature"]);
  one.plugSensor();
  time.advance(5 * MINUTE);
  expect(discovery(house)).toEqual(["pressure humidity temperature", "-pressure -humidity temperature", "temperature"]);
});

test("and no buttons that it had last, where they are not allowed any more", () => {
  const { one, house, time } = device({ announced: `kitchen/${ID}/homeassistant+${1 | BUTTONS}\n`, remote: "off" });
  one.unplugSensor();
  one.powerOn();
  time.advance(MINUTE);
  expect(announcedBy(one).at(-1)).toBe(`kitchen ${ID} homeassistant 1`);
  expect([...house.retained.keys()].filter((topic) => topic.includes("controls"))).toEqual([]);
});

test("a channel that appears later is announced at once; the same ones again are not", () => {
  const { one, house, time } = device({});
  one.powerOn();
  time.advance(MINUTE);
  one.firmware.uplink?.measured(0b011);
  time.advance(SECOND);
  one.firmware.uplink?.measured(0b011);
  time.advance(MINUTE);
  expect(discovery(house)).toEqual(["temperature", "humidity temperature"]);
  expect(announcedBy(one)).toEqual([`kitchen ${ID} homeassistant 3b`]);
});

test("the buttons and numbers are separate: it is sent once more when they are removed, and no part of it is removed", () => {
  const { one, house, time } = device({ remote: "on" });
  one.powerOn();
  time.advance(MINUTE);
  one.set({ remote: "off" });
  time.advance(MINUTE);
  expect(discovery(house)).toEqual(["temperature", "temperature"]);
});

test("payload = plain offers the first value alone: the other entities are removed, and return with json", () => {
  const { one, house, time } = device({});
  one.powerOn();
  time.advance(MINUTE);
  one.firmware.uplink?.measured(0b111);
  time.advance(MINUTE);
  one.set({ payload: "plain" });
  time.advance(MINUTE);
  one.set({ topics: "each" });
  time.advance(MINUTE);
  expect(discovery(house)).toEqual([
    "temperature",
    "pressure humidity temperature",
    "-pressure -humidity temperature",
    "temperature",
    "pressure humidity temperature",
  ]);
});

test("another prefix: the device's message under the old one is removed", () => {
  const { one, house, time } = device({});
  one.powerOn();
  time.advance(MINUTE);
  one.firmware.uplink?.measured(0b011);
  time.advance(MINUTE);
  one.set({ "discovery.prefix": "ha/here" });
  time.advance(MINUTE);
  expect([...house.retained.keys()].sort()).toEqual(withDiagnostics([`ha/here/device/${ID}/config`, STATUS]));
  expect(announcedBy(one)).toEqual([`kitchen ${ID} ha/here 3b`]);
});

test("a message longer than the client's buffer arrives whole and in order, and readings after it", () => {
  const room = '"'.repeat(64);
  const announced = `${room}/${ID}/homeassistant\n${room}/${ID}/homeassistant+7\n`;
  const { one, house, time } = device({ announced, room, topics: "each" });
  house.retained.set(FORMER, "{}");
  one.unplugSensor();
  one.powerOn();
  time.advance(MINUTE);
  expect(house.payloads(DEVICE)[0].length).toBeGreaterThan(1_500);
  expect(discovery(house)).toEqual([UPGRADE[0], "pressure humidity temperature", UPGRADE[2]]);
  expect([...house.retained.keys()].sort()).toEqual(withDiagnostics([DEVICE, `home/${room}/${ID}/status`]));
  one.plugSensor();
  time.advance(5 * MINUTE);
  expect(house.sequences(room).length).toBeGreaterThan(4);
  expect(one.crashes).toEqual([]);
});

test.each(["+", "+0x", "+-1", "+4096", "+1.5", "+1+1"])(
  "flash says %s of the channels: left out, or the form of 0.1",
  (mask) => {
    const { one, house, time } = device({ announced: `kitchen/${ID}/homeassistant${mask}\n` });
    one.powerOn();
    time.advance(MINUTE);
    expect(house.retained.has(DEVICE)).toBe(true);
    expect(house.retained.has(FORMER)).toBe(false);
    expect(announcedBy(one)).toEqual([`kitchen ${ID} homeassistant 1b`]);
  },
);

test.each([
  ["measures its cells", { battery: new Cells({ volts: 3.01 }).port }],
  ["does not measure its cells", {}],
])(
  "a board that %s, discovery off: what was retained is removed, and nothing else, of which Home Assistant would warn",
  (_what, board) => {
    const house = new House();
    const one = new SimulatedDevice({ house, defaults: { remote: "on" }, ...board }).powerOn();
    house.time.advance(MINUTE);
    const retained = [...house.retained.keys()].filter((topic) => topic.startsWith("homeassistant/"));
    expect(retained.filter((topic) => topic.includes("/details"))).toHaveLength(
      "battery" in board ? DETAIL_MESSAGES : DETAILS_WITHOUT_CELLS,
    );
    one.set({ discovery: "off" });
    house.time.advance(MINUTE);
    const removed = house.messages.filter(({ payload }) => payload === "").map(({ topic }) => topic);
    expect(removed.sort()).toEqual(retained.sort());
  },
);
