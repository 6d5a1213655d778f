/* One update from its announcement to its end: refusals and their reasons, continuation after drops and boots, trial and rollback. */
import { describe, expect, test } from "vitest";
import { makeImage } from "../../boards/parts/flash/image.js";
import { generator } from "../../boards/parts/flash/nor-flash.js";
import { toASCII } from "../../src/common/ascii.js";
import { keyPair, offerOf } from "./support/keys.js";
import { drive, Setup, type SetupOptions } from "./support/setup.js";

const BLOCK = 4096;
const OLD = makeImage({ version: "0.2.0", chip: "test" }, 9_000);
const NEW = makeImage({ version: "0.3.0", chip: "test" }, 3 * BLOCK + 777);

function build(options: Partial<SetupOptions> = {}): Setup {
  const setup = new Setup({ image: OLD, slotBlocks: 5, key: keyPair(1).publicKey, random: generator(1), ...options });
  setup.boot();
  return setup;
}

test("a good image is written, verified, started on trial, confirmed, and starts from then on", () => {
  const setup = build();
  expect(setup.state).toEqual({ version: "0.2.0", state: "idle" });
  const state = drive(setup, offerOf(NEW), NEW);
  expect(state).toMatchObject({ version: "0.3.0", state: "confirmed", id: "00000001", latest: "0.3.0" });
  expect(setup.started).toEqual(["0.2.0", "0.3.0"]);
  setup.boot();
  setup.boot();
  expect(setup.started.slice(2)).toEqual(["0.3.0", "0.3.0"]);
  expect(setup.flash.violations).toBe(0);
  expect(setup.log).toEqual([
    "info update: 0.3.0 is being received",
    "info update: 0.3.0 is verified",
    "info update: 0.3.0 is started",
    "restart: update to 0.3.0",
    "info update: 0.3.0 is on trial",
    "info update: 0.3.0 is confirmed",
  ]);
});

test("and the next one is written into the slot that is free now", () => {
  const setup = build();
  drive(setup, offerOf(NEW), NEW);
  const next = makeImage({ version: "0.4.0", chip: "test" }, 2 * BLOCK);
  expect(drive(setup, offerOf(next, { id: "00000002", version: "0.4.0" }), next)).toMatchObject({ state: "confirmed" });
  expect(setup.slots.running).toBe(0);
});

test("a slot is programmed in whole units of 16 bytes, as encrypted flash requires", () => {
  const setup = build();
  const odd: number[] = [];
  setup.flash.faults = {
    program: (address, length) => {
      const isInSlot = address >= 7 * BLOCK && address < 12 * BLOCK;
      if (isInSlot && (address | length) % 16 !== 0) odd.push(address);
      return undefined;
    },
  };
  setup.announce(offerOf(NEW));
  for (let at = 0; at < NEW.length; at += BLOCK) setup.send(offerOf(NEW), NEW, at, 100);
  setup.time.advance(5_000);
  expect(setup.state).toMatchObject({ state: "confirmed" });
  expect(odd).toEqual([]);
});

