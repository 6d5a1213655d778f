/* The terminal's lines about waiting readings, on virtual time. */
import { expect, test } from "vitest";
import { Backlog } from "../../boards/desktop/backlog.js";
import { VirtualTime } from "../support/virtual-time.js";

function backlog() {
  const time = new VirtualTime();
  const reports: string[] = [];
  const one = new Backlog(time.timers, (text) => reports.push(`${time.nowMs / 1000} s: ${text}`));
  return { time, reports, one };
}

/** The broker confirms one. */
function confirm(one: Backlog, left: number): void {
  one.sent();
  one.left(left);
}

test("readings that the broker confirms soon are not worth a word", () => {
  const { time, reports, one } = backlog();
  for (let i = 0; i < 100; i++) {
    one.waits(1);
    time.advance(1_500);
    confirm(one, 0);
    time.advance(3_500);
  }
  expect(reports).toEqual([]);
});

test("an outage is reported soon, then at growing intervals, and when all waiting readings are sent", () => {
  const { time, reports, one } = backlog();
  for (let count = 1; count <= 20; count++) {
    one.waits(count);
    time.advance(5_000);
  }
  const kept = "kept in flash, to be sent again";
  expect(reports).toEqual([
    `2 s: not confirmed by the broker: 1 reading ${kept}`,
    `12 s: not confirmed by the broker: 3 readings ${kept}`,
    `32 s: not confirmed by the broker: 7 readings ${kept}`,
    `72 s: not confirmed by the broker: 15 readings ${kept}`,
  ]);
  reports.length = 0;
  for (let left = 19; left >= 0; left--) confirm(one, left);
  expect(reports).toEqual(["100 s: 20 kept readings sent"]);
  reports.length = 0;
  one.waits(1);
  time.advance(2_000);
  expect(reports).toEqual([`102 s: not confirmed by the broker: 1 reading ${kept}`]); // the next outage, from the start
});

test("several that are confirmed in one turn are counted, each of them", () => {
  const { time, reports, one } = backlog();
  one.waits(4);
  time.advance(2_000);
  reports.length = 0;
  for (let n = 0; n < 4; n++) one.sent();
  for (let n = 0; n < 4; n++) one.left(0); // asked for after the turn
  expect(reports).toEqual(["2 s: 4 kept readings sent"]);
});

test("a week away is a few lines a day, and none while nothing changes", () => {
  const { time, reports, one } = backlog();
  one.waits(5);
  time.advance(86_400_000);
  expect(reports).toHaveLength(1);
  for (let hour = 0; hour < 24 * 7; hour++) {
    one.waits(6 + hour);
    time.advance(3_600_000);
  }
  expect(reports.length).toBeLessThan(24 * 7 + 3);
});
