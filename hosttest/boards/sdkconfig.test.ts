/*
 * The ESP-IDF options of our boards, compared with the SDK's. mcconfig uses one folder of sdkconfig fragments: ours replaces that of the
 * SDK's target, so it must contain what is needed from there.
 * Source: tools/mcmanifest.js of the Moddable SDK 8.2 (generateConfigurationRules); ESP-IDF, "Panic handler behaviour".
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/temporary.js";
import { DEVICES, Product } from "./manifest.js";

const TOP = fileURLToPath(new URL("../..", import.meta.url));
const COMMON = "boards/esp32/sdkconfig";
/** Options that the SDK sets otherwise on the S3, and in instrumented builds of every chip. */
const SDK = new Map([
  ["CONFIG_ESP_SYSTEM_PANIC_GDBSTUB", "y"],
  ["CONFIG_ESPTOOLPY_FLASHSIZE_4MB", "y"],
  ["CONFIG_ESP_COREDUMP_ENABLE_TO_UART", "y"],
  ["CONFIG_ESP_CONSOLE_NONE", "y"],
  ["CONFIG_BOOTLOADER_LOG_LEVEL_NONE", "y"],
  ["CONFIG_LOG_DEFAULT_LEVEL_NONE", "y"],
]);

type Build = "debug" | "release";

const folders = new Map(DEVICES.map((platform) => [platform, new Product(TOP, platform).build.SDKCONFIGPATH]));
const folderOf = (platform: string): string => folders.get(platform as (typeof DEVICES)[number]) ?? "";
const fragment = (folder: string, name: string): string => readFileSync(join(TOP, folder, name), "utf8");

/** As mcconfig merges: the SDK's, then our defaults, then what only release builds have. The last one wins. */
function merged(platform: string, build: Build): Map<string, string> {
  const names = build === "debug" ? ["sdkconfig.defaults"] : ["sdkconfig.defaults", "sdkconfig.defaults.release"];
  const lines = names.flatMap((name) => fragment(folderOf(platform), name).split("\n"));
  const config = new Map(SDK);
  for (const line of lines) {
    if (line === "" || line.startsWith("#")) continue; // mcconfig passes "# ... is not set" over, too
    const [name, value] = line.split("=");
    expect(line).toMatch(/^CONFIG_\w+=\S+$/);
    config.set(name, value);
  }
  return config;
}

describe.each(DEVICES)("%s", (platform) => {
  const on = (build: Build, name: string): boolean => merged(platform, build).get(`CONFIG_${name}`) === "y";

  test("a release build restarts after a crash, and after a script that never returns", () => {
    expect(on("release", "ESP_SYSTEM_PANIC_GDBSTUB")).toBe(false); // it would wait there, the watchdogs off
    expect(on("release", "ESP_SYSTEM_PANIC_PRINT_REBOOT")).toBe(true);
    for (const name of ["EN", "INIT", "PANIC"]) expect(on("release", `ESP_TASK_WDT_${name}`)).toBe(true);
  });

  test("a debug build stops at breakpoints without a time limit", () => {
    expect(on("debug", "ESP_TASK_WDT_EN")).toBe(false);
  });

  test("has all that the others have", () => {
    const [folder, common] = [folderOf(platform), (name: string): string => fragment(COMMON, name)];
    expect(fragment(folder, "sdkconfig.defaults").startsWith(common("sdkconfig.defaults"))).toBe(true);
    expect(fragment(folder, "sdkconfig.defaults.release")).toBe(common("sdkconfig.defaults.release"));
    expect(on("debug", "ESP_BROWNOUT_DET")).toBe(true);
    expect(existsSync(join(TOP, folder, "sdkconfig.inst"))).toBe(false); // the SDK's own is enough
  });

  test("an image installed over the air is rolled back, unless it confirms that it works", () => {
    for (const build of ["debug", "release"] as const) expect(on(build, "BOOTLOADER_APP_ROLLBACK_ENABLE")).toBe(true);
  });

  test("does not validate its image after deep sleep, and logs nothing", () => {
    for (const build of ["debug", "release"] as const) {
      expect(on(build, "BOOTLOADER_SKIP_VALIDATE_IN_DEEP_SLEEP")).toBe(true);
      expect(on(build, "BOOTLOADER_LOG_LEVEL_NONE")).toBe(true);
      expect(on(build, "LOG_DEFAULT_LEVEL_NONE")).toBe(true);
    }
  });

  test("knows the size of its flash", () => {
    const is8MB = platform.startsWith("esp32/esp32s3");
    for (const build of ["debug", "release"] as const) {
      expect(on(build, "ESPTOOLPY_FLASHSIZE_4MB")).toBe(!is8MB);
      expect(on(build, "ESPTOOLPY_FLASHSIZE_8MB")).toBe(is8MB);
    }
  });
});

