/*
 * Checks that our C files compile with the headers of ESP-IDF and the SDK, for each chip, with warnings as errors. To be run by hand, where
 * both are installed:
 *   MODDABLE=FOLDER IDF_PATH=FOLDER node hosttest/run.mjs hosttest/boards/native/check.ts
 * Needs Debian's gcc-riscv64-unknown-elf and picolibc-riscv64-unknown-elf. Only the syntax is checked, and no code is made, so that the
 * same compiler serves for the Xtensa chips, too. Of ESP-IDF the headers, `Kconfig.soc_caps.in` and mbedTLS's `Kconfig` suffice.
 * Exit code 1: a file does not compile. 2: something is missing.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../support/temporary.js";

const CHIPS = { esp32: "xtensa", esp32c3: "riscv", esp32s3: "xtensa" } as const;
const NATIVE = "boards/esp32/native";
const TLS = "boards/esp32/tls";
const CONFIG = "boards/esp32/sdkconfig/sdkconfig.defaults";
const COMPILER = "riscv64-unknown-elf-gcc";
const FLAGS =
  "-fsyntax-only -std=gnu17 -Wall -Wextra -Wno-unused-parameter -Werror -march=rv32imc -mabi=ilp32 --specs=picolibc.specs";

const moddable = folderOf("MODDABLE", "tools/mcconfig/make.esp32.mk");
const idf = folderOf("IDF_PATH", "components/esp_hw_support/include/esp_sleep.h");
if (spawnSync(COMPILER, ["--version"]).error !== undefined) end(`${COMPILER}: not installed`);

const temporary = temporaryFolder("native-");
writeFileSync(join(temporary, "mc.xs.h"), ""); // made by the SDK's tools at each build; ours use no ids of it
const sources = [NATIVE, TLS].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".c"))
    .map((name) => join(folder, name)),
);
const mbedTLS = mbedTLSFolders();
let failures = 0;
for (const [chip, architecture] of Object.entries(CHIPS)) {
  const config = join(temporary, chip);
  mkdirSync(config);
  writeFileSync(join(config, "sdkconfig.h"), sdkConfig(chip, architecture));
  for (const source of sources) {
    const folders = ["xs/includes", "xs/platforms/esp", "xs/platforms/mc"].map((path) => join(moddable, path));
    const system = [...folders, ...idfFolders(chip, architecture)].flatMap((path) => ["-isystem", path]);
    const defines = ["-DESP32=4", "-DESP_PLATFORM"];
    const words = [...FLAGS.split(" "), ...defines, "-I", config, "-I", temporary, ...mbedTLS, ...system, source];
    const { status, stderr } = spawnSync(COMPILER, words, { encoding: "utf8" });
    console.log(`${chip} ${source}: ${status === 0 ? "compiles" : "DOES NOT COMPILE"}`);
    if (status !== 0) console.log(stderr);
    failures += status === 0 ? 0 : 1;
  }
}
process.exitCode = failures > 0 ? 1 : 0;

/** The configuration of the SDK's builds that our files use: the chip, its features, the options of the SDK's fragment. */
function sdkConfig(chip: string, architecture: string): string {
  const capabilities = readFileSync(join(idf, `components/soc/${chip}/include/soc/Kconfig.soc_caps.in`), "utf8");
  const has = [...capabilities.matchAll(/^config (\w+)\n\s+bool\n\s+default y$/gm)].map(([, name]) => name);
  const fragment = join(moddable, `build/devices/esp32/xsProj-${chip}/sdkconfig.defaults`);
  const numbers = [...readFileSync(fragment, "utf8").matchAll(/^CONFIG_(\w+)=(\d+)$/gm)];
  return [
    `#define CONFIG_IDF_TARGET "${chip}"`,
    ...[`IDF_TARGET_${chip.toUpperCase()}`, `IDF_TARGET_ARCH_${architecture.toUpperCase()}`, ...has].map(
      (name) => `#define CONFIG_${name} 1`,
    ),
    ...numbers.map(([, name, value]) => `#define CONFIG_${name} ${value}`),
    ...mbedTLSConfig(),
    "",
  ].join("\n");
}

/** The folders of headers that the SDK's makefile names. */
function idfFolders(chip: string, architecture: string): string[] {
  const makefile = readFileSync(join(moddable, "tools/mcconfig/make.esp32.mk"), "utf8");
  return [...makefile.matchAll(/^\s+\$\(IDF_PATH\)\/(\S+)/gm)].map(([, path]) =>
    join(idf, path.replaceAll("$(ESP32_SUBCLASS)", chip).replaceAll("$(ESP_ARCH)", architecture)),
  );
}

/** The folders that the engine's manifest adds. */
function mbedTLSFolders(): string[] {
  const { C_FLAGS } = JSON.parse(readFileSync(join(TLS, "manifest.json"), "utf8")).build;
  const words = [...C_FLAGS.matchAll(/(-iquote |-I)\$\(IDF_PATH\)\/(\S+)/g)];
  return words.flatMap(([, option, path]) => [option === "-I" ? "-isystem" : "-iquote", join(idf, path)]);
}

/** mbedTLS's options: ESP-IDF's defaults that depend on no other option, and what the boards set instead. */
function mbedTLSConfig(): string[] {
  const kconfig = readFileSync(join(idf, "components/mbedtls/Kconfig"), "utf8");
  const options = new Map([["MBEDTLS_TLS_CLIENT", "y"]]); // "client only" selects it
  for (const [, name, value] of kconfig.matchAll(
    /config (MBEDTLS_\w+)\n\s+(?:bool|int) ?.*\n(?:\s+(?:range|depends) .*\n)*\s+default (y|\d+)\n/g,
  ))
    options.set(name, value);
  for (const [, name, value] of readFileSync(CONFIG, "utf8").matchAll(/^CONFIG_(MBEDTLS_\w+)=(\S+)$/gm))
    options.set(name, value);
  return [...options]
    .filter(([, value]) => value !== "n")
    .map(([name, value]) => `#define CONFIG_${name} ${value === "y" ? 1 : value}`);
}

function folderOf(name: string, file: string): string {
  const folder = process.env[name];
  if (folder === undefined || !existsSync(join(folder, file))) end(`${name}: set it to a folder that has ${file}`);
  return folder;
}

function end(problem: string): never {
  console.error(problem);
  process.exit(2);
}
