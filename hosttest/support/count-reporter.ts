import type { Reporter, TestModule } from "vitest/node";

/** Ends the run with one plain line, `N passed, N failed`, for whoever reads logs by machine. */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    let passed = 0;
    let failed = errors.length;
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        if (test.result().state === "passed") passed++;
        else failed++; // skipped ones, too: no test of ours may be
      }
      if (module.errors().length > 0) failed++;
    }
    process.on("exit", () => console.log(`${passed} passed, ${failed} failed`));
  }
}
