/*
 * Random streams at the prompt, with Improv frames: no exception, no password is shown, memory does not grow.
 * Every stream is determined by its seed, which a failure prints. CONSOLE_SEED=n runs only that one; FUZZ=n runs n streams instead of 20,000.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { generator } from "../../boards/parts/flash/nor-flash.js";
import { Device } from "./support/device.js";
import { commandFrame, credentials, frame } from "./support/improv-client.js";

const STREAMS = Number(process.env.FUZZ ?? 20_000);
const STREAMS_A_DEVICE = 500;
const HEADER_LENGTH = 7;
const SECRET = "S3cr3t-w0rd";
const MAX_HOLD_MS = 1_200; // half a frame of Improv times out by then

const WORDS = [
  ..."help setup show set save revert sample sensors scan queue status reboot factory-reset version log".split(" "),
  ..."room id wifi.ssid wifi.password mqtt.host mqtt.qos interval log off debug count peek drop erase yes no".split(
    " ",
  ),
  ..."; ;; \" ' \\ = # 0 1 99 -1 auto kitchen a/b Küche 客厅 😀 é".split(" "),
];
const KEYS = [
  "\r",
  "\n",
  "\r\n",
  "\t",
  "\x7f",
  "\x08",
  "\x03",
  "\x0c",
  "\x15",
  "\x0b",
  "\x17",
  "\x01",
  "\x05",
  "\x1b[A",
].concat(["\x1b[B", "\x1b[C", "\x1b[D", "\x1b[H", "\x1b[3~", "\x1bOF", "\x1b", "\x1b[", "I", "IMP", "IMPROV"]);

type Random = () => number;

function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)];
}

function noise(random: Random): Uint8Array {
  return Uint8Array.from({ length: 1 + Math.floor(random() * 12) }, () => Math.floor(random() * 256));
}

/** Sends a frame, possibly damaged. What follows may come at once. */
function sendFrame(device: Device, random: Random): void {
  const isJoin = random() < 0.4;
  const whole = isJoin
    ? commandFrame(1, credentials(pick(random, ["home", "ten letters".slice(1), "IMPROV"]), SECRET))
    : random() < 0.5
      ? commandFrame(Math.floor(random() * 9), Array.from(noise(random)))
      : frame(Math.floor(random() * 6), Array.from(noise(random)));
  device.type(random() < 0.5 ? whole : spoiled(whole, random));
  if (random() < 0.5) device.time.advance(MAX_HOLD_MS);
}

/** Changes, removes or inserts one byte anywhere in the frame; or removes its end, or its first letters. */
function spoiled(whole: Uint8Array, random: Random): Uint8Array {
  const at = Math.floor(random() * whole.length);
  const other = random() < 0.5 ? whole[at] ^ (1 << Math.floor(random() * 8)) : Math.floor(random() * 256);
  switch (Math.floor(random() * 5)) {
    case 0:
      return Uint8Array.of(...whole.subarray(0, at), other, ...whole.subarray(at + 1));
    case 1:
      return Uint8Array.of(...whole.subarray(0, at), ...whole.subarray(at + 1));
    case 2:
      return Uint8Array.of(...whole.subarray(0, at), other, ...whole.subarray(at));
    case 3:
      return whole.subarray(0, at);
    default:
      return whole.subarray(Math.min(at, HEADER_LENGTH));
  }
}

/** A password where passwords are typed, whatever came before. */
function typeSecret(device: Device, random: Random): void {
  device.time.advance(MAX_HOLD_MS);
  device.type("\x03\x03");
  const key = pick(random, ["wifi.password", "mqtt.password"]);
  device.type(random() < 0.5 ? `set ${key}\r${SECRET}` : `${pick(random, ["", "save;"])}set ${key} ${SECRET}`);
  if (random() < 0.7) device.type("\r");
  else device.type("\x03");
  if (random() < 0.5) device.type(`show; show ${key}; save\r\x1b[A\x1b[A\x1b[A\x1b[B`);
  device.type("\x03");
}

