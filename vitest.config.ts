import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import LongestFirst from "./hosttest/support/vitest/longest-first.js";
import { GATES, PROGRAMS } from "./hosttest/support/vitest/programs.js";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const seeded = here("hosttest/support/vitest/seeded.ts");

export default defineConfig({
  root: here("."),
  resolve: { alias: { board: here("boards/desktop/board.ts") } },
  test: {
    reporters: ["default", here("hosttest/support/vitest/count-reporter.ts")],
    passWithNoTests: false,
    // One more than the two cores of CI: many tests wait for processes and brokers.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        // No global setup: `npm run check` must not wait for the XS engine, or need a compiler for it.
        test: { name: "gates", include: [...GATES], setupFiles: [seeded], testTimeout: 180_000 },
      },
      {
        extends: true,
        test: {
          name: "node",
          include: ["hosttest/**/*.test.ts"],
          exclude: [...PROGRAMS, ...GATES],
          setupFiles: [seeded, here("hosttest/support/vitest/no-programs.ts")],
          testTimeout: 180_000,
          // They share nothing but modules: to load those once is a third of the time.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: "programs",
          include: [...PROGRAMS],
          exclude: [...GATES],
          setupFiles: [seeded],
          globalSetup: here("hosttest/support/vitest/engine.ts"),
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
