import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import LongestFirst from "./hosttest/support/vitest/longest-first.js";

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  resolve: { alias: { board: fileURLToPath(new URL("boards/desktop/board.ts", import.meta.url)) } },
  test: {
    reporters: ["default", fileURLToPath(new URL("hosttest/support/vitest/count-reporter.ts", import.meta.url))],
    include: ["hosttest/**/*.test.ts"],
    setupFiles: [fileURLToPath(new URL("hosttest/support/vitest/seeded.ts", import.meta.url))],
    globalSetup: fileURLToPath(new URL("hosttest/support/vitest/engine.ts", import.meta.url)),
    testTimeout: 60_000,
    hookTimeout: 60_000,
    passWithNoTests: false,
    // One more than the two cores of CI: many tests wait for processes and brokers.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
  },
});
