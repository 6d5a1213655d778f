import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { bugs, editsOf } from "./planted/bugs.js";
import { type RunOptions, run } from "./run.js";
import { seedsThatFound } from "./seeds.js";

const STORM = { cutsPerDay: 6, troublesPerDay: 24 };
const SWARM = Array.from({ length: 18 }, (_, i) => 20_261_122 + i);
const top = new URL("../../", import.meta.url);

/** A run that must keep every promise; the error message has the violation, and the command that replays it. */
function expectFair(options: RunOptions): ReturnType<typeof run> {
  const result = run(options);
  const replay = `seed ${options.seed}, ${options.devices} devices, ${options.days} days`;
  expect(result.violations.map(({ kind, text }) => `${replay}: ${kind}: ${text}\n${result.latest.join("\n")}`)).toEqual(
    [],
  );
  return result;
}

describe("the simulation", () => {
  test.each(SWARM.slice(0, 12))(
    "seed %i: two devices, a day and a half: nothing lost, doubled or out of order",
    (seed) => {
      const { readings, cuts } = expectFair({ ...STORM, seed, devices: 2, days: 1.5, intervalS: 60 });
      expect(readings).toBeGreaterThan(500);
      expect(cuts).toBeGreaterThan(0);
    },
  );

  test.each(seedsThatFound)("seed $options.seed, which found: $found", ({ options }) => {
    expectFair({ cutsPerDay: 4, troublesPerDay: 12, ...options });
  });

  test.each(SWARM.slice(0, 6))(
    "seed %i: a device that sleeps, three days: nothing lost, doubled or misdated, and never awake for long",
    (seed) => {
      const options = { cutsPerDay: 6, troublesPerDay: 24, seed, devices: 1, days: 3, intervalS: 120, sleepers: true };
      const { readings, sleepers } = expectFair(options);
      expect(readings).toBeGreaterThan(100);
      expect(sleepers[0].awake.daysMs.length).toBeGreaterThan(1);
    },
  );

  test("sleepers lose their power in every state, and two synchronisations date their samples within two seconds", () => {
    const results = SWARM.slice(12, 16).map((seed) =>
      run({ seed, devices: 1, days: 3, intervalS: 300, cutsPerDay: 24, troublesPerDay: 48, sleepers: true }),
    );
    const cuts = results.flatMap(({ sleepers }) => sleepers.map((sleeper) => sleeper.cuts));
    for (const state of ["asleep", "measuring", "reporting"] as const) {
      expect(cuts.reduce((sum, one) => sum + one[state], 0)).toBeGreaterThan(5);
    }
    const exact = results.map((result) => result.exact);
    expect(exact.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThan(50);
    expect(Math.max(...exact.map(({ worstMs }) => worstMs))).toBeLessThanOrEqual(2_000);
  });

  test("is the same, byte for byte, when it is run again, and another one with another seed", () => {
    const options = { ...STORM, devices: 1, days: 0.5, intervalS: 30 };
    const [one, again, other] = [7, 7, 8].map((seed) => run({ ...options, seed }));
    expect(again).toEqual(one);
    expect(other.digest).not.toBe(one.digest);
  });

  test("most cuts fall inside a program or an erase", () => {
    const results = SWARM.slice(0, 6).map((seed) =>
      run({ ...STORM, cutsPerDay: 40, seed, devices: 1, days: 1, intervalS: 60 }),
    );
    const cuts = results.reduce((sum, one) => sum + one.cuts, 0);
    const inside = results.reduce((sum, one) => sum + one.cutsInside, 0);
    expect(inside / cuts).toBeGreaterThan(0.5);
  });

  test.each(bugs.flatMap((bug) => editsOf(bug).map(({ file, find }) => ({ name: bug.name, file, find }))))(
    "the bug to plant $name still has its place in $file",
    ({ file, find }) => {
      expect(readFileSync(new URL(file, top), "utf8").split(find)).toHaveLength(2);
    },
  );
});
