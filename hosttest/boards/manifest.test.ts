/*
 * Errors in the manifests that mcconfig does not report. (Runs without the SDK.) If a module is missing, the firmware links, and aborts at
 * boot; a TypeScript module that is missing in `preload` (a star means only JavaScript) takes RAM.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { importsIn, resolve } from "./archive.js";
import { DEVICES, hasCode, Product } from "./manifest.js";

const TOP = fileURLToPath(new URL("../..", import.meta.url));
const SIMULATORS = ["lin", "mac", "win"];
const OURS = /^(src|boards)\//;

const text = (path: string): string => readFileSync(join(TOP, path), "utf8");
const valueImports = (path: string): string[] =>
  importsIn(text(path).replace(/^(?:import|export) type\s[\s\S]*?;$/gm, ""));

/** Class fields are assigned in the constructor: as `define`, each costs byte code, and a slot before it has a value. */
test("the SDK compiles TypeScript as the tests do", () => {
  const { compilerOptions } = JSON.parse(text("manifest.json")).typescript.tsconfig;
  const ours = JSON.parse(text("tsconfig.json")).compilerOptions;
  expect(compilerOptions).toMatchObject({
    strict: ours.strict,
    erasableSyntaxOnly: ours.erasableSyntaxOnly,
    verbatimModuleSyntax: ours.verbatimModuleSyntax,
    useDefineForClassFields: false,
  });
  expect(ours.useDefineForClassFields).toBe(false);
});

describe.each([...DEVICES, ...SIMULATORS])("%s", (platform) => {
  const product = new Product(TOP, platform);

  test("has a board, and no error", () => {
    expect(product.errors).toEqual([]);
    expect(product.modules.get("board")).toMatch(/^boards\/\w+\/index\.ts$/);
  });

  test("an imported module of ours is there, under the name that the machine asks for", () => {
    const missing = [...product.modules].flatMap(([importer, path]) =>
      valueImports(path)
        .map((imported) => resolve(imported, importer))
        .filter((specifier) => (OURS.test(specifier) || specifier.startsWith("(")) && !product.modules.has(specifier))
        .map((specifier) => `${importer}: ${specifier}`),
    );
    expect(missing).toEqual([]);
  });

  test("names in the archive are paths in the repository", () => {
    const others = [...product.modules].filter(([specifier, path]) => `${specifier}.ts` !== path);
    expect(others.map(([specifier]) => specifier)).toEqual(["board"]);
  });

  test("every module of the firmware that has code is linked and preloaded, but main", () => {
    const files = readdirSync(join(TOP, "src"), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts") && hasCode(text(`src/${name}`)))
      .map((name) => `src/${name.slice(0, -".ts".length)}`);
    const linked = [...product.modules.keys()].filter((specifier) => specifier.startsWith("src/"));
    const preloaded = product.preload.filter((specifier) => specifier.startsWith("src/"));
    expect(linked.sort()).toEqual(files.sort());
    // Red after a file was added? node hosttest/run.mjs hosttest/boards/preload.ts
    expect(preloaded.sort()).toEqual(files.filter((specifier) => specifier !== "src/main"));
  });

  test("no module of types alone is linked", () => {
    // Red after a file was added? As above; for one of boards, a line under "~" in the manifest that takes it.
    const empty = [...product.modules].filter(([, path]) => !hasCode(text(path)));
    expect(empty.map(([specifier]) => specifier)).toEqual([]);
  });

  test("what is preloaded is linked, and no board among it: a board is made at boot", () => {
    const unknown = product.preload.filter((specifier) => OURS.test(specifier) && !product.modules.has(specifier));
    expect(unknown).toEqual([]);
    expect(product.preload.filter((specifier) => /(^|\/)board$/.test(specifier))).toEqual([]);
  });
});

describe.each(DEVICES)("%s", (platform) => {
  const { board, isRainbow, build } = new Product(TOP, platform);

  test("uses no pin twice, and has a second UART for debug builds", () => {
    const { sensor, prompt, button, battery } = board!;
    const pins = [button, sensor.data, sensor.clock, ...prompt.flatMap(({ receive, transmit }) => [receive, transmit])];
    if (battery !== undefined) pins.push(battery.pin);
    expect(new Set(pins).size).toBe(pins.length);
    expect(new Set(prompt.map(({ port }) => port)).size).toBe(2);
    expect(prompt[0].port).toBe(0);
  });

  test("is woken by a pin that can wake the chip, and that a C3's start does not depend on", () => {
    expect(board!.button, "`button` of config.board in the manifest").toBeTypeOf("number");
    if (platform.startsWith("esp32/esp32c3")) expect([0, 1, 3, 4, 5]).toContain(board!.button);
    else if (platform.startsWith("esp32/esp32s3")) expect(board!.button).toBeLessThanOrEqual(21);
    else expect([0, 2, 4, 12, 13, 14, 15, 25, 26, 27, 32, 33, 34, 35, 36, 37, 38, 39]).toContain(board!.button);
  });

  test("shows no rainbow, which keeps timers from running", () => {
    if (/esp32c3|esp32s3/.test(platform)) expect(isRainbow).toBe(false);
  });

  test("has a partition table for its flash", () => {
    const folder = platform.startsWith("esp32/esp32s3") ? "boards/esp32s3" : "boards/esp32";
    expect(build.PARTITIONS_FILE).toBe(`${folder}/partitions.csv`);
    expect(text(build.PARTITIONS_FILE)).toContain("outbox");
    expect(board!.hasTwoSlots === true).toBe(/^ota_1,/m.test(text(build.PARTITIONS_FILE)));
  });
});

/** mc.xs.h declares the classes of linked modules alone, and the SDK compiles a C file unless it is left out, too. */
test("a C file of the SDK is left out if a module is, whose class it names", () => {
  const NAMES: Readonly<Record<string, readonly string[]>> = {
    "commodetto/commodettoBitmap.c": ["commodetto/commodettoBitmap.js"],
    "io/socket/lwip/tcp.c": ["io/socket/lwip/listener.js", "io/socket/lwip/tcp.js"],
    "network/socket/lwip/modSocket.c": ["network/socket/socket.js"],
  };
  const lines: string[] = JSON.parse(text("boards/esp32/common.json")).modules["~"];
  const leftOut = new Set(lines.map((line) => line.replace("$(MODDABLE)/modules/", "")));
  const broken = Object.keys(NAMES).filter(
    (file) => !leftOut.has(file) && NAMES[file].some((name) => leftOut.has(name)),
  );
  expect(broken).toEqual([]);
});

test("the simulator's stack is as large as a chip's: the firmware starts while modules are imported", () => {
  const stackOf = (path: string): number => JSON.parse(text(path)).creation.stack;
  expect(stackOf("boards/simulator/manifest.json")).toBeGreaterThanOrEqual(stackOf("boards/esp32/common.json"));
});

test.each(["esp32/esp32c6", "esp32/moddable_two", "esp", "pico", "wasm"])(
  "%s: one clear error instead of a board",
  (platform) => {
    const { errors, modules } = new Product(TOP, platform);
    expect(errors).toEqual([expect.stringMatching(/^home-thermometer has no board for this/)]);
    expect(modules.has("board")).toBe(false);
  },
);
