/*
 * If XS cannot be built (no C compiler), its suites are reported as not run; on CI they run all the same, and fail.
 */
import { test } from "vitest";
import { workerProgram } from "../engine/build.js";

const program = await workerProgram();

/** False only on a machine without a C compiler, except on CI. */
export const xsAvailable = program.kind === "built" || process.env.CI !== undefined;

/** `test`, for tests that need the worker. */
export const xsTest = test.runIf(xsAvailable);

/** `test`, for tests that need slots as large as the device's: gcc's 32-bit libraries (Debian: gcc-multilib). */
export const xs32Test = test.runIf(
  (program.kind === "built" && program.wordBits === 32) || process.env.CI !== undefined,
);
