import { expect, test } from "vitest";
import type { Logged } from "../bad-network.js";
import { nameOf, puback, publish, pubrec, pubrel } from "./packets.js";
import { expected, inForce, tally } from "./tally.js";
import { eventsOf } from "./wire.js";

const of = (...log: Logged[]) => tally(eventsOf(log, nameOf)).get("a");

test("sent again with DUP before its acknowledgement: delivered once", () => {
  expect(of(publish("a", 1), publish("a", 1, { dup: true }), puback(1))).toEqual({
    times: 1,
    acknowledged: 1,
    again: 0,
    masked: 0,
  });
});

test("sent again although it was acknowledged: delivered twice, the second time again", () => {
  const log = [publish("a", 1), puback(1), publish("a", 1, { dup: true }), puback(1)];
  expect(of(...log)).toEqual({ times: 2, acknowledged: 2, again: 1, masked: 0 });
  expect(of(publish("a", 1), puback(1), publish("a", 7))).toMatchObject({ times: 2, again: 1 });
});

test("not acknowledged: it may have been executed or not; at QoS 2 PUBREC counts as the acknowledgement, and once", () => {
  const delivered = tally(eventsOf([publish("a", 1), publish("b", 2), pubrec(2), pubrec(2)], nameOf));
  const commands = ["a", "b", "never sent"].map((name) => ({ name, hasId: false }));
  expect(expected(commands, delivered)).toEqual({ least: 1, most: 2 });
});

test("delivered twice: executed once or twice; with an id of its own, once", () => {
  const delivered = tally(eventsOf([publish("a", 1), puback(1), publish("a", 1, { dup: true }), puback(1)], nameOf));
  expect(expected([{ name: "a", hasId: false }], delivered)).toEqual({ least: 1, most: 2 });
  expect(expected([{ name: "a", hasId: true }], delivered)).toEqual({ least: 1, most: 1 });
});

test("under the packet id of one that the broker has not released, as after a kill: it may be taken for a repetition", () => {
  const least = (...log: Logged[]) => expected([{ name: "a", hasId: false }], tally(eventsOf(log, nameOf))).least;
  expect(least(publish("b", 1), pubrec(1), publish("a", 1), pubrec(1))).toBe(0);
  expect(least(publish("b", 1), pubrec(1), pubrel(1), publish("a", 1), pubrec(1))).toBe(1);
});

/** Of changes whose name is key, number, value: which values the key may have. */
const values = (...log: Logged[]): string[] => {
  const changes = inForce(eventsOf(log, nameOf), (name) => {
    const [key, , value] = name.split(" ");
    return key === "x" ? undefined : { key, value };
  });
  return [...(changes.get("offset") ?? [])];
};
const first = "offset 1 10";
const second = "offset 2 20";

test("a setting: the change that was acknowledged last, and what came after it, acknowledged or not", () => {
  expect(values()).toEqual([]);
  expect(values(publish(first, 1), puback(1), publish(second, 2), puback(2))).toEqual(["20"]);
  expect(values(publish(first, 1), puback(1), publish(second, 2))).toEqual(["10", "20"]);
  expect(values(publish(first, 1), publish(second, 2), puback(2))).toEqual(["20"]);
  expect(values(publish(first, 1), puback(1), publish("x 3 30", 2), puback(2))).toEqual(["10"]);
  expect(values(publish(first, 1), puback(1), publish("deadband 3 30", 2), puback(2))).toEqual(["10"]);
});

test("a setting that comes again, behind another: a repetition is not executed again; a new message may be", () => {
  const again = publish(first, 1, { dup: true });
  expect(values(publish(first, 1), publish(second, 2), again, puback(1), puback(2))).toEqual(["20"]);
  expect(values(publish(first, 1), puback(1), publish(second, 2), puback(2), again, puback(1))).toEqual(["20", "10"]);
});

test("a setting under the packet id of one that is not released need not be executed", () => {
  expect(values(publish(first, 1), pubrec(1), publish(second, 1), pubrec(1))).toEqual(["10", "20"]);
});
