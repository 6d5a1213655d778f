/*
 * The device's state at the broker: session, availability, discovery message. Devices do not disturb each other's state.
 */
import { describe, expect, test } from "vitest";
import { SimulatedDevice } from "../../support/device-board.js";
import { House, withDiagnostics } from "../../support/house.js";
import { closeOn } from "./close-on.js";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const PUBREL = Buffer.of(0x62, 2);
const ID = "thermometer020000000001";
const statusTopic = (room: string, id = ID) => `home/${room}/${id}/status`;
const discoveryTopic = (id = ID) => `homeassistant/device/${id}/config`;

function running(defaults: Record<string, string> = {}, house = new House()) {
  const one = new SimulatedDevice({ house, defaults });
  one.powerOn();
  house.time.advance(15 * SECOND);
  return { one, house, time: house.time };
}

describe("availability", () => {
  test("online while connected, offline by the will when the power goes, online again after the boot", () => {
    const { one, house, time } = running();
    expect(house.retained.get(statusTopic("kitchen"))).toBe("online");
    one.cut();
    time.advance(2 * MINUTE);
    expect(house.retained.get(statusTopic("kitchen"))).toBe("offline");
    one.powerOn();
    time.advance(15 * SECOND);
    expect(house.retained.get(statusTopic("kitchen"))).toBe("online");
    expect(house.breaches).toEqual([]);
  });

  test("offline, published by the device, when the thermometer is stopped", () => {
    const { one, house, time } = running();
    let isDone = false;
    one.firmware.stop(() => {
      isDone = true;
    });
    time.advance(SECOND);
    expect(isDone).toBe(true);
    expect(house.retained.get(statusTopic("kitchen"))).toBe("offline");
  });

  test("two devices in one room do not change each other's status", () => {
    const { house, time } = running();
    const other = new SimulatedDevice({ house, defaults: { id: "other" } });
    other.powerOn();
    time.advance(15 * SECOND);
    other.cut();
    time.advance(2 * MINUTE);
    expect(house.retained.get(statusTopic("kitchen"))).toBe("online");
    expect(house.retained.get(statusTopic("kitchen", "other"))).toBe("offline");
  });
});

describe("discovery", () => {
  test("the retained message names the topics that are really used", () => {
    const { house } = running({ room: "Büro" });
    const message = JSON.parse(house.retained.get(discoveryTopic()) ?? "");
    expect(message.avty_t).toBe(statusTopic("Büro"));
    expect(house.payloads(message.stat_t)).toHaveLength(2);
    expect(message.cmps.temperature.val_tpl).toBe("{{ value_json.value|default(None) }}");
  });
});

describe("the room is changed", () => {
  test("the retained messages of the old one are removed", () => {
    const { one, house, time } = running();
    one.set({ room: "attic" });
    one.reboot();
    time.advance(30 * SECOND);
    expect([...house.retained.keys()].sort()).toEqual(withDiagnostics([statusTopic("attic"), discoveryTopic()]));
    expect(house.retained.get(statusTopic("attic"))).toBe("online");
  });

  test("while the broker is down, and the power is cut as soon as it is back: they are removed all the same", () => {
    const { one, house, time } = running();
    house.broker.stop("kept");
    one.set({ room: "attic" });
    one.reboot();
    time.advance(MINUTE);
    house.broker.start();
    time.runUntil(() => house.retained.get(statusTopic("attic")) === "online", 5 * MINUTE);
    one.cut();
    house.retained.set(statusTopic("kitchen"), "offline"); // say that nothing of it was received
    one.powerOn();
    time.advance(MINUTE);
    expect(house.retained.has(statusTopic("kitchen"))).toBe(false);
  });

  test("twice, with no reading sent in between: no message of either is left", () => {
    const { one, house, time } = running({ interval: "3600" });
    one.unplugSensor();
    for (const room of ["attic", "bath"]) {
      one.set({ room });
      one.reboot();
      time.advance(MINUTE);
    }
    one.plugSensor();
    time.advance(120 * MINUTE);
    expect([...house.retained.keys()].sort()).toEqual(withDiagnostics([statusTopic("bath"), discoveryTopic()]));
  });

  test("with the id: the old discovery message is removed, too", () => {
    const { one, house, time } = running();
    one.set({ id: "t7", room: "attic" });
    one.reboot();
    time.advance(30 * SECOND);
    expect([...house.retained.keys()].sort()).toEqual(
      withDiagnostics([statusTopic("attic", "t7"), discoveryTopic("t7")]),
    );
  });

  test("at QoS 0, too", () => {
    const { one, house, time } = running({ "mqtt.qos": "0" });
    one.set({ room: "attic" });
    one.reboot();
    time.advance(30 * SECOND);
    expect([...house.retained.keys()].sort()).toEqual(withDiagnostics([statusTopic("attic"), discoveryTopic()]));
  });

  test("costs one write beside the settings, and a reading none", () => {
    const { one, time } = running({ interval: "1" });
    time.advance(2 * MINUTE);
    const before = one.settingsFlash.programs;
    time.advance(30 * MINUTE);
    expect(one.settingsFlash.programs).toBe(before);
  });
});

