/*
 * What the device says of itself, before brokers that do not take it: readings go on without, status says so, and a network that
 * drops at random is no proof of anything.
 */
import { describe, expect, test } from "vitest";
import { KeyValueOnFlash } from "../../../boards/parts/key-value.js";
import { FIRST_RETRY_MS, MAX_RETRY_MS, PROOF_MS } from "../../../src/thermometer/presence/acceptance.js";
import { ANNOUNCED_KEY } from "../../../src/thermometer/presence/announcement.js";
import type { ClientPacket } from "../../simulation/broker/packets.js";
import type { Terms } from "../../simulation/broker/terms.js";
import type { Peer } from "../../simulation/network.js";
import { SimulatedDevice } from "../../support/device-board.js";
import { House, withDiagnostics } from "../../support/house.js";
import { isDetail, refuse } from "./refusing.js";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const ID = "thermometer020000000001";
const STATUS = `home/kitchen/${ID}/status`;
const formerTopic = (prefix = "homeassistant", id = ID) => `${prefix}/sensor/${id}/temperature/config`;
const discoveryTopic = (prefix = "homeassistant", id = ID) => `${prefix}/device/${id}/config`;

function device(defaults: Record<string, string> = {}, house = new House()) {
  const one = new SimulatedDevice({ house, defaults });
  return { one, house, time: house.time };
}

const isDiscovery = (packet: ClientPacket): boolean =>
  packet.type === "publish" && packet.topic.startsWith("homeassistant/");
const isRetained = (packet: ClientPacket): boolean =>
  (packet.type === "publish" && packet.retain) || (packet.type === "connect" && packet.will?.retain === true);
const isAboutStatus = (packet: ClientPacket): boolean =>
  isRetained(packet) ||
  (packet.type === "publish" && packet.topic === STATUS) ||
  (packet.type === "connect" && packet.will !== undefined);

describe("a broker that closes the connection on", () => {
  test.each([
    ["diagnostics", isDetail, /closes on diagnostics, or on a subscription to commands; readings go on/, "online"],
    ["discovery", isDiscovery, /closes on discovery; readings go on/, "online"],
    [
      "a subscription",
      (p: ClientPacket) => p.type === "subscribe",
      /closes on a subscription to homeassistant\/status/,
      "online",
    ],
    ["retained messages", isRetained, /closes on retained messages; readings go on/, undefined],
    ["the status topic", isAboutStatus, new RegExp(`closes on ${STATUS}; readings go on`), undefined],
  ] as const)(
    "%s: readings continue without it, it is reported once, and tried at growing intervals",
    (_what, isRefused, why, status) => {
      const { one, house, time } = device({ "mqtt.qos": "2" });
      const seen = refuse(house, isRefused);
      one.powerOn();
      let said = "";
      for (let minute = 0; minute < 24 * 60; minute++) {
        time.advance(MINUTE);
        said += one.port.take();
      }
      expect(said.match(/broker refuses some/g)).toHaveLength(1);
      expect(said).toMatch(why);
      expect(one.status("discovery")).toMatch(why);
      expect(one.status("discovery")).toMatch(/tried again in \d+ (h|min|s)/);
      expect(one.status("losses") ?? "").not.toContain("dead-lettered");
      expect(seen.refusals).toBeLessThan(30);
      expect(house.sequences().length).toBeGreaterThan(8_600);
      expect(new Set(house.sequences()).size).toBe(house.sequences().length);
      expect(house.retained.get(STATUS)).toBe(status);
      const before = seen.refusals;
      time.advance(MAX_RETRY_MS + HOUR);
      expect(seen.refusals - before).toBeGreaterThan(0);
      expect(seen.refusals - before).toBeLessThan(3);
      expect(one.crashes).toEqual([]);
    },
  );

  test("discovery, until the rules change: discovered with the next attempt, and reported", () => {
    const { one, house, time } = device();
    let isOpen = false;
    refuse(house, (packet) => !isOpen && isDiscovery(packet));
    one.powerOn();
    time.advance(10 * MINUTE);
    expect(house.retained.has(discoveryTopic())).toBe(false);
    isOpen = true;
    time.advance(HOUR);
    expect(house.retained.has(discoveryTopic())).toBe(true);
    expect(one.status("discovery")).toBeUndefined();
    expect(one.port.take()).not.toContain("refuses some");
  });

  test("discovery, and discovery is switched off: nothing is tried any more, in this life and the next", () => {
    const { one, house, time } = device();
    const seen = refuse(house, isDiscovery);
    one.powerOn();
    time.advance(10 * MINUTE);
    one.set({ discovery: "off" });
    const before = seen.refusals;
    time.advance(24 * HOUR);
    one.reboot();
    time.advance(HOUR);
    expect(seen.refusals).toBe(before);
    expect(one.status("discovery")).toBeUndefined();
    expect(house.retained.get(STATUS)).toBe("online");
  });

  test("at any message: no verdict, all is sent again as soon as it accepts something", () => {
    const { one, house, time } = device();
    let isOpen = false;
    refuse(house, ({ type }) => !isOpen && type !== "connect");
    one.powerOn();
    time.advance(HOUR);
    isOpen = true;
    time.advance(10 * MINUTE);
    expect(one.status("discovery")).toBeUndefined();
    expect(house.retained.get(STATUS)).toBe("online");
    expect(house.retained.has(discoveryTopic())).toBe(true);
  });
});

