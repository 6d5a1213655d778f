/*
 * What the device publishes about itself: to Home Assistant, under changed settings and ids, and after power cuts.
 */
import { describe, expect, test } from "vitest";
import { KeyValueOnFlash } from "../../../boards/parts/key-value.js";
import { ANNOUNCED_KEY } from "../../../src/thermometer/presence/announcement.js";
import type { Terms } from "../../simulation/broker/terms.js";
import type { Peer } from "../../simulation/network.js";
import { House, withDiagnostics } from "../../support/house.js";
import { refuse } from "./refusing.js";
import { device, discoveryTopic, formerTopic, HOUR, ID, isDiscovery, MINUTE, SECOND, STATUS } from "./setup.js";

describe("Home Assistant has started", () => {
  /** Publishes to the device as a broker does that has its subscription. */
  function setup(prefix = "homeassistant", version: "3.1.1" | "5" = "3.1.1", terms: Partial<Terms> = {}) {
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
    const { house, time, publish, announced } = setup();
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
    const { one, house, time, peers, publish, announced } = setup(undefined, "5", { retainAvailable: false });
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
    const { time, peers, publish, announced } = setup("p".repeat(64));
    const connections = peers.length;
    publish("online", false);
    time.advance(11 * SECOND);
    expect(announced()).toBe(2);
    expect(peers).toHaveLength(connections); // on the same connection: a topic that is too long for the client ends it
  });

  test("retained, as after each subscription, or another payload: nothing is sent again", () => {
    const { time, publish, announced } = setup();
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
      const { house, time, publish, announced } = setup();
      for (let skip = 0; skip < n; skip++) house.random.unit();
      publish("online", false);
      const from = time.nowMs;
      time.runUntil(() => announced() === 2, 11 * SECOND);
      delays.add(Math.round((time.nowMs - from) / 100));
    }
    expect(delays.size).toBeGreaterThan(4);
  });

  test("and the connection ends before the answer: it is sent on the next connection, and not twice", () => {
    const { house, time, publish, announced } = setup();
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

  /** The old id's connection is half open at the broker; the device is connected again with the new id. */
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