describe("a factory reset", () => {
  const reset = (one: SimulatedDevice): string => one.type("factory-reset") + one.type("erase");

  test("removes the device's retained messages, before the new device publishes its own", () => {
    const { one, house, time } = running();
    one.set({ room: "attic", id: "t7" });
    one.reboot();
    time.advance(15 * SECOND);
    reset(one);
    time.advance(30 * SECOND);
    expect(one.restarts).toEqual(["reboot", "factory reset"]);
    expect([...house.retained.keys()].sort()).toEqual(withDiagnostics([statusTopic("kitchen"), discoveryTopic()]));
    expect(house.breaches).toEqual([]);
  });

  test("during a backlog, when the message does not fit: never online for ever, and reports which topics stay", () => {
    let full = 0;
    for (let ms = 1; ms < 400; ms += 19) {
      const { one, house, time } = running({ interval: "1", "outbox.window": "32", "mqtt.version": "3.1.1" }); // long packets
      one.set({ room: "attic" });
      one.reboot();
      time.advance(15 * SECOND);
      house.broker.stop("kept");
      time.advance(4 * MINUTE);
      house.network.weather.roomBytes = 1_460;
      house.broker.start();
      time.runUntil(() => one.firmware.uplink?.status.state === "connected", 10 * MINUTE);
      time.advance(ms);
      const printed = reset(one);
      time.runUntil(() => one.restarts.includes("factory reset"), MINUTE);
      one.cut();
      time.advance(10 * MINUTE);
      const status = house.retained.get(statusTopic("attic"));
      if (printed.includes("stays retained there")) full++;
      expect(status).toBe(printed.includes("stays retained there") ? "offline" : undefined);
    }
    expect(full).toBeGreaterThan(0);
  });

  test("announced, and nothing sent yet; the broker is down: reports which topics stay there", () => {
    const one = new SimulatedDevice();
    one.unplugSensor();
    one.powerOn();
    const { house } = one;
    house.time.advance(30 * SECOND);
    house.broker.stop("kept");
    house.time.advance(SECOND);
    expect(reset(one)).toContain("stays retained there");
  });

  test("with the broker away: reports what stays there", () => {
    const { one, house, time } = running();
    house.broker.stop("kept");
    time.advance(SECOND);
    one.port.take();
    expect(reset(one)).toContain(`warn: broker not reached: ${statusTopic("kitchen")} stays retained there`);
    time.advance(SECOND);
    expect(one.restarts).toEqual(["factory reset"]);
  });
});

