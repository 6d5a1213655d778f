/*
 * Writes each of the firmware's modules into manifest.json: those with code into `preload`, where a star means only JavaScript for
 * mcconfig; those with only types into "~", so that they are not linked.
 *   node hosttest/run.mjs hosttest/boards/preload.ts
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { hasCode } from "./manifest.js";

const NOT_PRELOADED = new Set(["src/main"]); // runs at boot
const NOT_MAPPED = new Set(["src/board"]); // no line of `modules` reaches it

const manifest = JSON.parse(readFileSync("manifest.json", "utf8"));
const specifiers = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => `src/${name.slice(0, -".ts".length)}`)
  .filter((specifier) => !NOT_MAPPED.has(specifier))
  .sort();
const withCode = specifiers.filter((specifier) => hasCode(readFileSync(`${specifier}.ts`, "utf8")));
const ofSDK = manifest.modules["~"].filter((path: string) => path.startsWith("$"));
manifest.preload = withCode.filter((specifier) => !NOT_PRELOADED.has(specifier));
manifest.modules["~"] = [
  ...ofSDK,
  ...specifiers.filter((specifier) => !withCode.includes(specifier)).map((specifier) => `./${specifier}`),
];
writeFileSync("manifest.json", `${JSON.stringify(manifest, null, 2)}\n`);
console.log(`${manifest.preload.length} modules; now: npm run format`);