describe("refused, with the reason, and nothing is erased", () => {
  test.each([
    ["an older version", { version: "0.1.9" }, "not newer: 0.1.9, installed is 0.2.0"],
    ["the same version", { version: "0.2.0" }, "not newer: 0.2.0, installed is 0.2.0"],
    ["what comes before the release", { version: "0.2.0-dev" }, "not newer: 0.2.0-dev, installed is 0.2.0"],
    ["another chip's", { chip: "esp32s3" }, "wrong chip: it is for esp32s3, this is test"],
    ["another key's", { key: keyPair(2) }, "wrong signature: not made with the key that this build trusts"],
  ])("%s", (_, terms, reason) => {
    const setup = build();
    setup.announce(offerOf(NEW, terms));
    expect(setup.state).toEqual({ version: "0.2.0", state: "refused", id: "00000001", reason });
    expect(setup.updates!.text).toBe(`refused: ${reason}`);
    expect(setup.log.at(-1)).toBe(`warn update: refused: ${reason}`);
    expect([...setup.flash.erases].every((count) => count === 0)).toBe(true);
    expect(setup.wantsChunks).toBe(false);
  });

  test.each([
    ["version", { version: "0.9.0" }],
    ["size", { size: NEW.length - 1 }],
    ["digest", { sha256: "0".repeat(64) }],
    ["order to take an older one", { force: true }],
  ])("what is signed with another %s", (_, change) => {
    const setup = build();
    setup.announce({ ...offerOf(NEW), ...change });
    expect(setup.state).toMatchObject({ state: "refused", reason: expect.stringMatching(/^wrong signature/) });
  });

  test("larger than the slot", () => {
    const setup = build();
    setup.announce(offerOf(makeImage({ version: "0.3.0", chip: "test" }, 5 * BLOCK + 1)));
    expect(setup.state.reason).toBe("too large: 20481 bytes, the slot has 20480");
    const exact = makeImage({ version: "0.3.0", chip: "test" }, 5 * BLOCK);
    expect(drive(setup, offerOf(exact, { id: "00000002" }), exact)).toMatchObject({ state: "confirmed" });
  });

  test("the battery is low; when it is charged, the same image is accepted", () => {
    let isLow = true;
    const setup = build({ isBatteryLow: () => isLow });
    setup.announce(offerOf(NEW));
    expect(setup.state.reason).toBe("the battery is low");
    isLow = false;
    expect(drive(setup, offerOf(NEW, { id: "00000002" }), NEW)).toMatchObject({ state: "confirmed" });
  });

  test("a build without a key: updates are off, and status shows it", () => {
    const setup = build({ key: undefined });
    expect(setup.state).toEqual({ version: "0.2.0", state: "off" });
    expect(setup.updates!.text).toBe("updates are off: this build has no public key");
    setup.announce(offerOf(NEW));
    expect(setup.state.reason).toBe("updates are off: this build has no public key");
  });

  test.each([
    ["no JSON", "hello"],
    ["nothing in it", "{}"],
    ["null", "null"],
    ["a size that is no number", JSON.stringify({ ...offerOf(NEW), size: "12" })],
    ["a size of 0", JSON.stringify({ ...offerOf(NEW), size: 0 })],
    ["a version that is none", JSON.stringify({ ...offerOf(NEW), version: "next" })],
    ["lists", JSON.stringify({ ...offerOf(NEW), version: ["0.3.0"] })],
    ["longer than any", JSON.stringify({ ...offerOf(NEW), note: "x".repeat(300) })],
    ["nested, which the engine parses by recursion", JSON.stringify({ ...offerOf(NEW), note: [1] })],
    ["no ASCII", JSON.stringify({ ...offerOf(NEW), note: "\u00e9" })],
  ])("%s", (_, text) => {
    const setup = build();
    setup.announce(new Uint8Array(Buffer.from(text, "utf8")));
    expect(setup.state).toMatchObject({ state: "refused", reason: "not understood: not the announcement of an image" });
  });

  test("another image while one is being received; after a minute without a chunk it is accepted", () => {
    const setup = build();
    const other = makeImage({ version: "0.4.0", chip: "test" }, 6_000);
    setup.announce(offerOf(NEW));
    setup.send(offerOf(NEW), NEW, 0);
    setup.announce(offerOf(other, { id: "00000002", version: "0.4.0" }));
    const reason = "another update is running: 0.3.0 is being received, 31 %";
    expect(setup.state).toMatchObject({ state: "refused", reason });
    setup.time.advance(60_000);
    const state = drive(setup, offerOf(other, { id: "00000003", version: "0.4.0" }), other);
    expect(state).toMatchObject({ state: "confirmed", version: "0.4.0" });
  });
});

