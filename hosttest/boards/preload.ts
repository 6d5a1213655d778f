/*
 * Writes the firmware's modules into `preload` of manifest.json, one by one: mcconfig's star means JavaScript alone.
 *   node hosttest/run.mjs hosttest/boards/preload.ts
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

const NOT_PRELOADED = new Set(["src/board", "src/main"]); // types alone; what runs at boot

const manifest = JSON.parse(readFileSync("manifest.json", "utf8"));
manifest.preload = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => `src/${name.slice(0, -".ts".length)}`)
  .filter((specifier) => !NOT_PRELOADED.has(specifier))
  .sort();
writeFileSync("manifest.json", `${JSON.stringify(manifest, null, 2)}\n`);
console.log(`${manifest.preload.length} modules; now: npx biome format --write manifest.json`);