describe("TLS", () => {
  const folder = temporaryFolder("sdkconfig-");
  const options = new Map([...merged("esp32", "release")].filter(([name]) => name.startsWith("CONFIG_MBEDTLS_")));
  /** Options that depend on others: absent without them, as Kconfig has it. The last stands for what "client only" chooses against. */
  const NEEDS: Readonly<Record<string, readonly [name: string, value: string]>> = {
    CONFIG_MBEDTLS_SSL_IN_CONTENT_LEN: ["CONFIG_MBEDTLS_ASYMMETRIC_CONTENT_LEN", "y"],
    CONFIG_MBEDTLS_SSL_OUT_CONTENT_LEN: ["CONFIG_MBEDTLS_ASYMMETRIC_CONTENT_LEN", "y"],
    CONFIG_MBEDTLS_SSL_RECORD_SIZE_LIMIT: ["CONFIG_MBEDTLS_SSL_PROTO_TLS1_3", "y"],
    CONFIG_MBEDTLS_TLS_SERVER: ["CONFIG_MBEDTLS_TLS_CLIENT_ONLY", "n"],
  };

  /** The compiler's errors about the configuration; "": none. */
  function complaint(config: ReadonlyMap<string, string>): string {
    const lines = [...config, ["CONFIG_MBEDTLS_TLS_SERVER", "y"]]
      .filter(
        ([name, value]) =>
          value !== "n" && (NEEDS[name] === undefined || config.get(NEEDS[name][0]) === NEEDS[name][1]),
      )
      .map(([name, value]) => `#define ${name} ${value === "y" ? 1 : value}\n`);
    writeFileSync(join(folder, "sdkconfig.h"), lines.join(""));
    const header = join(TOP, "boards/esp32/tls/options.h");
    const words = ["-E", "-Werror", "-DESP_PLATFORM", "-I", folder, "-include", header, "-x", "c", "/dev/null"];
    return spawnSync("gcc", words, { encoding: "utf8" }).stderr;
  }

  test("what the boards configure is what the engine expects", () => {
    expect(options.size).toBeGreaterThan(15);
    expect(complaint(options)).toBe("");
  });

  test.each([...options.keys()])("%s: the engine does not compile with another value", (name) => {
    const other = { y: "n", n: "y" }[options.get(name) as string] ?? "16384";
    expect(complaint(new Map(options).set(name, other))).toMatch(/error: #error "/);
  });
});

describe.each(["esp32/esp32c3_cdc", "esp32/esp32s3_cdc"])("%s, whose folder of the SDK ours replaces", (platform) => {
  test.each(["debug", "release"] as const)("%s: nothing waits or is dumped at UART0 after a crash", (build) => {
    const config = merged(platform, build);
    expect(config.get("CONFIG_ESP_SYSTEM_PANIC_GDBSTUB")).toBe("n");
    expect(config.get("CONFIG_ESP_COREDUMP_ENABLE_TO_UART")).toBe("n");
    expect(config.get("CONFIG_ESP_COREDUMP_ENABLE")).toBe("n");
  });
});

test("a C3 on its own USB is reset before flashing, and not after it", () => {
  const config = merged("esp32/esp32c3_cdc", "release");
  expect(config.get("CONFIG_ESPTOOLPY_BEFORE_RESET")).toBe("y");
  expect(config.get("CONFIG_ESPTOOLPY_AFTER_NORESET")).toBe("y");
});

test("an S3 on its own USB has ESP-IDF's console on UART0, at the prompt's speed", () => {
  const config = merged("esp32/esp32s3_cdc", "release");
  expect(config.get("CONFIG_ESP_CONSOLE_NONE")).toBe("n");
  expect(config.get("CONFIG_ESP_CONSOLE_UART_DEFAULT")).toBe("y");
  expect(config.get("CONFIG_ESP_CONSOLE_UART_BAUDRATE")).toBe("115200");
});
