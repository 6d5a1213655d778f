import type { Packet } from "mqtt-packet";
import { expect, test } from "vitest";
import type { Logged } from "../bad-network.js";
import { expected, tally } from "./tally.js";

const device = (packet: object): Logged => ({ connection: 0, from: "device", packet: packet as Packet });
const publish = (name: string, messageId: number, dup = false): Logged => ({
  connection: 0,
  from: "broker",
  packet: { cmd: "publish", qos: 1, dup, messageId, topic: "t", payload: name } as unknown as Packet,
});
const puback = (messageId: number): Logged => device({ cmd: "puback", messageId });
const nameOf = (packet: Packet): string => (packet as unknown as { payload: string }).payload;
const of = (...log: Logged[]) => tally(log, nameOf).get("a");

test("sent again with DUP before its acknowledgement: handed out once", () => {
  expect(of(publish("a", 1), publish("a", 1, true), puback(1))).toEqual({
    handedOut: 1,
    acknowledged: 1,
    byBroker: 0,
    masked: 0,
  });
});

test("sent again though it was acknowledged: the broker's double", () => {
  const log = [publish("a", 1), puback(1), publish("a", 1, true), puback(1)];
  expect(of(...log)).toEqual({ handedOut: 2, acknowledged: 2, byBroker: 1, masked: 0 });
  expect(of(publish("a", 1), puback(1), publish("a", 7))).toMatchObject({ handedOut: 2, byBroker: 1 });
});

test("its first sending did not arrive: DUP alone makes it no repetition; nor does another one's packet id", () => {
  expect(of(publish("a", 1, true), puback(1))).toEqual({ handedOut: 1, acknowledged: 1, byBroker: 0, masked: 0 });
  expect(of(publish("b", 1), puback(1), publish("a", 1, true), puback(1))).toMatchObject({ handedOut: 1, byBroker: 0 });
});

test("not acknowledged: it may have been done or not; at QoS 2 PUBREC counts, and once", () => {
  const pubrec = device({ cmd: "pubrec", messageId: 2 });
  const delivered = tally([publish("a", 1), publish("b", 2), pubrec, pubrec], nameOf);
  const commands = ["a", "b", "never sent"].map((name) => ({ name, hasId: false }));
  expect(expected(commands, delivered)).toEqual({ least: 1, most: 2 });
});

test("handed out twice: done once or twice; with an id of its own, once", () => {
  const delivered = tally([publish("a", 1), puback(1), publish("a", 1, true), puback(1)], nameOf);
  expect(expected([{ name: "a", hasId: false }], delivered)).toEqual({ least: 1, most: 2 });
  expect(expected([{ name: "a", hasId: true }], delivered)).toEqual({ least: 1, most: 1 });
});

test("under the packet id of one that the broker has not released, as after a kill: it may be taken for a repetition", () => {
  const pubrec = device({ cmd: "pubrec", messageId: 1 });
  const pubrel: Logged = {
    connection: 0,
    from: "broker",
    packet: { cmd: "pubrel", messageId: 1 } as unknown as Packet,
  };
  const least = (...log: Logged[]) => expected([{ name: "a", hasId: false }], tally(log, nameOf)).least;
  expect(least(publish("b", 1), pubrec, publish("a", 1), pubrec)).toBe(0);
  expect(least(publish("b", 1), pubrec, pubrel, publish("a", 1), pubrec)).toBe(1);
});
