/*
 * The subscription to commands: when the device subscribes and unsubscribes.
 */
import { expect, test } from "vitest";
import type { Settings } from "../../../src/settings/settings.js";
import { Listening } from "../../../src/thermometer/remote/listening.js";

const TOPIC = "home/kitchen/a/command";

test("requested once; again if the connection ended without an answer; unsubscribed while remote is off", () => {
  const values = { room: "kitchen", remote: "basic" };
  const settings = { get: (key: keyof typeof values) => values[key] } as unknown as Settings;
  const requests: string[] = [];
  const listening = new Listening(
    { settings, id: "a" },
    {
      subscribe: (filter) => requests.push(`+${filter}`),
      unsubscribe: (filter) => requests.push(`-${filter}`),
      forgetFilter: (filter) => requests.push(`forget ${filter}`),
    },
  );
  const follow = (remote = values.remote): string[] => {
    values.remote = remote;
    listening.follow();
    return requests.splice(0);
  };
  const ended = (): string[] => {
    listening.ended();
    return requests.splice(0);
  };
  expect(ended()).toEqual([]);
  expect(follow()).toEqual([`+${TOPIC}`]);
  expect(follow()).toEqual([]);
  expect(ended()).toEqual([`forget ${TOPIC}`]);
  expect(follow()).toEqual([`+${TOPIC}`]);
  expect(listening.answered("home/kitchen/a/update")).toBe(false);
  expect(ended()).toEqual([`forget ${TOPIC}`]);
  expect(follow()).toEqual([`+${TOPIC}`]);
  expect(listening.answered(TOPIC)).toBe(true);
  expect(ended()).toEqual([]);
  expect(follow()).toEqual([]);
  expect(follow("off")).toEqual([`-${TOPIC}`]);
  expect(follow("off")).toEqual([]);
  listening.answered(TOPIC);
  expect(ended()).toEqual([]);
  expect(follow("on")).toEqual([`+${TOPIC}`]);
});
