/*
 * Checks that every imported module is in the linked archive, and that the C files name no class of another; prints sizes. To be run by hand, with the SDK:
 *   node hosttest/run.mjs hosttest/boards/check-archive.ts $MODDABLE/build/tmp/esp32/release/home-thermometer
 * Exit code 1: something is missing. 2: that is no build.
 */
import { type Archive, gaps, readArchive, undeclared, unused } from "./archive.js";

const SLOT_BYTES = 16; // on a 32-bit processor
/** Modules that start without an import: the program, the drivers that config names, the SDK's global objects. */
const ROOT = /^(?:src\/main|boards\/drivers\/.+|system)$/;

const [folder] = process.argv.slice(2);
try {
  if (folder === undefined) throw new Error("which build? name the folder of mc.xs.c");
  const archive = readArchive(folder);
  report(archive);
  const roots = archive.modules.map(({ specifier }) => specifier).filter((specifier) => ROOT.test(specifier));
  for (const { specifier, codeBytes } of unused(archive, roots))
    console.log(`unused: ${specifier}, ${codeBytes} bytes`);
  const missing = gaps(archive);
  for (const { importer, specifier } of missing) console.log(`MISSING ${specifier}, imported by ${importer}`);
  console.log(`${archive.modules.length} modules, ${missing.length} imports without a module`);
  const strange = undeclared(folder);
  for (const { file, destructor } of strange)
    console.log(`DOES NOT COMPILE ${file}: no linked module has ${destructor}`);
  process.exitCode = missing.length + strange.length > 0 ? 1 : 0;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}

/** Byte code by folder, the SDK's modules as one. */
function report({ modules, slots }: Archive): void {
  const rooms = new Map<string, { modules: number; bytes: number; preloaded: number }>();
  for (const { specifier, codeBytes, isPreloaded } of modules) {
    const name =
      /^((?:src|boards)\/[^/]+)(?:\/|$)/.exec(specifier)?.[1] ?? (specifier === "board" ? "boards/index" : "SDK");
    const room = rooms.get(name) ?? { modules: 0, bytes: 0, preloaded: 0 };
    rooms.set(name, {
      modules: room.modules + 1,
      bytes: room.bytes + codeBytes,
      preloaded: room.preloaded + (isPreloaded ? codeBytes : 0),
    });
  }
  console.log("byte code  preloaded  modules");
  let bytes = 0;
  let preloaded = 0;
  for (const [name, room] of [...rooms].sort(([a], [b]) => a.localeCompare(b))) {
    bytes += room.bytes;
    preloaded += room.preloaded;
    console.log(
      `${String(room.bytes).padStart(9)} ${percent(room.preloaded, room.bytes)} ${String(room.modules).padStart(8)}  ${name}`,
    );
  }
  console.log(`${String(bytes).padStart(9)} ${percent(preloaded, bytes)} ${String(modules.length).padStart(8)}  all`);
  console.log(`${slots} slots in flash, ${slots * SLOT_BYTES} bytes`);
}

function percent(part: number, whole: number): string {
  return `${whole === 0 ? 0 : Math.round((100 * part) / whole)}%`.padStart(10);
}
