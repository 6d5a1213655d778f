import fc from "fast-check";
import { expect, test } from "vitest";
import { messageFrom } from "./message.js";

const from = (topic: string, payload: string) => messageFrom(topic, Buffer.from(payload));

test("a sample: all channels, time, number", () => {
  const payload = '{"value":21.44,"humidity":45.2,"pressure":1013.2,"ts":"2026-06-17T09:12:00.500Z","seq":1234}';
  expect(from("home/attic/temperature", payload)).toEqual({
    kind: "sample",
    room: "attic",
    topicChannel: "temperature",
    values: { temperature: 21.44, humidity: 45.2, pressure: 1013.2 },
    tsMs: Date.UTC(2026, 5, 17, 9, 12, 0, 500),
    seq: 1234,
  });
});

test("a value on the topic of its own channel, a number alone, a sample without temperature", () => {
  expect(from("home/attic/humidity", '{"value":45.2,"seq":0}')).toMatchObject({ values: { humidity: 45.2 }, seq: 0 });
  expect(from("home/attic/temperature", "-0.5")).toMatchObject({ values: { temperature: -0.5 }, seq: undefined });
  expect(from("home/attic/temperature", '{"humidity":45.2,"seq":5}')).toMatchObject({ values: { humidity: 45.2 } });
  expect(from("home/attic/temperature", '{"seq":5}')).toMatchObject({ values: {}, seq: 5 });
});

test("status, also of a device that has left", () => {
  expect(from("home/attic/ab12/status", "online")).toEqual({
    kind: "status",
    room: "attic",
    id: "ab12",
    status: "online",
  });
  expect(from("home/attic/ab12/status", "")).toMatchObject({ status: "" });
});

test.each([
  ["home/attic/temperature", "{"],
  ["home/attic/temperature", "[21]"],
  ["home/attic/temperature", "null"],
  ["home/attic/temperature", "{}"],
  ["home/attic/temperature", ""],
  ["home/attic/light", "21"],
  ["home/attic", "21"],
  ["home/attic/ab12/answer", "{}"],
])("%s %j is no message of a thermometer's", (topic, payload) => {
  expect(from(topic, payload)).toBeUndefined();
});

test("a number that is none, a time that is none", () => {
  const message = from("home/attic/temperature", '{"value":21,"seq":-1,"ts":"soon"}');
  expect(message).toMatchObject({ seq: undefined, tsMs: undefined });
});

test("no exception for any message", () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), fc.json().map(Buffer.from)), (payload) => {
      messageFrom("home/a/temperature", payload);
      messageFrom("home/a/b/status", payload);
    }),
  );
});
