import { expect, test } from "vitest";
import type { Expected } from "../verdict.js";
import { numbered } from "./kept.js";

test("points without a number have that of the message at the same place in time, in their room; one too many has none", () => {
  const message = (room: string, seq: number, tsMs: number | undefined, arrivedMs: number): Expected => ({
    ...{ room, seq, tsMs, arrivedMs },
    value: 20 + seq,
  });
  // Late ones arrive in any order; of two that arrived at once the number decides.
  const messages = [message("a", 2, 300, 900), message("a", 1, 200, 950), message("b", 9, undefined, 400)];
  messages.push(message("b", 8, undefined, 400));
  const point = (room: string, timeMs: number, value: number) => ({ room, timeMs, value });
  const points = [
    point("b", 401, 29),
    point("a", 300, 22),
    point("b", 400, 28),
    point("a", 200, 21),
    point("a", 500, 0),
  ];
  const found = numbered(messages, points).map(({ room, seq, value }) => [room, seq, value]);
  expect(found).toEqual([
    ["a", 1, 21],
    ["a", 2, 22],
    ["b", 8, 28],
    ["b", 9, 29],
    ["a", -1, 0],
  ]);
});