function stream(device: Device, random: Random): void {
  const steps = 1 + Math.floor(random() * 10);
  for (let step = 0; step < steps; step++) {
    const what = random();
    if (what < 0.4) device.type(`${pick(random, WORDS)}${random() < 0.6 ? " " : ""}`);
    else if (what < 0.65) device.type(pick(random, KEYS));
    else if (what < 0.75) device.type(noise(random));
    else if (what < 0.85) sendFrame(device, random);
    else if (what < 0.9) typeSecret(device, random);
    else if (what < 0.95) device.time.advance(Math.floor(random() * 2_000));
    else device.console.log("info", String.fromCodePoint(Math.floor(random() * 0xd800)).repeat(random() * 90));
  }
}

function newDevice(random: Random): Device {
  const mode = random() < 0.8 ? "terminal" : "lines";
  const device = new Device({ improv: "offered", mode, onWritten: () => {} });
  device.networks = random() < 0.5 ? [{ ssid: "home", rssi: -50, secured: true }] : { failed: "busy" };
  if (random() < 0.2) device.answersAfterMs = undefined;
  return device;
}

function check(device: Device, seed: number): void {
  const written = device.port.take();
  if (written.includes(SECRET))
    throw new Error(`seed ${seed}: the password was shown: ${JSON.stringify(written.slice(-600))}`);
  if (written.includes("internal error")) throw new Error(`seed ${seed}: ${written}`);
  if (device.time.waiting > 8) throw new Error(`seed ${seed}: ${device.time.waiting} timers wait`);
  device.events.length = 0;
}

/** Runs consecutive streams, from the first seed on, with one device. */
function life(firstSeed: number, streams: number): void {
  const random = generator(firstSeed);
  const device = newDevice(random);
  for (let at = 0; at < streams; at++) {
    try {
      stream(device, random);
    } catch (error) {
      throw new Error(`seed ${firstSeed}, stream ${at}: ${(error as Error).stack}`);
    }
    check(device, firstSeed);
  }
  device.time.advance(120_000);
  device.type("\x03\x03version\r");
  expect(device.port.take(), `seed ${firstSeed}: the prompt answers after it all`).toContain("home-thermometer 1.0.0");
}

const only = process.env.CONSOLE_SEED;

test(`${STREAMS} streams: no throw, no password shown, the prompt answers`, () => {
  if (only !== undefined) return life(Number(only), STREAMS_A_DEVICE);
  for (let seed = 1; seed <= STREAMS / STREAMS_A_DEVICE; seed++) life(seed, STREAMS_A_DEVICE);
}, 300_000);

test("one device through 4,000 streams: the heap does not grow", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const random = generator(4);
  const device = newDevice(random);
  const heapAfter = (streams: number): number => {
    for (let at = 0; at < streams; at++) {
      stream(device, random);
      check(device, at);
    }
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = heapAfter(2_000);
  expect(heapAfter(2_000) - before).toBeLessThan(200_000);
}, 60_000);

test("a port that accepts no output: input stays in the port, log lines are left out and counted, memory is bounded", () => {
  const device = new Device({ room: 100 });
  for (let i = 0; i < 5_000; i++) device.console.log("info", `reading ${i}`);
  device.type("show\r".repeat(2_000));
  const before = device.port.bytesWritten;
  expect(before).toBe(100);
  expect(device.port.unread).toBe(10_000); // not even the first one is read
  let announcements = 0;
  while (device.port.bytesWritten < 5_000) {
    device.port.announce(64);
    announcements += 1;
    if (announcements > 1_000) throw new Error("nothing more is written");
  }
  expect(device.port.written).toMatch(/\(\d{4} log lines left out\)/);
  const [, leftOut] = /\((\d+) log lines/.exec(device.port.written) ?? [];
  const shown = device.port.written.match(/reading \d+\r/g)?.length ?? 0;
  expect(shown + Number(leftOut)).toBe(5_000);
});
