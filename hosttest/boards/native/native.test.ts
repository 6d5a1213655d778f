/*
 * Our C files, compiled for this computer with stand-ins for the headers of the SDK and ESP-IDF, and run: their calls to the chip, and
 * their results. check.ts compiles them with the real headers.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { isSigned } from "../../../boards/common/ed25519.js";
import { temporaryFolder } from "../../support/temporary.js";
import { keyPair, isSigned as opensslSays } from "../../update/support/keys.js";

const TOP = fileURLToPath(new URL("../../..", import.meta.url));
const FOLDER = join(TOP, "boards/esp32/native");
const STAND_INS = join(TOP, "hosttest/boards/native/stand-ins");
const HEADERS = [
  "app_update/include/esp_ota_ops", // so, as in the SDK's own files: its makefile has no path to this component
  "driver/rtc_io",
  "esp_app_desc",
  "esp_attr",
  "esp_mac",
  "esp_rtc_time",
  "esp_sleep",
  "esp_system",
  "soc/soc_caps",
];
const CHIPS = ["esp32", "esp32c3", "esp32s3"] as const;
type Chip = (typeof CHIPS)[number];

const folder = temporaryFolder("native-");

beforeAll(() => {
  for (const name of HEADERS) mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, "mc.xs.h"), "");
  for (const name of HEADERS) writeFileSync(join(folder, `${name}.h`), '#include "esp.h"\n');
  const sources = readdirSync(FOLDER).filter((name) => name.endsWith(".c"));
  for (const chip of CHIPS) {
    const { status, stderr } = spawnSync(
      "gcc",
      [
        ...`-std=gnu17 -Wall -Wextra -Wno-unused-parameter -Werror -fsanitize=address,undefined -DCONFIG_IDF_TARGET_${chip.toUpperCase()}=1`.split(
          " ",
        ),
        ...["-I", STAND_INS, "-I", folder, "-o", join(folder, chip)],
        ...[...sources.map((name) => join(FOLDER, name)), join(STAND_INS, "machine.c")],
      ],
      { encoding: "utf8" },
    );
    if (status !== 0) throw new Error(stderr);
  }
}, 120_000);

interface State {
  readonly resetReason?: number;
  readonly causes?: number;
  readonly rtcUs?: number;
  readonly hasAddress?: boolean;
}

const DEEP_SLEEP = 8;
const [EXT0, EXT1, TIMER, GPIO, UART] = [2, 3, 4, 7, 8].map((source) => 1 << source);

/** What calls of the C functions print, line by line. */
function run(
  chip: Chip,
  { resetReason = 1, causes = 0, rtcUs = 0, hasAddress = true }: State,
  ...calls: string[]
): string[] {
  const state = [resetReason, causes, rtcUs, Number(hasAddress)].map(String);
  const { stdout, stderr } = spawnSync(join(folder, chip), [...state, ...calls], { encoding: "utf8" });
  expect(stderr).toBe("");
  return stdout.trimEnd().split("\n");
}

test("the address is twelve digits, those below sixteen with their zero; none where the chip has none", () => {
  expect(run("esp32", {}, "xs_mac_address")).toEqual(['= "246f28ab0def"']);
  expect(run("esp32", { hasAddress: false }, "xs_mac_address")).toEqual(['= ""']);
});

describe("what woke the chip", () => {
  const NONE = 0;
  const BY_TIMER = 1;
  const BY_PIN = 2;
  const OTHER = 3;
  test.each([
    [1, 1, NONE], // power on: ESP-IDF has the bit "undefined" then
    [3, TIMER, NONE], // a restart after a wake: what woke it before is over
    [DEEP_SLEEP, TIMER, BY_TIMER],
    [DEEP_SLEEP, EXT0, BY_PIN],
    [DEEP_SLEEP, EXT1, BY_PIN],
    [DEEP_SLEEP, GPIO, BY_PIN],
    [DEEP_SLEEP, EXT1 | TIMER, BY_PIN],
    [DEEP_SLEEP, UART, OTHER],
  ])("reset reason %d, causes %d: %d", (resetReason, causes, cause) => {
    expect(run("esp32s3", { resetReason, causes }, "xs_wake_cause")).toEqual([`= ${cause}`]);
  });
});

