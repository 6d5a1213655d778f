/*
 * Packets of version 5, compared with bytes written by hand from the standard.
 */
import { describe, expect, test } from "vitest";
import { meaningOf, reasonText } from "../../../src/mqtt/v5/reasons.js";
import { version5 } from "../../../src/mqtt/v5/version5.js";
import type { ConnectOptions, Will } from "../../../src/mqtt/wire/codec.js";
import { encodeTopicName } from "../../../src/mqtt/wire/topics.js";
import { bytesOf, field, hexOf } from "../support/scripted-peer.js";

function spaced(hex: string): string {
  return hexOf(bytesOf(hex));
}

function connect(options: Partial<ConnectOptions> = {}, clean = false, will?: Will): string {
  return hexOf(version5.connect({ id: "t1", ...options }, clean, will));
}

const WILL: Will = { topic: "w", payload: Uint8Array.of(1), qos: 1, retain: true };

describe("CONNECT", () => {
  test("version, flags, keep-alive, no properties, client id (5: 3.1.2-1, 3.1.2-2, 3.1.2-3, 3.1.2-11, 3.1.2-13, 3.1.2-16, 3.1.2-18, 3.1.3-3, 2.2.2-1)", () => {
    expect(connect()).toBe(spaced(`10 0f ${field("MQTT")} 05 00 00 3c 00 ${field("t1")}`));
    expect(connect({ keepAlive: 0 }, true)).toBe(spaced(`10 0f ${field("MQTT")} 05 02 00 00 00 ${field("t1")}`));
  });

  test("session expiry, Receive Maximum and Maximum Packet Size, where they are asked for", () => {
    const asked = { sessionExpiryS: 604_800, receiveMaximum: 10, maxPacketBytes: 4_096 };
    expect(connect(asked)).toBe(
      spaced(`10 1c ${field("MQTT")} 05 00 00 3c 0d 11 00 09 3a 80 21 00 0a 27 00 00 10 00 ${field("t1")}`),
    );
    expect(connect({ sessionExpiryS: 0xffff_ffff })).toContain("05 11 ff ff ff ff");
    // A session that is not to last ends with its connection.
    expect(connect(asked, true)).toBe(
      spaced(`10 17 ${field("MQTT")} 05 02 00 3c 08 21 00 0a 27 00 00 10 00 ${field("t1")}`),
    );
  });

  test("will with properties, user and password, in their order (5: 3.1.2-9, 3.1.2-12, 3.1.3-1, 3.1.2-17, 3.1.2-19)", () => {
    expect(connect({ user: "u", password: "p" }, false, WILL)).toBe(
      spaced(
        `10 1c ${field("MQTT")} 05 ec 00 3c 00 ${field("t1")} 00 ${field("w")} 00 01 01 ${field("u")} ${field("p")}`,
      ),
    );
    const properties = { payloadFormat: 1, messageExpiryS: 60, contentType: "x" };
    expect(connect({}, false, { ...WILL, properties })).toBe(
      spaced(
        `10 21 ${field("MQTT")} 05 2c 00 3c 00 ${field("t1")} 0b 01 01 02 00 00 00 3c 03 ${field("x")} ${field("w")} 00 01 01`,
      ),
    );
  });

  test.each<[string, () => unknown]>([
    ["receiveMaximum 0: expected 1 to 65535", () => connect({ receiveMaximum: 0 })],
    ["receiveMaximum 65536: expected 1 to 65535", () => connect({ receiveMaximum: 65_536 })],
    ["maxPacketBytes 0: expected 1 to 4294967295", () => connect({ maxPacketBytes: 0 })],
    ["sessionExpiryS -1: expected 0 to 4294967295", () => connect({ sessionExpiryS: -1 })],
    ["sessionExpiryS NaN: expected 0 to 4294967295", () => connect({ sessionExpiryS: Number.NaN })],
    ["sessionExpiryS 1.5: expected 0 to 4294967295", () => connect({ sessionExpiryS: 1.5 })],
    ["subscriptionId: not in this packet (5: 3.3.4-6)", () => version5.properties({ subscriptionId: 1 })],
    ["maxQoS: not in this packet", () => version5.properties({ maxQoS: 1 })],
    ["reason: not in this packet", () => version5.properties({ reason: "x" })],
    ["payloadFormat 2: expected 0 to 1", () => version5.properties({ payloadFormat: 2 })],
    ["contentType: over 65,535 bytes, or with U+0000", () => version5.properties({ contentType: "x".repeat(65_536) })],
    [
      "contentType: over 65,535 bytes, or with U+0000 (5: 1.5.4-2, 3.3.2-19)",
      () => version5.properties({ contentType: "\0" }),
    ],
    ["id: over 65,535 bytes, or with U+0000 or half a surrogate pair (5: 3.1.3-4)", () => connect({ id: "\ud800" })],
    ["user: over 65,535 bytes, or with U+0000 or half a surrogate pair (5: 3.1.3-12)", () => connect({ user: "\0" })],
    ["wildcard in a topic name: a/+ (5: 3.1.3-11, 4.7.0-1)", () => connect({}, false, { ...WILL, topic: "a/+" })],
    ["empty topic:  (5: 4.7.3-1)", () => connect({}, false, { ...WILL, topic: "" })],
    ["will QoS 3: expected 0..2 (5: 3.1.2-12)", () => connect({}, false, { ...WILL, qos: 3 as 2 })],
    ["empty topic:  (5: 4.7.3-1)", () => version5.subscribe(1, "", 0)],
    ["U+0000 or half a surrogate pair in a topic: a\0 (5: 4.7.3-2)", () => version5.unsubscribe(1, "a\0")],
    ["topic over 65,535 bytes: xxx (5: 4.7.3-3)", () => version5.subscribe(1, "x".repeat(65_536), 0)],
    ["# must be the whole last level: a# (5: 4.7.1-1)", () => version5.subscribe(1, "a#", 1)],
    ["+ must be a whole level: a+ (5: 4.7.1-2)", () => version5.unsubscribe(1, "a+")],
  ])("what MQTT cannot express is a RangeError: %s", (message, make) => {
    expect(make).toThrow(RangeError);
    expect(make).toThrow(message.replace(/(xxx)? \(5: .*/, ""));
  });
});

test("SUBSCRIBE requests retained messages only with a new subscription, and has no reserved bits (5: 3.3.1-10, 3.8.1-1, 3.8.3-1, 3.8.3-2, 3.8.3-4, 3.8.3-5)", () => {
  expect(hexOf(version5.subscribe(0xf001, "a/+", 2))).toBe(spaced(`82 09 f0 01 00 ${field("a/+")} 12`));
  expect(hexOf(version5.subscribe(1, "a", 0))).toBe(spaced(`82 07 00 01 00 ${field("a")} 10`));
});

test("UNSUBSCRIBE has an id, no properties and a filter (5: 3.10.1-1, 3.10.3-1, 3.10.3-2)", () => {
  expect(hexOf(version5.unsubscribe(0xf001, "a/#"))).toBe(spaced(`a2 08 f0 01 00 ${field("a/#")}`));
});

test("DISCONNECT: on purpose two bytes, with a reason three (5: 3.14.1-1)", () => {
  expect(hexOf(version5.disconnect(0))).toBe("e0 00");
  expect(hexOf(version5.disconnect(4))).toBe("e0 01 04");
});

test("PUBLISH from RAM has no properties (5: 2.2.2-1, 3.3.2-1, 3.3.4-6)", () => {
  const packet = version5.publish(0x33, 0xf001, encodeTopicName("a/b"), Uint8Array.of(1, 2));
  expect(hexOf(packet)).toBe(spaced(`33 0a ${field("a/b")} f0 01 00 01 02`));
});

test("properties of a message are in the order of the table, each once, numbers big-endian", () => {
  const properties = {
    contentType: "application/json",
    messageExpiryS: 3_600,
    payloadFormat: 1,
    correlationData: Uint8Array.of(0, 255),
  };
  expect(hexOf(version5.properties({ ...properties, responseTopic: "r" }))).toBe(
    spaced(`01 01 02 00 00 0e 10 03 ${field("application/json")} 08 ${field("r")} 09 00 02 00 ff`),
  );
});

describe("reason codes", () => {
  test("each has a meaning, and a name for people with the number that the standard uses", () => {
    expect([0, 1, 2, 4, 0x10, 0x11].map(meaningOf)).toEqual(Array(6).fill("done"));
    const codes = Array.from({ length: 35 }, (_, n) => 0x80 + n);
    const texts = codes.map(reasonText);
    expect(new Set(texts).size).toBe(35);
    expect(texts[0x00]).toBe("unspecified error (0x80)");
    expect(texts[0x07]).toBe("not authorised (0x87)");
    expect(texts[0x10]).toBe("topic name not valid (0x90)");
    expect(texts[0x17]).toBe("quota exceeded (0x97)");
    expect(texts[0x22]).toBe("wildcard subscriptions not supported (0xa2)");
    expect(reasonText(0xa3)).toBe("unspecified error (0xa3)");
    expect(meaningOf(0xff)).toBe("later");
  });

  test.each([
    ["later", [0x80, 0x83, 0x88, 0x89, 0x8b, 0x8d, 0x91, 0x96, 0x97, 0x9f, 0xa0]],
    ["cannot", [0x95, 0x99]],
    ["not allowed", [0x85, 0x86, 0x87, 0x8a, 0x8c, 0x8f, 0x90, 0x98]],
    ["limit", [0x9a, 0x9b, 0x9e, 0xa1, 0xa2]],
    ["moved", [0x9c, 0x9d]],
    ["taken over", [0x8e]],
    ["protocol", [0x81, 0x82, 0x84, 0x93, 0x94]],
    ["unknown id", [0x92]],
  ])("%s", (meaning, codes) => {
    expect(codes.map(meaningOf)).toEqual(codes.map(() => meaning));
  });
});