test.each(["1", "2"])(
  "a broker that closes on some readings, at QoS %s: these are the cause, not the messages beside them",
  (qos) => {
    const { one, house, time } = device({ "mqtt.qos": qos });
    refuse(house, (packet) => packet.type === "publish" && /"seq":\d*[27]3}/.test(packet.payload));
    one.powerOn();
    for (let minutes = 0; minutes < 4 * 60; minutes++) {
      time.advance(MINUTE);
      expect(one.firmware.uplink?.presence.trouble).toBeUndefined();
    }
    expect(one.firmware.uplink?.status.lastError?.kind).toBe("closed");
    expect(house.retained.has(discoveryTopic())).toBe(true);
  },
);

test("a subscription that the broker does not grant is reported with its reason, in MQTT 5 as in 3.1.1", () => {
  const { one, time } = device();
  one.powerOn();
  time.advance(MINUTE);
  one.port.take();
  for (const code of [0, 0x80, 0x87]) one.firmware.uplink?.onSubscribed("homeassistant/status", code);
  expect(one.port.take().match(/not granted.*/g)).toEqual([
    "not granted: unspecified error (0x80); discovery is sent only when connecting",
    "not granted: not authorised (0x87); discovery is sent only when connecting",
  ]);
});

test("a network that resets at random, for days: no verdict, and never longer than a minute without discovery", () => {
  const { one, house, time } = device({ interval: "60" });
  one.powerOn();
  let said = "";
  for (let n = 0; n < 5_000; n++) {
    time.advance(house.random.whole(0, 60) * SECOND);
    house.network.resetAll();
    said += one.port.take();
  }
  time.advance(5 * MINUTE);
  expect(said).not.toContain("refuses some");
  expect(house.retained.get(STATUS)).toBe("online");
  expect(one.status("discovery")).toBeUndefined();
  expect(PROOF_MS + FIRST_RETRY_MS).toBeLessThan(MINUTE);
});

