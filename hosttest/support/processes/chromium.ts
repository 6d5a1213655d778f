/*
 * Chromium without a window, for tests: Debian's own.
 */
import { accessSync, constants } from "node:fs";
import { type Browser, chromium } from "playwright-core";
import { test } from "vitest";

const CHROMIUM = "/usr/bin/chromium";

/** Options that keep it from using the network by itself. */
const QUIET = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** `test`, for tests that need Chromium. Without it, they are reported as not run; on CI they run all the same, and fail. */
export const browserTest = test.runIf(isExecutable(CHROMIUM) || process.env.CI !== undefined);

/** @throws Error if Chromium is missing, or does not start */
export function launchChromium(): Promise<Browser> {
  if (!isExecutable(CHROMIUM)) throw new Error(`there is no ${CHROMIUM}: run hosttest/setup.sh`);
  return chromium.launch({ executablePath: CHROMIUM, args: QUIET });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