test("an older version is accepted if it is forced, and the signature includes that", () => {
  const setup = build();
  const old = makeImage({ version: "0.1.0", chip: "test" }, 5_000);
  expect(drive(setup, offerOf(old, { version: "0.1.0", force: true }), old)).toMatchObject({ version: "0.1.0" });
});

describe("continues", () => {
  test("where it stopped, for a host that was restarted: the same image under another id", () => {
    const setup = build();
    setup.announce(offerOf(NEW));
    setup.send(offerOf(NEW), NEW, 0);
    setup.send(offerOf(NEW), NEW, BLOCK);
    const again = offerOf(NEW, { id: "00000009" });
    setup.announce(again);
    expect(setup.state).toMatchObject({ state: "receiving", id: "00000009", at: 2 * BLOCK });
    expect(drive(setup, again, NEW)).toMatchObject({ state: "confirmed" });
  });

  test("after a chunk that was cut in the middle: it is sent again, and its block erased first", () => {
    const setup = build();
    const offer = offerOf(NEW);
    setup.announce(offer);
    setup.time.advance(10); // its block is erased ahead, once
    for (const end of [3, 8, 700, 3_000, BLOCK]) {
      const bytes = new Uint8Array(BLOCK + 8);
      bytes.set([0, 0, 0, 1]);
      bytes.set(
        NEW.subarray(0, BLOCK).map((byte) => byte & 0x55),
        8,
      ); // and the received bytes were not even correct
      setup.deliver(bytes, 100, (piece) => setup.updates?.chunk(piece), end);
    }
    expect(setup.state.at).toBe(0);
    expect(drive(setup, offer, NEW)).toMatchObject({ state: "confirmed" });
    expect(setup.flash.violations).toBe(0);
  });

  test("when the next chunk has begun before its block was erased ahead", () => {
    const setup = build();
    const offer = offerOf(NEW);
    setup.announce(offer);
    setup.send(offer, NEW, 0);
    const bytes = new Uint8Array(BLOCK + 8);
    bytes.set([0, 0, 0, 1]);
    new DataView(bytes.buffer).setUint32(4, BLOCK, true);
    bytes.set(NEW.subarray(BLOCK, 2 * BLOCK), 8);
    for (let offsetBytes = 0; offsetBytes < bytes.length; offsetBytes += 1_368) {
      const payload = bytes.subarray(offsetBytes, offsetBytes + 1_368);
      const last = offsetBytes + payload.length === bytes.length;
      setup.updates!.chunk({ payload, offsetBytes, totalBytes: bytes.length, last });
      setup.time.advance(10);
    }
    expect(setup.state.at).toBe(2 * BLOCK);
    expect(drive(setup, offer, NEW)).toMatchObject({ state: "confirmed" });
    expect(setup.flash.violations).toBe(0);
  });

  test("an unexpected chunk is not written, and answered with the expected position", () => {
    const setup = build();
    const offer = offerOf(NEW);
    setup.announce(offer);
    setup.send(offer, NEW, 0);
    setup.send(offer, NEW, 0); // twice
    setup.send(offer, NEW, 2 * BLOCK); // one is missing
    setup.send(offerOf(NEW, { id: "00000077" }), NEW, BLOCK); // of another attempt
    setup.send(offer, NEW.subarray(0, BLOCK + 100), BLOCK); // too short
    expect(setup.states.slice(-4).map(({ at }) => at)).toEqual([BLOCK, BLOCK, BLOCK, BLOCK]);
    expect(drive(setup, offer, NEW)).toMatchObject({ state: "confirmed" });
  });

  test("in pieces of any length", () => {
    for (const piece of [1, 3, 7, 8, 9, 250, 5_000]) {
      const setup = build();
      setup.announce(offerOf(NEW));
      for (let at = 0; at < NEW.length; at += BLOCK) setup.send(offerOf(NEW), NEW, at, piece);
      setup.time.advance(5_000);
      expect(setup.state).toMatchObject({ state: "confirmed" });
    }
  });

  test("the same announcement again is answered, and restarts nothing", () => {
    const setup = build();
    drive(setup, offerOf(NEW), NEW);
    const { length } = setup.states;
    setup.announce(offerOf(NEW));
    expect(setup.states.length).toBe(length + 1);
    expect(setup.state).toMatchObject({ state: "confirmed" });
    setup.boot();
    setup.announce(offerOf(NEW)); // retained
    expect(setup.state).toMatchObject({ state: "confirmed", id: "00000001" });
  });
});

