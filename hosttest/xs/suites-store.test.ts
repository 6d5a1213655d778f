/* The suites of the folders that store data in flash, inside XS. */
import { runSuites } from "./run-suites.js";

await runSuites(["channels", "journal", "outbox", "settings", "update"]);
await runSuites(["xs/suites"], ".suite.ts");
