/*
 * Where XS cannot be built (no C compiler), its suites are reported as not run; on CI they run all the same, and fail.
 */
import { test } from "vitest";
import { workerProgram } from "../../boards/xs/engine/build.js";

const program = await workerProgram();

/** False only on a machine without a C compiler that is not CI. */
export const xsAvailable = program.kind === "built" || process.env.CI !== undefined;

/** `test`, for what needs the worker. */
export const xsTest = test.runIf(xsAvailable);