describe("a broker that is stopped again and again is not one that refuses anything", () => {
  /** It lives for `lifeS` seconds from each connection on, every fifth time for longer, and is away for `awayS`. */
  function stops(version: "3.1.1" | "5", lifeS: number, awayS: number, times: number) {
    const { one, house, time } = device({ "mqtt.version": version });
    one.powerOn();
    const rows: (string | undefined)[] = [];
    for (let n = 0; n < times; n++) {
      time.runUntil(() => one.firmware.uplink?.status.state === "connected", 2 * MINUTE);
      time.advance((n % 5 === 4 ? 40 : lifeS) * SECOND);
      house.broker.stop("kept");
      time.advance(awayS * SECOND);
      house.broker.start();
      rows.push(one.status("discovery"));
    }
    time.advance(2 * MINUTE);
    rows.push(one.status("discovery"));
    return { verdicts: rows.filter(Boolean), isWhole: house.retained.has(`home/kitchen/${ID}/diagnostics`) };
  }

  test.each([
    ["3.1.1", 5, 20],
    ["3.1.1", 12, 20],
    ["3.1.1", 15, 5],
    ["5", 5, 20],
    ["5", 12, 20],
    ["5", 12, 0], // back before the next attempt: but it has reported that it shuts down
  ] as const)("MQTT %s, %d s after the device has come, for %d s", (version, lifeS, awayS) => {
    const { verdicts, isWhole } = stops(version, lifeS, awayS, 24);
    expect(verdicts).toEqual([]);
    expect(isWhole).toBe(true);
  });

  test("but one that is down after each close, whatever was sent: detected after more of them", () => {
    const { one, house, time } = device({ "mqtt.version": "3.1.1" });
    const broker = house.broker;
    const seen = refuse(house, (packet) => {
      if (isDiscovery(packet)) broker.stop("kept"); // it crashes on it
      return isDiscovery(packet);
    });
    one.powerOn();
    for (let n = 0; n < 480; n++) {
      time.advance(15 * SECOND);
      if (one.firmware.uplink?.status.lastError?.kind === "unreachable") broker.start(); // not before an attempt has failed
    }
    expect(one.status("discovery")).toContain("closes on discovery");
    expect(seen.refusals).toBeLessThan(25);
    expect(house.sequences().length).toBeGreaterThan(200);
  });
});

describe("Home Assistant has started", () => {
  /** Publishes to the device as a broker does that has its subscription. */
  function world(prefix = "homeassistant", version: "3.1.1" | "5" = "3.1.1", terms: Partial<Terms> = {}) {
    const house = new House(terms);
    const listen = house.broker.listen;
    const peers: Peer[] = [];
    house.broker = Object.assign(Object.create(house.broker), {
      listen: (peer: Peer) => {
        peers.push(peer);
        return listen(peer);
      },
    });
    const { one, time } = device({ interval: "3600", "discovery.prefix": prefix, "mqtt.version": version }, house);
    one.powerOn();
    time.advance(MINUTE);
    const publish = (payload: string, retain: boolean, topic = `${prefix}/status`): void => {
      const properties = version === "5" ? [0] : []; // none
      const head = [Buffer.from([0, topic.length]), Buffer.from(topic), Buffer.from(properties)];
      const body = Buffer.concat([...head, Buffer.from(payload)]);
      peers.at(-1)?.send(Uint8Array.from([retain ? 0x31 : 0x30, body.length, ...body]));
    };
    const announced = (): number => house.payloads(discoveryTopic(prefix)).length;
    return { one, house, time, peers, publish, announced };
  }

  test("online: discovery and availability once more, within ten seconds, however often it is published", () => {
    const { house, time, publish, announced } = world();
    expect(announced()).toBe(1);
    const online = house.payloads(STATUS).length;
    publish("offline", false);
    publish("online", false);
    publish("online", false);
    time.advance(11 * SECOND);
    expect(announced()).toBe(2);
    expect(house.payloads(STATUS)).toHaveLength(online + 1);
    publish("online", false);
    time.advance(11 * SECOND);
    expect(announced()).toBe(3);
  });

  test("at a broker without retained messages, too: it is not thrown out, and blamed for nothing", () => {
    const { one, house, time, peers, publish, announced } = world(undefined, "5", { retainAvailable: false });
    time.advance(HOUR);
    const connections = peers.length;
    publish("online", false);
    time.advance(11 * SECOND);
    expect(announced()).toBe(2);
    expect(house.payloads(STATUS).at(-1)).toBe("online");
    expect(house.messages.filter(({ retain }) => retain)).toEqual([]);
    time.advance(24 * HOUR);
    expect(peers).toHaveLength(connections);
    expect(one.status("discovery")).toBeUndefined();
    expect(house.breaches).toEqual([]);
  });

  test("under the longest prefix that the settings take", () => {
    const { time, peers, publish, announced } = world("p".repeat(64));
    const connections = peers.length;
    publish("online", false);
    time.advance(11 * SECOND);
    expect(announced()).toBe(2);
    expect(peers).toHaveLength(connections); // on the same connection: a topic that is too long for the client ends it
  });

  test("retained, as after each subscription, or another payload: nothing is sent again", () => {
    const { time, publish, announced } = world();
    publish("online", true);
    publish("onlinf", false);
    publish("offline", false);
    publish("onlineonline", false);
    publish("", false);
    time.advance(MINUTE);
    expect(announced()).toBe(1);
  });

  test("devices of a house do not answer in the same moment", () => {
    const delays = new Set<number>();
    for (let n = 0; n < 8; n++) {
      const { house, time, publish, announced } = world();
      for (let skip = 0; skip < n; skip++) house.random.unit();
      publish("online", false);
      const from = time.nowMs;
      time.runUntil(() => announced() === 2, 11 * SECOND);
      delays.add(Math.round((time.nowMs - from) / 100));
    }
    expect(delays.size).toBeGreaterThan(4);
  });

  test("and the connection ends before the answer: it is sent on the next connection, and not twice", () => {
    const { house, time, publish, announced } = world();
    publish("online", false);
    time.advance(100);
    house.network.resetAll();
    time.advance(MINUTE);
    expect(announced()).toBe(2);
  });
});

