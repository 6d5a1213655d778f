/* The TLS session of a device that sleeps is kept in RTC memory, and nowhere else. */
import { expect, test } from "vitest";
import { DeepSleep } from "../../boards/common/deep-sleep.js";
import { readSession, writeSession } from "../../src/thermometer/sleep/kept-session.js";
import type { TLSDemand, TLSFacts } from "../../src/tls/io.js";
import { PLACE_BYTES, SESSION_AT, sealSession, unsealSession } from "../../src/tls/kept-session.js";
import { Random } from "../simulation/random.js";
import { SimulatedDevice } from "../support/device-board.js";
import { SEED } from "../support/seed.js";
import { pretendedTLS } from "./support/pretended.js";

const FIRMWARE = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 86_400_000;
const SECRET = "session secret";
const bytesOf = (text: string): ArrayBuffer => Uint8Array.from(Buffer.from(text)).buffer;
const textOf = (session: unknown): string | undefined =>
  session === undefined ? undefined : Buffer.from(session as ArrayBuffer).toString();

/** The session's place in RTC memory, with a sealed session at its beginning. */
function place(sealed: Uint8Array | undefined): Uint8Array {
  const bytes = new Uint8Array(PLACE_BYTES);
  bytes.set(sealed ?? []);
  return bytes;
}

test("a session of any length that fits is read back unchanged; a longer one is not kept", () => {
  for (const length of [1, 300, PLACE_BYTES - 32]) {
    const session = new Uint8Array(length).fill(length).buffer;
    for (const endsMs of [undefined, 1_800_000_000_000])
      expect(unsealSession(place(sealSession({ session, endsMs }, FIRMWARE)), FIRMWARE)).toEqual({ session, endsMs });
  }
  const long = new ArrayBuffer(PLACE_BYTES - 31);
  expect(sealSession({ session: long, endsMs: undefined }, FIRMWARE)).toBeUndefined();
});

test("random bytes, a session with one damaged byte, and one of another firmware are ignored", () => {
  const random = new Random(SEED);
  const sealed = sealSession({ session: bytesOf(SECRET), endsMs: 1 }, FIRMWARE) as Uint8Array;
  for (let at = 0; at < sealed.length; at++) {
    if (at >= 12 && at < 16) continue; // not used
    const damaged = place(sealed);
    damaged[at] ^= 1 + random.whole(0, 254);
    expect(unsealSession(damaged, FIRMWARE), `byte ${at}`).toBeUndefined();
  }
  const noise = Uint8Array.from({ length: PLACE_BYTES }, () => random.whole(0, 255));
  expect(unsealSession(noise, FIRMWARE)).toBeUndefined();
  expect(
    unsealSession(
      place(sealed),
      FIRMWARE.map((byte) => byte + 1),
    ),
  ).toBeUndefined();
});

interface Sleeper {
  readonly device: SimulatedDevice;
  /** For each connection, the session that it tried to resume. */
  readonly offered: (string | undefined)[];
  /** The bytes after the wake record, as text. */
  kept(): string;
  /** What the next handshakes do. */
  how: "good" | "refuses" | "no session";
}

/** A device that reports every ten minutes over TLS. Each connection has its own session; the certificate expires in 20 days. */
function sleeper(settings: Record<string, string> = {}): Sleeper {
  const offered: Sleeper["offered"] = [];
  const endsMs = (): number => device.house.utcMs + 20 * DAY;
  const handshake = (demand: TLSDemand): TLSFacts | { kind: "wrongKey" } => {
    const isResumed = demand.session !== undefined;
    if (it.how === "good") demand.session = bytesOf(`${SECRET} ${offered.length}`);
    else demand.session = undefined;
    if (it.how === "refuses") return { kind: "wrongKey" };
    const shown = isResumed ? { name: "", endsMs: undefined } : { name: "nas", endsMs: endsMs() };
    return { version: "TLSv1.2", cipher: "X", isResumed, ...shown };
  };
  const device = new SimulatedDevice({
    defaults: { sleep: "on", interval: "60", report: "10", "mqtt.tls": "on", log: "debug", ...settings },
    sleep: { rate: 1 },
    tls: (tcp) => pretendedTLS(tcp, handshake, ({ session }) => offered.push(textOf(session))),
  });
  const it: Sleeper = {
    device,
    offered,
    how: "good",
    kept: () => Buffer.from(device.chip?.memory.subarray(SESSION_AT) ?? []).toString("latin1"),
  };
  device.powerOn();
  device.house.time.advance(3 * MINUTE);
  return it;
}

test("each report resumes the session of the previous one; after power-on there is none to resume", () => {
  const { device, offered } = sleeper();
  device.house.time.advance(30 * MINUTE);
  const first = offered.length;
  expect(first).toBeGreaterThanOrEqual(4);
  // The first connection wipes what a broker may know of an earlier life; the second one is in the same run.
  expect(offered).toEqual(offered.map((_, n) => (n === 0 ? undefined : `${SECRET} ${n}`)));
  device.cut();
  device.powerOn();
  device.house.time.advance(MINUTE);
  expect(offered[first]).toBeUndefined();
});

