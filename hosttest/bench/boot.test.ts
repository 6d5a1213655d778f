/* A boot on XS meets its goals, and so does the largest callback while a backlog waits: counts, the same on every machine. */
import { expect } from "vitest";
import { xs32Test as test } from "../xs/available.js";
import { bootRows } from "./boot.js";

const timeout = 300_000; // only against a hang: XS interprets, and CI may be busy

test("a boot with an empty, a full and a drained outbox, every callback, and a wake: within the goals", {
  timeout,
}, async () => {
  const rows = await bootRows(false);
  expect(rows.filter(({ met }) => met === false)).toEqual([]);
  expect(rows.some(({ name }) => name.startsWith("largest callback"))).toBe(true);
});