describe("discovery", () => {
  test("off from the start: Home Assistant is never notified, nothing is subscribed to, availability is there", () => {
    const { one, house, time } = device({ discovery: "off", remote: "off" });
    const seen = refuse(house, (packet) => isDiscovery(packet) || packet.type === "subscribe");
    one.powerOn();
    time.advance(MINUTE);
    expect(seen.refusals).toBe(0);
    expect([...house.retained.keys()].sort()).toEqual(withDiagnostics([STATUS]));
  });

  test("switched off: the entity is removed at once; on: it is there at once", () => {
    const { one, house, time } = device();
    one.powerOn();
    time.advance(MINUTE);
    expect(house.retained.has(discoveryTopic())).toBe(true);
    one.set({ discovery: "off" });
    time.advance(SECOND);
    expect([...house.retained.keys()].sort()).toEqual(withDiagnostics([STATUS]));
    one.set({ discovery: "on" });
    time.advance(SECOND);
    expect(house.retained.get(discoveryTopic())).toContain("stat_t");
  });

  test("switched off while the broker is down, and the power is cut: removed all the same", () => {
    const { one, house, time } = device();
    one.powerOn();
    time.advance(MINUTE);
    house.broker.stop("kept");
    one.set({ discovery: "off" });
    one.cut();
    house.broker.start();
    one.powerOn();
    time.advance(MINUTE);
    expect([...house.retained.keys()].sort()).toEqual(withDiagnostics([STATUS]));
  });

  test("another prefix: the entity under the old one is removed, the new one's status is subscribed", () => {
    const { one, house, time } = device();
    const command = `home/kitchen/${ID}/command`;
    const filters: string[] = [];
    refuse(house, (packet) => {
      if (packet.type === "subscribe") filters.push(...packet.filters.map(({ filter }) => filter));
      if (packet.type === "unsubscribe") filters.push(...packet.filters.map((filter) => `-${filter}`));
      return false;
    });
    one.powerOn();
    time.advance(MINUTE);
    one.set({ "discovery.prefix": "ha/here" });
    time.advance(SECOND);
    expect([...house.retained.keys()].filter((topic) => topic.startsWith("homeassistant"))).toEqual([]);
    expect(house.retained.has(discoveryTopic("ha/here"))).toBe(true);
    time.advance(MINUTE);
    expect([...house.retained.keys()].sort()).toEqual(withDiagnostics([discoveryTopic("ha/here"), STATUS]));
    expect(filters).toEqual(["homeassistant/status", command, "-homeassistant/status", "ha/here/status"]);
    one.set({ room: "attic" });
    one.reboot();
    time.advance(MINUTE);
    expect([...house.retained.keys()].sort()).toEqual(
      withDiagnostics([discoveryTopic("ha/here"), STATUS.replace("kitchen", "attic")]),
    );
  });

  test("is not removed when only the room changes: not for a moment, as its entity would lose its history", () => {
    const { one, house, time } = device();
    one.powerOn();
    time.advance(MINUTE);
    one.set({ room: "attic" });
    one.reboot();
    time.advance(MINUTE);
    expect(house.payloads(discoveryTopic())).not.toContain("");
    expect(house.payloads(STATUS)).toContain("");
  });
});