describe("deep sleep", () => {
  test.each([
    ["esp32", ["pull-down off 0", "pull-up on 0", "ext1 1 all low"]],
    ["esp32s3", ["pull-down off 0", "pull-up on 0", "ext1 1 any low"]],
    ["esp32c3", ["gpio 1 low"]], // ESP-IDF pulls it up
  ] as const)("%s: the timer first, then the pin, pulled up, then sleep, from which nothing returns", (chip, pin) => {
    const asked = run(chip, {}, "xs_deep_sleep,59750.25,0", "xs_wake_cause");
    expect(asked).toEqual(["timer 59750250 us", ...pin, "silent", "sleep"]);
  });

  test("without a pin by the timer alone; weeks are no trouble", () => {
    const weeks = 8 * 7 * 86_400_000; // more than 32 bits of milliseconds
    expect(run("esp32c3", {}, `xs_deep_sleep,${weeks},-1`)).toEqual([`timer ${weeks}000 us`, "silent", "sleep"]);
  });

  test("pins above 31 are pins, too, also where the chip has no pull-up for them", () => {
    expect(run("esp32", {}, "xs_deep_sleep,1,39").slice(-3)).toEqual(["ext1 8000000000 all low", "silent", "sleep"]);
  });

  test("a pin that cannot wake, or a time that is none, is refused, and the chip stays awake", () => {
    const [, refused] = run("esp32c3", {}, "xs_deep_sleep,1000,9");
    expect(refused).toBe("throws: this pin cannot wake the chip");
    for (const ms of ["-1", "nan"])
      expect(run("esp32c3", {}, `xs_deep_sleep,${ms},-1`)).toEqual(["throws: no timer for so long a sleep"]);
    const [asked, tooLong] = run("esp32c3", {}, "xs_deep_sleep,1e15,-1");
    expect([asked, tooLong]).toEqual(["timer 1000000000000000000 us", "throws: no timer for so long a sleep"]);
  });

  test("the slow clock in milliseconds, with its fraction, beyond 32 bits of microseconds", () => {
    expect(run("esp32", { rtcUs: 5_000_000_001_250 }, "xs_slow_clock")).toEqual(["= 5000000001.25"]);
  });
});

describe("RTC memory", () => {
  const READ_8 = "xs_rtc_memory_read,xffffffffffffffff,0";

  test("all zero after a reset that was not a wake-up; a read fills the requested length", () => {
    expect(run("esp32", {}, READ_8)).toEqual(["= 8 bytes 0000000000000000"]);
    expect(run("esp32", {}, "xs_rtc_memory_read,xffff,0")).toEqual(["= 2 bytes 0000"]);
  });

  test("what is written is read; a shorter one leaves the rest", () => {
    const calls = ["xs_rtc_memory_write,x0102030405,0", "xs_rtc_memory_write,xa0b0,0", READ_8];
    expect(run("esp32", {}, ...calls).pop()).toBe("= 8 bytes a0b0030405000000");
  });

  test("2,048 bytes, from any of them on; more than there is is refused, and changes nothing", () => {
    const bytes = (hex: string, count: number): string => `x${hex.repeat(count)}`;
    const calls = [
      `xs_rtc_memory_write,${bytes("11", 512)},0`,
      `xs_rtc_memory_write,${bytes("22", 1_536)},512`,
      `xs_rtc_memory_write,${bytes("33", 1_536)},513`,
      `xs_rtc_memory_write,${bytes("44", 1)},-1`,
      `xs_rtc_memory_read,${bytes("55", 2)},2047`,
      `xs_rtc_memory_read,${bytes("66", 2)},511`,
      `xs_rtc_memory_read,${bytes("77", 1)},2047`,
    ];
    expect(run("esp32", {}, ...calls)).toEqual([
      "= 512 bytes 1111111111111111",
      "= 1536 bytes 2222222222222222",
      "throws: more than the RTC memory takes",
      "throws: more than the RTC memory takes",
      "throws: more than the RTC memory has",
      "= 2 bytes 1122",
      "= 1 bytes 22",
    ]);
  });
});

test("the firmware's id is the beginning of its hash", () => {
  expect(run("esp32", {}, "xs_firmware_id")).toEqual(["= 8 bytes 01020304050607fe"]);
});

