/* A small part of the fault campaign, in every test run; `npm run faults` runs all of it. */
import { describe, expect, test } from "vitest";
import { exhaust } from "../faults/exhaustive.js";
import { LONG_LENGTHS } from "../faults/life.js";
import { campaign, type Outcome } from "../faults/random.js";
import { SEED } from "../support/seed.js";

/** Time limit of the longest test, in milliseconds, for a busy machine. */
const PATIENCE = { timeout: 600_000 };

function expectClean({ violations, first }: Outcome): void {
  expect(first === undefined ? "" : `${first.what} ${first.replay}`).toBe("");
  expect(violations).toBe(0);
}

describe.each([1, 16] as const)("write unit %i", (unit) => {
  test(
    "random cuts, SEED=fresh draws others: every promise is kept, most cuts fall in a program or an erase",
    PATIENCE,
    () => {
      const outcome = campaign(SEED, 4_000, unit);
      expectClean(outcome);
      expect(outcome.inside / outcome.cuts).toBeGreaterThan(0.5);
      expect(outcome.appended).toBeGreaterThan(1_000);
      expect(outcome.dropped).toBeGreaterThan(0);
      expect(outcome.returned > 0).toBe(unit === 16); // settles that had waited
    },
  );

  test("some of the steps of two laps round a small ring, with second cuts in the recovery", PATIENCE, () => {
    const outcome = exhaust(unit, { stride: unit === 1 ? 23 : 17 });
    expectClean(outcome);
    expect(outcome.cuts).toBeGreaterThan(1_000);
    expect(outcome.dropped).toBeGreaterThan(0);
    expect(outcome.refused).toBeGreaterThan(0);
  });

  // Each of these once found something: a zero-length record read into its own header, cells that a cut left half
  // programmed and that turned later (torn record, header, mark), entries counted twice, a mark that found no free space.
  test.each([258, 2, 4, 9, 12, 13, 44, 106, 129, 152, 204, 478, 770, 1006, 1880, 2004, 4251])("seed %i", (seed) => {
    expectClean(campaign(seed, 40, unit, { lengths: LONG_LENGTHS }));
  });
});

// With the newest header not programmed again, an entry is lost; with an opening that was cut not spoilt, a number comes twice;
// with a backlog's holes not counted, the queue says 28 where 3 are; with an eviction reported only after its header, a cut in
// that header evicts in silence.
test.each([
  [4755, 32],
  [5129, 41],
  [31_100_303, 17],
  [31_300_591, 40],
  [52_000_923, 40],
])("seed %i, cut %i times", (seed, cuts) => {
  expectClean(campaign(seed, cuts, 1, { lengths: LONG_LENGTHS }));
});

test("a copy whose header is half programmed, an erase ahead that is cut: the block that was copied is still there", () => {
  expectClean(exhaust(1, { only: "full, refuse/4/280 some/0 some bits erased" }));
});
