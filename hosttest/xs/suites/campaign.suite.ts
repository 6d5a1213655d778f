/* A part of the fault campaign inside XS, as much as an interpreter can run in a test; the larger one is hosttest/outbox/campaign.test.ts. */
import { describe, expect, test } from "vitest";
import { LONG_LENGTHS } from "../../faults/life.js";
import { campaign } from "../../faults/random.js";
import { SEED } from "../../support/seed.js";

const CUTS = 200;

describe.each([1, 16] as const)("write unit %i", (unit) => {
  test(`${CUTS} random cuts, SEED=fresh draws others: every promise is kept`, () => {
    const { violations, first, cuts, appended } = campaign(SEED, CUTS, unit);
    expect(first === undefined ? "" : `${first.what} ${first.replay}`).toBe("");
    expect(violations).toBe(0);
    expect(cuts).toBeGreaterThanOrEqual(CUTS);
    expect(appended).toBeGreaterThan(0);
  });

  // Each of these seeds once found an error.
  test.each([258, 1006, 4251])("seed %i", (seed) => {
    const { violations, first } = campaign(seed, 40, unit, { lengths: LONG_LENGTHS });
    expect(first === undefined ? "" : `${first.what} ${first.replay}`).toBe("");
    expect(violations).toBe(0);
  });
});