test("time servers are silent: reports go on, by the clock that was set before the sleep; not after power-on", () => {
  const { device, offered } = sleeper();
  const { house } = device;
  house.time.advance(10 * MINUTE);
  device.ntp.faults.silent = true;
  const before = house.readings().length;
  house.time.advance(HOUR);
  expect(house.readings().length).toBeGreaterThan(before + 45);
  expect(house.readings().filter(({ ts }) => ts === undefined)).toEqual([]);
  device.cut();
  device.powerOn();
  const { length } = offered;
  house.time.advance(HOUR);
  expect(offered).toHaveLength(length);
});

test("the warning that the broker's certificate expires soon also comes in a resumed session", () => {
  const { device } = sleeper();
  device.house.time.advance(12 * MINUTE);
  const ends = /broker's certificate ends on \d{4}-\d\d-\d\d/;
  expect(device.traces.some((line) => ends.test(line))).toBe(true); // the first connection's went to the prompt
  expect(device.traces.some((line) => /certificate until \d{4}-\d\d-\d\d, resumed/.test(line))).toBe(true);
});

test("the session is not printed anywhere", () => {
  const { device, kept } = sleeper();
  device.house.time.advance(30 * MINUTE);
  expect(kept()).toContain(SECRET);
  device.chip?.press();
  device.house.time.advance(1_000);
  const output = [
    ...device.traces,
    device.type("status"),
    device.type("show"),
    JSON.stringify(device.house.readings()),
  ];
  expect(output.join("\n")).not.toContain("secret");
  expect(Buffer.from(device.settingsFlash.bytes).includes(SECRET)).toBe(false);
  expect(Buffer.from(device.flash.bytes).includes(SECRET)).toBe(false);
});

test.each(["refuses", "no session"] as const)("a handshake that %s: what was kept is overwritten", (how) => {
  const it = sleeper();
  it.device.house.time.advance(12 * MINUTE);
  expect(it.kept()).toContain(SECRET);
  it.how = how;
  it.device.house.time.advance(12 * MINUTE);
  expect(it.kept()).toMatch(/^\0+$/);
});

test.each([
  ["mqtt.fingerprint", "00".repeat(32)],
  ["mqtt.name", "other.test"],
  ["mqtt.host", "10.0.0.1"],
  ["mqtt.port", "1883"],
  ["mqtt.tls", "off"],
])("`%s` is saved: the session does not outlive the next sleep", (key, value) => {
  const it = sleeper({ "mqtt.host": "10.0.0.2" });
  const { device } = it;
  device.chip?.press();
  device.house.time.advance(5_000);
  device.set({ [key]: value });
  device.house.time.advance(3 * MINUTE);
  expect(device.isOn).toBe(false);
  expect(it.kept()).toMatch(/^\0+$/);
});

test("a place that was never used costs a read of four bytes and no write; a used one is wiped completely, also if the next session is too long", () => {
  const chip = new DeepSleep({
    timers: { set: () => 0, clear() {} },
    uptimeMs: () => 0,
    firmware: FIRMWARE,
    onSleep() {},
    onWake() {},
  });
  const calls: string[] = [];
  class Counted extends chip.io {
    override readMemory(buffer: Uint8Array, at?: number): void {
      calls.push(`read ${buffer.length} at ${at}`);
      super.readMemory(buffer, at);
    }
    override writeMemory(bytes: Uint8Array, at?: number): void {
      calls.push(`write ${bytes.length} at ${at}`);
      super.writeMemory(bytes, at);
    }
  }
  const sleeper = new Counted({});
  chip.memory.fill(0xff, 0, SESSION_AT); // the wake record
  const head = `read 4 at ${SESSION_AT}`;
  expect(readSession(sleeper)).toBeUndefined();
  writeSession(sleeper, undefined);
  expect(calls.splice(0)).toEqual([head, head]);
  writeSession(sleeper, { session: bytesOf(SECRET), endsMs: 5 });
  expect(textOf(readSession(sleeper)?.session)).toBe(SECRET);
  expect(calls.splice(0)).toEqual([head, `write 46 at ${SESSION_AT}`, head, `read ${PLACE_BYTES} at ${SESSION_AT}`]);
  const place = chip.memory.subarray(SESSION_AT, SESSION_AT + PLACE_BYTES);
  for (const session of [undefined, { session: new ArrayBuffer(PLACE_BYTES), endsMs: undefined }]) {
    writeSession(sleeper, { session: bytesOf(SECRET), endsMs: 5 });
    writeSession(sleeper, session);
    expect(place.every((byte) => byte === 0)).toBe(true);
  }
  expect(chip.memory.subarray(0, SESSION_AT).every((byte) => byte === 0xff)).toBe(true);
});