describe("another id, after a power cut that the broker does not hear of", () => {
  const NEW_STATUS = "home/kitchen/new/status";
  const all = withDiagnostics([discoveryTopic("homeassistant", "new"), NEW_STATUS]);

  /** The old id's connection is half open at the broker; the device is on again under the new id. */
  function renamed() {
    const { one, house, time } = device();
    one.powerOn();
    time.advance(MINUTE);
    one.set({ id: "new" });
    house.network.loseDevices();
    one.cut();
    one.powerOn();
    return { one, house, time };
  }

  test("the old connection's will, which arrives later, is removed as well", () => {
    const { one, house, time } = renamed();
    time.advance(MINUTE);
    expect([...house.retained.keys()].sort()).toEqual(all);
    time.runUntil(() => house.retained.get(STATUS) === "offline", 5 * MINUTE);
    expect(house.retained.get(STATUS)).toBe("offline");
    time.advance(5 * MINUTE);
    expect([...house.retained.keys()].sort()).toEqual(all);
    house.network.resetAll();
    time.advance(5 * MINUTE);
    one.reboot();
    const seen = house.payloads(STATUS).length;
    time.advance(5 * MINUTE);
    expect(house.payloads(STATUS).length, "and is forgotten then").toBe(seen);
  });

  test("also where the power, or the connection, goes once more before it comes", () => {
    for (const once of ["cut", "connection"]) {
      const { one, house, time } = renamed();
      time.advance(MINUTE);
      if (once === "cut") {
        one.cut();
        one.powerOn();
      } else one.wifi.down();
      time.runUntil(() => house.retained.get(STATUS) === "offline", 5 * MINUTE);
      one.wifi.up();
      time.advance(10 * MINUTE);
      expect([...house.retained.keys()].sort(), once).toEqual(all);
    }
  });
});

describe("the names in flash", () => {
  test.each([
    ["a wildcard", "a+b/t1/homeassistant\n"],
    ["another wildcard", "#/t1/homeassistant\n"],
    ["a name without end", `${"x".repeat(3_000)}/t1/homeassistant\n`],
    ["an id that is none", "attic/#/homeassistant\n"],
    ["a prefix that is none", "attic/t1/a/#\n"],
    ["nothing between slashes", "//\n"],
    ["no UTF-8", "\xff\xfe"],
    ["an old wildcard", "a+b/t1/attic/t1"],
  ])("with %s: left out, and delivery continues", (_what, text) => {
    const { one, house, time } = device();
    new KeyValueOnFlash(one.settingsFlash).write(ANNOUNCED_KEY, Uint8Array.from(Buffer.from(text, "latin1")).buffer);
    one.powerOn();
    time.advance(MINUTE);
    expect(one.status("broker")).toContain("connected");
    expect(house.sequences().length).toBeGreaterThan(4);
    expect(house.retained.get(STATUS)).toBe("online");
    expect(one.crashes).toEqual([]);
  });

  test("as firmware 0.1 wrote them: removed with Home Assistant's own prefix", () => {
    const { one, house, time } = device();
    house.retained.set("home/attic/t1/status", "offline").set(formerTopic("homeassistant", "t1"), "{}");
    new KeyValueOnFlash(one.settingsFlash).write(ANNOUNCED_KEY, Uint8Array.from(Buffer.from("attic/t1")).buffer);
    one.powerOn();
    time.advance(MINUTE);
    expect([...house.retained.keys()].sort()).toEqual(withDiagnostics([discoveryTopic(), STATUS]));
  });
});
