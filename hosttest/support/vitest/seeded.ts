/* Before each test file: fast-check draws from the seed of the run. */
import fc from "fast-check";
import { SEED } from "../seed.js";

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: SEED });
