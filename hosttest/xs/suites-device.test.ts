/* The suites of prompt, health, simulated parts, power and sensors, inside XS. */
import { runSuites } from "./run-suites.js";

await runSuites(["console", "health", "parts", "power", "sensor"]);
