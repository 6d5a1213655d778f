import { expect, test } from "vitest";
import type { Logged } from "../bad-network.js";
import { handed, nameOf, puback, pubrec, pubrel } from "./sayings.js";
import { expected, inForce, tally } from "./tally.js";
import { eventsOf } from "./wire.js";

const of = (...log: Logged[]) => tally(eventsOf(log, nameOf)).get("a");

test("sent again with DUP before its acknowledgement: handed out once", () => {
  expect(of(handed("a", 1), handed("a", 1, { dup: true }), puback(1))).toEqual({
    handedOut: 1,
    acknowledged: 1,
    again: 0,
    masked: 0,
  });
});

test("sent again though it was acknowledged: twice, and once again", () => {
  const log = [handed("a", 1), puback(1), handed("a", 1, { dup: true }), puback(1)];
  expect(of(...log)).toEqual({ handedOut: 2, acknowledged: 2, again: 1, masked: 0 });
  expect(of(handed("a", 1), puback(1), handed("a", 7))).toMatchObject({ handedOut: 2, again: 1 });
});

test("not acknowledged: it may have been done or not; at QoS 2 PUBREC counts, and once", () => {
  const delivered = tally(eventsOf([handed("a", 1), handed("b", 2), pubrec(2), pubrec(2)], nameOf));
  const commands = ["a", "b", "never sent"].map((name) => ({ name, hasId: false }));
  expect(expected(commands, delivered)).toEqual({ least: 1, most: 2 });
});

test("handed out twice: done once or twice; with an id of its own, once", () => {
  const delivered = tally(eventsOf([handed("a", 1), puback(1), handed("a", 1, { dup: true }), puback(1)], nameOf));
  expect(expected([{ name: "a", hasId: false }], delivered)).toEqual({ least: 1, most: 2 });
  expect(expected([{ name: "a", hasId: true }], delivered)).toEqual({ least: 1, most: 1 });
});

test("under the packet id of one that the broker has not released, as after a kill: it may be taken for a repetition", () => {
  const least = (...log: Logged[]) => expected([{ name: "a", hasId: false }], tally(eventsOf(log, nameOf))).least;
  expect(least(handed("b", 1), pubrec(1), handed("a", 1), pubrec(1))).toBe(0);
  expect(least(handed("b", 1), pubrec(1), pubrel(1), handed("a", 1), pubrec(1))).toBe(1);
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
  expect(values(handed(first, 1), puback(1), handed(second, 2), puback(2))).toEqual(["20"]);
  expect(values(handed(first, 1), puback(1), handed(second, 2))).toEqual(["10", "20"]);
  expect(values(handed(first, 1), handed(second, 2), puback(2))).toEqual(["20"]);
  expect(values(handed(first, 1), puback(1), handed("x 3 30", 2), puback(2))).toEqual(["10"]);
  expect(values(handed(first, 1), puback(1), handed("deadband 3 30", 2), puback(2))).toEqual(["10"]);
});

test("a setting that comes again, behind another: a repetition is not done again; a new message may be", () => {
  const again = handed(first, 1, { dup: true });
  expect(values(handed(first, 1), handed(second, 2), again, puback(1), puback(2))).toEqual(["20"]);
  expect(values(handed(first, 1), puback(1), handed(second, 2), puback(2), again, puback(1))).toEqual(["20", "10"]);
});

test("a setting under the packet id of one that is not released need not be done", () => {
  expect(values(handed(first, 1), pubrec(1), handed(second, 1), pubrec(1))).toEqual(["10", "20"]);
});