test("it stays awake for a minute after each chunk", () => {
  const setup = build();
  setup.announce(offerOf(NEW));
  setup.time.advance(50_000);
  setup.send(offerOf(NEW), NEW, 0);
  setup.time.advance(50_000);
  expect(setup.updates!.isBusy).toBe(true);
  setup.time.advance(11_000);
  expect(setup.updates!.isBusy).toBe(false);
});

test("a power cut costs at most 16 blocks", () => {
  const setup = build({ slotBlocks: 24 });
  const image = makeImage({ version: "0.3.0", chip: "test" }, 20 * BLOCK);
  setup.announce(offerOf(image));
  for (let at = 0; at < 18 * BLOCK; at += BLOCK) setup.send(offerOf(image), image, at);
  setup.boot();
  expect(setup.state).toMatchObject({ state: "receiving", at: 16 * BLOCK });
  expect(drive(setup, offerOf(image), image)).toMatchObject({ state: "confirmed" });
});

test("a chip that accepts an image but does not start it is tried three times", () => {
  const setup = build();
  setup.slots.select = () => {};
  const state = drive(setup, offerOf(NEW), NEW);
  expect(state).toMatchObject({ version: "0.2.0", state: "failed", reason: "the chip does not start it" });
  expect(setup.started).toEqual(["0.2.0", "0.2.0", "0.2.0", "0.2.0"]);
});

test("bytes that differ from the announcement never start", () => {
  const setup = build();
  const wrong = NEW.slice();
  wrong[2 * BLOCK + 5] ^= 1;
  expect(drive(setup, offerOf(NEW), wrong)).toMatchObject({
    state: "failed",
    reason: "what was written is not what was announced",
  });
  expect(setup.started).toEqual(["0.2.0"]);
  expect(drive(setup, offerOf(NEW, { id: "00000002" }), NEW)).toMatchObject({ state: "confirmed" });
});

test("correctly signed bytes that are not an image: the chip refuses them, the old image stays", () => {
  const setup = build();
  const noise = new Uint8Array(9_000).fill(7);
  expect(drive(setup, offerOf(noise), noise)).toMatchObject({
    state: "failed",
    reason: "the slot has no valid image",
  });
  setup.boot();
  expect(setup.image?.version).toBe("0.2.0");
});

