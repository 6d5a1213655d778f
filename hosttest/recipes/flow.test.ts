import { readFileSync } from "node:fs";
import { join } from "node:path";
import { compileFunction } from "node:vm";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { top } from "../support/bundle.mjs";

/*
 * The parts of flow.json that can be tested without Node-RED, which CI lacks: its function, run as in Node-RED, and how its nodes are linked
 * together. `npm run recipes` runs the flow itself.
 */
interface FlowNode {
  readonly id: string;
  readonly type: string;
  readonly name?: string;
  readonly func?: string;
  readonly wires?: readonly (readonly string[])[];
  readonly [property: string]: unknown;
}
const flow: FlowNode[] = JSON.parse(readFileSync(join(top, "hosttest", "recipes", "flow.json"), "utf8"));
const NOW = Date.UTC(2026, 5, 17, 9, 12, 0, 250);
const HOUR_MS = 3_600_000;

interface StoredPoint {
  readonly tags: { readonly room: string };
  readonly fields: Readonly<Record<string, number>>;
  readonly timestamp: string;
}

/** The flow's function with its own memory: from a message's payload to its point, or null where it is left out. */
function pointMaker(): (payload: object, room?: string) => StoredPoint | null {
  const source = flow.find(({ type }) => type === "function")?.func ?? "";
  const run = compileFunction(source, ["msg", "context"]);
  const memory = new Map<string, unknown>();
  const context = {
    get: (key: string) => memory.get(key),
    set: (key: string, value: unknown) => void memory.set(key, value),
  };
  return (payload, room = "attic") => {
    const result = run({ topic: `home/${room}/temperature`, payload: { ...payload } }, context);
    return result === null ? null : result.payload[0];
  };
}

beforeEach(() => void vi.useFakeTimers({ now: NOW }));
afterEach(() => void vi.useRealTimers());

describe("from a reading to a point in the Node-RED flow", () => {
  test("ts is its time, to the millisecond, and no field; room is a tag, all values and the number are fields", () => {
    const point = pointMaker()({ value: 21.5, humidity: 45.2, ts: "2026-06-17T09:12:00.500Z", seq: 7 });
    expect(point).toMatchObject({
      tags: { room: "attic" },
      fields: { value: 21.5, humidity: 45.2, seq: 7 },
      timestamp: `${Date.UTC(2026, 5, 17, 9, 12, 0, 500)}000000`,
    });
    expect(point?.fields).not.toHaveProperty("ts");
  });

  test("without ts it is at its arrival, and a burst within one millisecond is as many points, none at a reading's own time", () => {
    const make = pointMaker();
    const times = Array.from({ length: 2000 }, (_one, seq) => make({ value: 21.5, seq })?.timestamp ?? "");
    expect(new Set(times).size).toBe(times.length);
    expect(times.every((time) => time.startsWith(`${NOW}`) && time.length === 19 && !time.endsWith("000000"))).toBe(
      true,
    );
  });

  test("without a number, as at QoS 0, it is stored each time", () => {
    const make = pointMaker();
    expect(make({ value: 21.5 })?.fields).toEqual({ value: 21.5 });
    expect(make({ value: 21.5 })).not.toBeNull();
  });

  test.each([
    ["the same again", { value: 21.5, seq: 7 }, "attic", true],
    [
      "with ts, which the device has learned meanwhile",
      { value: 21.5, seq: 7, ts: "2026-06-17T09:12:00Z" },
      "attic",
      true,
    ],
    ["another number", { value: 21.5, seq: 8 }, "attic", false],
    ["another value, after a factory reset", { value: 21.6, seq: 7 }, "attic", false],
    ["another room", { value: 21.5, seq: 7 }, "cellar", false],
  ])("after one without ts: %s", (_what, payload, room, isLeftOut) => {
    const make = pointMaker();
    make({ value: 21.5, seq: 7 });
    expect(make(payload, room) === null).toBe(isLeftOut);
  });

  test("the same again with ts falls on its own point", () => {
    const make = pointMaker();
    const reading = { value: 21.5, ts: "2026-06-17T09:12:00.500Z", seq: 7 };
    const first = make(reading);
    expect(make(reading)).toEqual(first);
  });

  test("a message without ts is forgotten after an hour", () => {
    const make = pointMaker();
    make({ value: 21.5, seq: 7 });
    vi.setSystemTime(NOW + HOUR_MS - 1);
    expect(make({ value: 21.5, seq: 7 })).toBeNull();
    vi.setSystemTime(NOW + HOUR_MS);
    expect(make({ value: 21.5, seq: 7 })).not.toBeNull();
  });

  test("a ts that is no time is an error, not a point at a wrong one", () => {
    expect(() => pointMaker()({ value: 21.5, ts: "yesterday", seq: 7 })).toThrow("not a time: yesterday");
  });
});

describe("the flow's nodes", () => {
  test("lead to nodes that are there, and no value of a node is its own id, which Node-RED takes for a circle", () => {
    const ids = new Set(flow.map(({ id }) => id));
    expect(ids.size).toBe(flow.length);
    for (const { id, wires = [], ...rest } of flow) {
      for (const wire of wires.flat()) expect(ids).toContain(wire);
      expect(Object.values(rest)).not.toContain(id);
    }
  });

  test("what the database has not stored is tried again without end, unless the point is at fault", () => {
    const next = (id: string | undefined, output = 0): FlowNode | undefined =>
      flow.find((node) => node.id === flow.find((one) => one.id === id)?.wires?.[output]?.[0]);
    const store = flow.find(({ type }) => type === "influxdb batch");
    const failed = flow.find(({ type }) => type === "catch");
    const choice = next(failed?.id);
    const wait = next(choice?.id);
    const forget = next(wait?.id);
    expect(failed?.scope).toEqual([store?.id]);
    expect(choice).toMatchObject({ type: "switch", rules: [{ t: "btwn", v: "401", v2: "599" }, { t: "else" }] });
    expect(next(choice?.id, 1)).toMatchObject({ type: "debug", console: true });
    expect(wait).toMatchObject({ type: "delay", timeout: "5", timeoutUnits: "seconds" });
    expect(forget?.rules).toContainEqual({ t: "delete", p: "error", pt: "msg" });
    expect(next(forget?.id)).toBe(store);
  });
});
