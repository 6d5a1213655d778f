/* The suites of the folders that use the network, inside XS. */
import { runSuites } from "./run-suites.js";

await runSuites(["mqtt", "network", "homeassistant"]);