describe("slots", () => {
  const calls = ["xs_slots_forget", "xs_slots_select", "xs_slots_confirm", "xs_slots_roll_back"];

  test("which one runs, and the states of both; -1 where boot selection knows none", () => {
    const states = ["xs_slots_running", "xs_slots_state,0", "xs_slots_state,1"];
    expect(run("esp32", { causes: 0x41 }, ...states)).toEqual(["= 1", "= 1", "= 4"]);
    expect(run("esp32", { causes: 0xf2 }, ...states)).toEqual(["= 1", "= 2", "= -1"]);
  });

  test("the other one is selected, this one confirmed or rolled back", () => {
    const asked = run("esp32", {}, ...calls).filter((line) => !line.startsWith("="));
    expect(asked).toEqual(["forget", "boot 0", "valid", "invalid"]);
  });

  test("failures throw, except the deletion of a missing entry", () => {
    const heard = run("esp32", { hasAddress: false }, ...calls).filter((line) => line.startsWith("throws"));
    expect(heard).toEqual([
      "throws: the slot has no valid image",
      "throws: the flash fails",
      "throws: there is no other image",
    ]);
  });
});

describe("Ed25519 in C and in TypeScript agrees with OpenSSL", () => {
  const key = keyPair(1);
  const bytesOf = (number: bigint): Uint8Array =>
    Uint8Array.from({ length: 32 }, (_, n) => Number((number >> BigInt(8 * n)) & 255n));
  const hex = (bytes: Uint8Array): string => `x${Buffer.from(bytes).toString("hex")}`;
  const concat = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
  type Case = readonly [message: Uint8Array, signature: Uint8Array, key: Uint8Array];

  function answers(cases: readonly Case[]): boolean[] {
    return run("esp32", {}, ...cases.map((bytes) => `xs_is_signed,${bytes.map(hex).join(",")}`)).map(
      (line) => line === "= 1",
    );
  }

  test("of messages of any length that there may be, good and with one bit changed anywhere", () => {
    const cases: Case[] = [];
    const expected: boolean[] = [];
    for (const length of [0, 1, 2, 31, 32, 33, 46, 47]) {
      const message = Uint8Array.from({ length }, (_, n) => (n * 37 + length) & 255);
      const pair = keyPair(length % 7);
      const good: Case = [message, pair.sign(message), pair.publicKey];
      cases.push(good);
      expected.push(true);
      const part = length % 3;
      if (good[part].length === 0) continue;
      const at = (length * 11) % good[part].length;
      const bad = good.map((bytes, n) =>
        n === part ? bytes.map((byte, m) => (m === at ? byte ^ (1 << (length % 8)) : byte)) : bytes,
      );
      cases.push([bad[0], bad[1], bad[2]]);
      expected.push(opensslSays(bad[0], bad[1], bad[2]));
    }
    expect(answers(cases)).toEqual(expected);
    expect(expected.filter((good) => good).length).toBe(8);
  });

  test("what is no point, not below its limit, or of another length is not signed, and breaks nothing", () => {
    const p = 2n ** 255n - 19n;
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const message = Uint8Array.of(1, 2, 3);
    const signature = key.sign(message);
    const [r, s] = [signature.subarray(0, 32), signature.subarray(32)];
    const numberOf = (bytes: Uint8Array): bigint => bytes.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);
    const zero = new Uint8Array(32);
    const sign = 2n ** 255n;
    const keys = [0n, 1n, 2n, p - 1n, p, p + 1n, p + 18n, sign, sign + 1n, sign + p, 2n ** 256n - 1n].map(bytesOf);
    const cases: Case[] = [
      ...[numberOf(s) + order, numberOf(s) + 2n * order, order, order - 1n, 0n, 2n ** 256n - 1n].map(
        (n): Case => [message, concat(r, bytesOf(n)), key.publicKey],
      ),
      ...keys.map((bytes): Case => [message, concat(bytes, zero), bytes]),
      ...keys.map((bytes): Case => [message, signature, bytes]),
      [message, signature.subarray(0, 63), key.publicKey],
      [message, concat(signature, zero), key.publicKey],
      [message, signature, key.publicKey.subarray(1)],
    ];
    expect(answers(cases)).toEqual(cases.map((bytes) => isSigned(...bytes)));
    expect(answers([[message, signature, key.publicKey]])).toEqual([true]);
    expect(answers([[new Uint8Array(48), key.sign(new Uint8Array(48)), key.publicKey]])).toEqual([false]);
  });
});
