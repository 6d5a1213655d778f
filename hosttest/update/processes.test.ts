/* One update of the campaign with processes (npm run updates -- --processes), with a kill in the middle. */
import { expect, test } from "vitest";
import { updateProcesses } from "./processes.js";

/** With a good image and one kill. */
const SEED = 34;

test("an update of a process that is killed in the middle is confirmed, and no sample is lost or doubled", {
  timeout: 120_000,
}, async () => {
  const { kills, ends, written, violations } = await updateProcesses(1, SEED, { show: () => {} }, 1);
  expect(violations).toEqual([]);
  expect(Object.keys(ends)).toEqual([expect.stringMatching(/^good (confirmed|rolledBack)$/)]); // rolled back: the kill hit the trial
  expect(kills).toBeGreaterThan(1);
  expect(written).toBeGreaterThan(0);
});
