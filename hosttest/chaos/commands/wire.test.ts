import type { Packet } from "mqtt-packet";
import { expect, test } from "vitest";
import type { Logged } from "../bad-network.js";
import { connack, device, nameOf, puback, publish, pubrec, pubrel } from "./packets.js";
import { breachesOf, eventsOf, isSubscribed, type WireEvent } from "./wire.js";

const kinds = (...log: Logged[]) => eventsOf(log, nameOf).map(({ kind, name }) => `${name} ${kind}`);
const breaches = (events: WireEvent[], qos: 1 | 2, ...accepted: string[]) =>
  breachesOf(events, { qos, accepted: new Set(accepted) });

test("sent again with DUP before its acknowledgement: delivered once", () => {
  expect(kinds(publish("a", 1), publish("a", 1, { dup: true }), puback(1), puback(1))).toEqual([
    "a delivered",
    "a repeated",
    "a acknowledged",
  ]);
});

test("its first sending did not arrive: DUP alone makes it no repetition; nor does another one's packet id", () => {
  expect(kinds(publish("a", 1, { dup: true }))).toEqual(["a delivered"]);
  expect(kinds(publish("b", 1), publish("a", 1, { dup: true }))).toEqual(["b delivered", "a delivered"]);
});

test("in a new session nothing is sent again; in the same one it is", () => {
  expect(kinds(publish("a", 1), connack(false), publish("a", 1, { dup: true }))).toEqual([
    "a delivered",
    "a delivered",
  ]);
  expect(kinds(publish("a", 1), connack(true), publish("a", 1, { dup: true }))).toEqual(["a delivered", "a repeated"]);
});

test("a packet id that something else has had meanwhile is not the command's any more", () => {
  expect(kinds(publish("a", 1), publish(undefined, 1), puback(1))).toEqual(["a delivered"]);
});

test("subscribed: when the broker grants that topic, on that connection", () => {
  const subscribe = device({ cmd: "subscribe", messageId: 7, subscriptions: [{ topic: "t/command", qos: 2 }] });
  const suback = (code: number, connection = 0): Logged => ({
    connection,
    from: "broker",
    packet: { cmd: "suback", messageId: 7, granted: [code] } as unknown as Packet,
  });
  const other = device({ cmd: "subscribe", messageId: 7, subscriptions: [{ topic: "t/update", qos: 0 }] });
  expect(isSubscribed([connack(true), subscribe], "t/command")).toBe(false);
  expect(isSubscribed([suback(2), subscribe], "t/command")).toBe(false);
  expect(isSubscribed([subscribe, suback(2)], "t/command")).toBe(true);
  expect(isSubscribed([subscribe, suback(0x87)], "t/command")).toBe(false);
  expect(isSubscribed([subscribe, suback(2, 1)], "t/command")).toBe(false);
  expect(isSubscribed([other, suback(2)], "t/command")).toBe(false);
});

test("breach: the packet id of a command that the broker has not released", () => {
  const found = (...log: Logged[]) => breaches(eventsOf(log, nameOf), 2);
  expect(found(publish("b", 1), pubrec(1), publish("a", 1))).toEqual([
    "command a has packet id 1 of command b, which is not released (MQTT-2.2.1-4)",
  ]);
  expect(found(publish("b", 1), pubrec(1), pubrel(1), publish("a", 1))).toEqual([]);
  expect(found(publish("b", 1), puback(1), publish("a", 1))).toEqual([]);
  expect(found(publish("b", 1), pubrec(1), connack(false), publish("a", 1))).toEqual([]);
  expect(found(publish("b", 1), pubrec(1), publish("a", 2))).toEqual([]);
});

test("breach: delivered again although acknowledged; at QoS 1 without DUP its sender may have published it twice", () => {
  const again = "command a delivered again, as packet 1, although it was acknowledged";
  for (const [dup, qos, found] of [
    [true, 1, [again]],
    [false, 1, []],
    [true, 2, [again]],
    [false, 2, [again]],
  ] as const)
    expect(breaches(eventsOf([publish("a", 1), puback(1), publish("a", 1, { dup })], nameOf), qos)).toEqual(found);
});

test("breach: acknowledged to its sender, and never delivered", () => {
  expect(breaches(eventsOf([publish("a", 1)], nameOf), 2, "a", "b")).toEqual([
    "command b acknowledged to its sender, and never delivered",
  ]);
});
