/* The suites of prompt, sensor and health, inside XS. */
import { runSuites } from "./run-suites.js";

await runSuites(["console", "health", "parts", "power", "sensor"]);
