/* The page's packets: decoded with names, without passwords. */
import mqtt, { type Packet } from "mqtt-packet";
import { expect, test } from "vitest";
import { Wire } from "../../boards/desktop/page/server/wire.js";

function shown(version: 4 | 5, ...packets: ["sent" | "received", Packet][]) {
  const wire = new Wire();
  const tap = wire.tap({ host: "127.0.0.1", port: 1883 });
  const greeting: Packet = {
    cmd: "connect",
    protocolId: "MQTT",
    protocolVersion: version,
    clientId: "kitchen",
    clean: true,
    keepalive: 60,
    username: "u",
    password: Buffer.from("correct horse"),
  };
  for (const [direction, packet] of [["sent", greeting] as const, ...packets]) {
    for (const byte of mqtt.generate(packet, { protocolVersion: version })) tap[direction](Uint8Array.of(byte));
  }
  tap.closed();
  return wire.packets;
}

test("version 5: types, flags, ids, properties and reasons by name; the password is not there", () => {
  const packets = shown(
    5,
    ["received", { cmd: "connack", reasonCode: 0, sessionPresent: true, properties: { receiveMaximum: 3 } }],
    [
      "sent",
      {
        cmd: "publish",
        topic: "home/x/temperature",
        payload: '{"seq":1}',
        qos: 1,
        dup: true,
        retain: false,
        messageId: 2,
      },
    ],
    ["received", { cmd: "puback", messageId: 2, reasonCode: 0x97 }],
    ["received", { cmd: "disconnect", reasonCode: 0x8b }],
  );
  expect(packets.map(({ type, flags, packetId, detail }) => [type, flags, packetId, detail])).toEqual([
    ["link", "", undefined, "opens 127.0.0.1:1883"],
    ["CONNECT", "clean start", undefined, "MQTT 5, id kitchen, keep-alive 60 s, user u, password ***"],
    ["CONNACK", "session present", undefined, "success {receiveMaximum 3}"],
    ["PUBLISH", "QoS 1, DUP", 2, '{"seq":1}'],
    ["PUBACK", "", 2, "quota exceeded (0x97)"],
    ["DISCONNECT", "", undefined, "server shutting down (0x8b)"],
    ["link", "", undefined, "closed"],
  ]);
  expect(packets.filter(({ isRefusal }) => isRefusal).map(({ type }) => type)).toEqual(["PUBACK", "DISCONNECT"]);
  expect(JSON.stringify(packets)).not.toContain("correct horse");
});

test("version 3.1.1: return codes by name; what is no MQTT is shown as such, and breaks nothing", () => {
  const [, , connack] = shown(4, ["received", { cmd: "connack", returnCode: 5, sessionPresent: false }]);
  expect(connack).toMatchObject({ type: "CONNACK", detail: "not authorised" });
  const wire = new Wire();
  const tap = wire.tap({ port: 1 });
  tap.received(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff));
  expect(wire.packets.at(-1)?.type).toBe("malformed");
});