describe("the session", () => {
  test("another broker at the same address has no session: everything unsettled is sent, nothing is lost", () => {
    const { one, house, time } = running({ "mqtt.qos": "2" });
    house.broker.stop("kept");
    time.advance(MINUTE);
    house.replaceBroker();
    time.advance(3 * MINUTE);
    one.firmware.stopSampling();
    time.advance(MINUTE);
    expect(house.sequences()).toEqual(one.taken);
    expect(house.breaches).toEqual([]);
  });

  test.each([
    ["broker", { "mqtt.host": "10.0.0.2" }],
    ["client id", { id: "t7" }],
  ])("another %s: a session that it may have is wiped before it is used", (_what, change) => {
    const { one, house, time } = running({ "mqtt.qos": "2" });
    const connects = house.broker.connects;
    one.set(change);
    one.reboot();
    time.advance(30 * SECOND);
    expect(house.broker.connects - connects).toBe(2);
    expect(one.port.take()).not.toContain("session resumed");
    one.reboot();
    time.advance(30 * SECOND);
    expect(house.broker.connects - connects).toBe(3);
    expect(one.port.take()).toContain("session resumed");
    expect(house.sequences()).toEqual([...new Set(house.sequences())]);
    expect(house.breaches).toEqual([]);
  });

  test("the first connection of a device's life wipes, the later ones resume", () => {
    const { one, house, time } = running();
    expect(house.broker.connects).toBe(2);
    one.cut();
    one.powerOn();
    time.advance(30 * SECOND);
    expect(house.broker.connects).toBe(3);
  });

  test.each([
    ["2", "64", "3.1.1", "0 of at most 8 (QoS 2) in flight"],
    ["2", "64", "5", "0 of at most 19 (QoS 2) in flight"], // the broker accepts 20
    ["2", "4", "3.1.1", "0 of at most 4 (QoS 2) in flight"],
    ["1", "64", "3.1.1", "0 in flight"],
  ])(
    "at QoS %s with outbox.window %s in MQTT %s, status says %j: a broker may drop what is above its own limit",
    (qos, window, version, says) => {
      const { one } = running({ "mqtt.qos": qos, "outbox.window": window, "mqtt.version": version });
      expect(one.status("broker")).toContain(`, ${says}`);
    },
  );

  test("lost by the broker: possible doubles are counted, and the count survives a power cut", () => {
    const { one, house, time } = running({ "mqtt.qos": "2", interval: "1" });
    house.broker.mood.stalled = true; // accepts PUBLISH, answers nothing
    time.advance(5 * SECOND);
    house.broker.stop("lost");
    house.broker.mood.stalled = false;
    house.broker.start();
    time.advance(MINUTE);
    const counted = Number(/(\d+) possible doubles/.exec(one.status("losses") ?? "")?.[1]);
    const sequences = house.sequences();
    expect(sequences.length - new Set(sequences).size).toBeGreaterThan(0);
    expect(counted).toBeGreaterThanOrEqual(sequences.length - new Set(sequences).size);
    one.cut();
    one.powerOn();
    expect(one.status("losses")).toContain(`${counted} possible doubles`);
  });

  test("a session that turns out to be another one, on the same connection: the log does not report a second connection", () => {
    const { one } = running();
    expect(one.port.take()).toContain("connected to 10.0.0.1:1883, MQTT 5\n");
    one.firmware.uplink?.onSession({ present: false, wiped: false, possibleDoubles: 0, reach: 8 });
    expect(one.port.take()).toBe("broker 10.0.0.1:1883: the session is a new one after all\n");
  });

  test("a broker that never answers PUBREL, and so may have lost the readings: log and status report it", () => {
    const { one, house, time } = running({ "mqtt.qos": "2", interval: "3600" });
    time.advance(30 * MINUTE);
    expect(one.status("losses")).toBeUndefined();
    let isBroken = true;
    const { listen } = house.broker;
    Object.assign(house.broker, {
      listen: (peer: Parameters<typeof listen>[0]) => {
        const acceptor = listen(peer);
        const data = (bytes: Uint8Array) => {
          const rest = [...bytes];
          const at = Buffer.from(bytes).indexOf(PUBREL);
          if (isBroken && at >= 0) rest.splice(at, 4);
          if (rest.length > 0) acceptor?.data(Uint8Array.from(rest));
        };
        return acceptor && { data, ended: () => acceptor.ended() };
      },
    });
    house.network.resetAll();
    time.runUntil(() => one.firmware.uplink?.status.unconfirmed !== 0, 180 * MINUTE);
    const log = one.port.take();
    const says = one.status("losses");
    expect(says).toMatch(/^[12] perhaps lost at the broker$/);
    expect(log).toMatch(/reading \d+ settled: the broker took it over, but never answers PUBREL: it may be/);
    isBroken = false;
    time.advance(180 * MINUTE);
    expect(one.status("losses")).toBe(says);
    expect(one.status("outbox")).toMatch(/^0 waiting/);
  });

  test("a broker that closes the connection at one reading: that one is a dead letter, counted, and the rest are sent", () => {
    const { one, house, time } = running({ interval: "60" });
    closeOn(house, '"seq":3}');
    house.network.resetAll();
    time.advance(60 * MINUTE);
    expect(one.status("losses")).toBe("1 dead-lettered");
    expect(house.sequences().slice(0, 5)).toEqual([0, 1, 2, 4, 5]);
    one.cut();
    one.powerOn();
    expect(one.status("losses")).toBe("1 dead-lettered");
  });
});
