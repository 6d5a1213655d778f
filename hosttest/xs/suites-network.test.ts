/* The suites of what talks to the network, inside XS. */
import { runSuites } from "./run-suites.js";

await runSuites(["mqtt", "network", "homeassistant"]);
