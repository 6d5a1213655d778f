import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { top } from "../bundle.mjs";

const NONE = -1;

function run(program: string, ...rest: readonly (string | number)[]): string {
  return execFileSync(process.execPath, [join(top, "hosttest/run.mjs"), program, ...rest.map(String)], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
}

const jobs = (workers: number, throwing: number, last: number): string[] =>
  run("hosttest/support/workers/program.ts", workers, throwing, last).trim().split("\n");

test.each([1, 3])("%i threads: results arrive in the order of the jobs, each with its job", (workers) => {
  expect(jobs(workers, NONE, NONE)).toEqual([0, 1, 2, 3, 4, 5].map((job) => `${job} ${job} true`));
});

test("after the last one wanted, no result is passed on", () => {
  expect(jobs(3, NONE, 1)).toEqual(["0 0 true", "1 1 true"]);
});

test("an exception of a job is thrown, after the results of earlier jobs", () => {
  expect(jobs(3, 2, NONE)).toEqual(["0 0 true", "1 1 true", "Error: job 2 failed"]);
});

test("a campaign has the same result with one thread and with several", () => {
  const campaign = (workers: number): string =>
    run("hosttest/faults/main.ts", "--cuts", 201, "--seed", 7, "--json", "--workers", workers);
  expect(campaign(3)).toBe(campaign(1));
});