describe("trial", () => {
  test.each([
    ["crash" as const, /^it ended before it was confirmed/],
    ["hang" as const, /^it ended before it was confirmed/],
    ["deaf" as const, /^not within 10 minutes: no access point is in range$/],
    ["blind" as const, /^not within 10 minutes: no sensor answers$/],
  ])("an image that fails by a %s is rolled back, and the old one reports why", (fault, reason) => {
    const setup = build();
    const bad = makeImage({ version: "0.3.0", chip: "test", fault }, 2 * BLOCK);
    setup.announce(offerOf(bad));
    for (let at = 0; at < bad.length; at += BLOCK) setup.send(offerOf(bad), bad, at);
    setup.time.advance(700_000);
    expect(setup.state).toMatchObject({ version: "0.2.0", state: "rolledBack", reason: expect.stringMatching(reason) });
    expect(setup.updates!.text).toMatch(/^0\.3\.0 was rolled back: /);
    setup.boot();
    expect(setup.image?.version).toBe("0.2.0");
    expect(setup.state).toMatchObject({ state: "rolledBack" });
  });

  test("a sensor that had this fault before does not count, however long its text; one that is new does", () => {
    const long = `nothing answers: ${"asked 0x48, ".repeat(20)}`;
    for (const [before, after, end] of [
      [long, long, "confirmed"],
      ['says 130 \u00b0C,\n"130"', 'says 130 \u00b0C,\n"130"', "confirmed"],
      ["nothing at 0x48", "nothing at 0x48", "confirmed"],
      ["nothing at 0x48", "", "confirmed"],
      ["", "nothing at 0x48", "rolledBack"],
      ["nothing at 0x48", "it stays busy", "rolledBack"],
    ]) {
      const setup = build();
      setup.trouble.sensor = before;
      setup.announce(offerOf(NEW));
      for (let at = 0; at < NEW.length; at += BLOCK) setup.send(offerOf(NEW), NEW, at);
      setup.time.advance(450); // verified, and about to restart
      setup.trouble.sensor = after;
      setup.time.advance(700_000);
      expect(setup.state).toMatchObject({ state: end });
    }
  });

  test("lasts until its last condition is met, keeps the device awake, and accepts no other image", () => {
    const setup = build();
    setup.trouble.broker = "not connected";
    setup.announce(offerOf(NEW));
    for (let at = 0; at < NEW.length; at += BLOCK) setup.send(offerOf(NEW), NEW, at);
    setup.time.advance(300_000);
    expect(setup.updates!.isTrial).toBe(true);
    expect(setup.updates!.isBusy).toBe(true);
    expect(setup.updates!.text).toBe("on trial: not connected");
    setup.announce(offerOf(NEW, { id: "00000002" }));
    expect(setup.state.reason).toBe("another update is running: on trial: not connected");
    setup.trouble.broker = "";
    setup.time.advance(1_000);
    expect(setup.updates!.isBusy).toBe(false);
    expect(setup.slots.isTrial).toBe(false);
  });

  test("the power is cut after the chip has confirmed it, and before that is recorded: no second trial, it stays", () => {
    const setup = build();
    setup.trouble.broker = "not connected";
    drive(setup, offerOf(NEW), NEW, 200);
    expect(setup.updates!.isTrial).toBe(true);
    setup.slots.confirm();
    setup.boot();
    expect(setup.updates!.isTrial).toBe(false);
    expect(setup.state).toMatchObject({ version: "0.3.0", state: "confirmed" });
    setup.time.advance(700_000);
    expect(setup.image?.version).toBe("0.3.0");
  });

  test("a reset of any kind before it is confirmed causes a rollback", () => {
    const setup = build();
    setup.trouble.broker = "not connected";
    setup.announce(offerOf(NEW));
    for (let at = 0; at < NEW.length; at += BLOCK) setup.send(offerOf(NEW), NEW, at);
    setup.time.advance(10_000);
    expect(setup.image?.version).toBe("0.3.0");
    setup.reset("watchdog");
    expect(setup.state).toMatchObject({
      version: "0.2.0",
      state: "rolledBack",
      reason: "it ended before it was confirmed: watchdog",
    });
  });
});

test("a store that cannot save the record ends the update before anything is erased", () => {
  const setup = build();
  setup.flash.faults = { program: () => "error" };
  setup.announce(offerOf(NEW));
  expect(setup.state).toMatchObject({ state: "idle" });
  expect(setup.log.at(-1)).toMatch(/failed: /);
  expect(setup.updates!.isBusy).toBe(false);
});

test("a slot that cannot be programmed fails it with the flash's error", () => {
  const setup = build();
  setup.flash.faults = {
    program: (address) => (address >= 7 * BLOCK && address < 12 * BLOCK ? "error" : undefined),
  };
  expect(drive(setup, offerOf(NEW), NEW)).toMatchObject({ state: "failed", reason: "write failed" });
});

test("an empty announcement is ignored: a retained one was withdrawn", () => {
  const setup = build();
  setup.updates!.announcement({ payload: toASCII(""), offsetBytes: 0, totalBytes: 0, last: true });
  expect(setup.states).toEqual([]);
});
