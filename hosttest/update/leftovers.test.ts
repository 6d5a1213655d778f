/* What earlier updates, other builds, and faults of the new image's own code leave behind. */
import { describe, expect, test } from "vitest";
import { makeImage } from "../../boards/parts/flash/image.js";
import { generator, PowerCut } from "../../boards/parts/flash/nor-flash.js";
import { toASCII } from "../../src/common/ascii.js";
import { MAX_OFFER_BYTES } from "../../src/update/offer.js";
import { readRecord } from "../../src/update/record.js";
import { keyPair, offerOf } from "./support/keys.js";
import { drive, Setup, type SetupOptions } from "./support/setup.js";

const BLOCK = 4096;
const OLD = makeImage({ version: "0.2.0", chip: "test" }, 9_000);
const NEW = makeImage({ version: "0.3.0", chip: "test" }, 3 * BLOCK + 777);

function setupOf(options: Partial<SetupOptions> = {}): Setup {
  return new Setup({ image: OLD, slotBlocks: 5, key: keyPair(1).publicKey, random: generator(1), ...options });
}

function build(): Setup {
  const setup = setupOf();
  setup.boot();
  return setup;
}

test("an image that came by cable is tried, and what is recorded of the last update stays as it was", () => {
  const setup = build();
  const wrong = NEW.map((byte, at) => (at === 5_000 ? byte ^ 1 : byte));
  expect(drive(setup, offerOf(NEW), wrong)).toMatchObject({ state: "failed" });
  const logged = setup.log.length;
  const flash = setup.slots.other;
  flash.eraseBlock(0, 5);
  flash.write(makeImage({ version: "0.4.0", chip: "test" }, 9_000), 0);
  setup.slots.select();
  setup.boot();
  expect([setup.image?.version, setup.updates?.isTrial]).toEqual(["0.4.0", true]);
  setup.time.advance(2_000);
  expect([setup.slots.isTrial, setup.updates?.isTrial]).toEqual([false, false]);
  setup.boot();
  expect(setup.state).toMatchObject({ version: "0.4.0", state: "failed", latest: "0.3.0" });
  expect(setup.log.slice(logged)).toEqual([]);
});

test("a build that trusts another key was flashed in the midst of an update: what is read back does not start", () => {
  let key = keyPair(1).publicKey;
  const options = { image: OLD, slotBlocks: 5, random: generator(1) };
  const setup = new Setup({
    ...options,
    get key() {
      return key;
    },
  });
  setup.boot();
  const offer = offerOf(NEW);
  setup.announce(offer);
  setup.send(offer, NEW, 0);
  key = keyPair(2).publicKey;
  setup.boot();
  for (let at = 0; at < NEW.length; at += BLOCK) setup.send(offer, NEW, at);
  setup.time.advance(5_000);
  expect(setup.state).toMatchObject({ version: "0.2.0", state: "failed", reason: "wrong signature" });
  expect(setup.started).toEqual(["0.2.0", "0.2.0"]);
});

test("after an image that was rolled back: the power goes before the next one is selected, and that is tried all the same", () => {
  const setup = build();
  const bad = makeImage({ version: "0.3.0", chip: "test", fault: "crash" }, 9_000);
  drive(setup, offerOf(bad), bad);
  setup.time.advance(1_000);
  expect(setup.state).toMatchObject({ version: "0.2.0", state: "rolledBack" });
  const { slots } = setup;
  const select = slots.select.bind(slots);
  slots.select = () => {
    slots.select = select;
    setup.flash.powerOff();
    throw new PowerCut();
  };
  const offer = offerOf(NEW, { id: "00000002" });
  drive(setup, offer, NEW);
  expect(setup.isOn).toBe(false);
  setup.boot();
  expect(drive(setup, offer, NEW)).toMatchObject({ version: "0.3.0", state: "confirmed", id: "00000002" });
});

test("a slot is opened once at a time: it is closed after a refusal, for the next image, and at the end", () => {
  const setup = build();
  const other = makeImage({ version: "0.4.0", chip: "test" }, 6_000);
  setup.announce(offerOf(other, { version: "0.4.0", key: keyPair(2) }));
  expect([setup.state.state, setup.openSlots]).toEqual(["refused", 0]);
  setup.announce(offerOf(NEW));
  setup.send(offerOf(NEW), NEW, 0);
  expect(setup.openSlots).toBe(1);
  setup.time.advance(61_000); // its sender has gone
  const offer = offerOf(other, { id: "00000002", version: "0.4.0" });
  setup.announce(offer);
  expect([setup.state.state, setup.openSlots]).toEqual(["receiving", 1]);
  const wrong = other.map((byte, at) => (at === 5_000 ? byte ^ 1 : byte));
  expect(drive(setup, offer, wrong)).toMatchObject({ state: "failed" });
  expect(setup.openSlots).toBe(0);
  setup.announce(offerOf(NEW, { id: "00000003" }));
  expect(setup.openSlots).toBe(1);
  setup.updates?.close();
  expect(setup.openSlots).toBe(0);
});

describe("while what was written is read back", () => {
  function verifying(): Setup {
    const setup = build();
    setup.announce(offerOf(NEW));
    for (let at = 0; at < NEW.length; at += BLOCK) setup.send(offerOf(NEW), NEW, at);
    expect(setup.state.state).toBe("verifying");
    return setup;
  }

  test("a block that comes once more is not written", () => {
    const setup = verifying();
    const { programs } = setup.flash;
    setup.send(offerOf(NEW), NEW, 0);
    expect(setup.flash.programs).toBe(programs);
    setup.time.advance(5_000);
    expect(setup.state).toMatchObject({ version: "0.3.0", state: "confirmed" });
  });

  test("nothing is recorded before a sleep", () => {
    const setup = verifying();
    const { programs } = setup.flash;
    setup.updates?.pause();
    expect(setup.flash.programs).toBe(programs);
  });

  test("a device that ends does nothing more", () => {
    const setup = verifying();
    const logged = setup.log.length;
    setup.updates?.close();
    setup.time.advance(5_000);
    expect(setup.log.slice(logged)).toEqual([]);
  });
});

test("a host that comes again with the same image is waited for anew", () => {
  const setup = build();
  setup.announce(offerOf(NEW));
  for (let n = 0; n < 19; n++) {
    setup.updates?.pause(); // no block had come
    setup.boot();
  }
  setup.announce(offerOf(NEW, { id: "00000002" }));
  setup.time.advance(50_000);
  setup.announce(offerOf(NEW, { id: "00000003" }));
  setup.time.advance(50_000);
  expect(setup.updates?.isBusy).toBe(true);
  setup.updates?.pause(); // the twentieth in a row, if the host's return did not count
  setup.boot();
  expect(setup.state).toMatchObject({ state: "receiving", id: "00000003" });
});

test("an image whose code fails at the check of what is missing is rolled back at once, and the old one reports the reason", () => {
  const setup = build();
  const offer = offerOf(NEW);
  setup.announce(offer);
  for (let at = 0; at < NEW.length; at += BLOCK) setup.send(offer, NEW, at);
  setup.time.advance(450); // verified, and about to restart
  Object.defineProperty(setup.trouble, "sensor", {
    get() {
      throw new TypeError("no such part");
    },
  });
  setup.time.advance(10_000);
  expect(setup.state).toMatchObject({ version: "0.2.0", state: "rolledBack", reason: "no such part" });
  expect(setup.updates?.isBusy).toBe(false);
});

describe("chips and hosts that are not as they should be", () => {
  /** On trial with the new image, which finds no broker. */
  function onTrial(): Setup {
    const setup = build();
    setup.trouble.broker = "not connected";
    drive(setup, offerOf(NEW), NEW, 200);
    expect(setup.updates?.isTrial).toBe(true);
    return setup;
  }

  test("a chip that does not take the confirmation is asked again; until then it is a trial", () => {
    const setup = onTrial();
    const { slots } = setup;
    const confirm = slots.confirm.bind(slots);
    let asked = 0;
    slots.confirm = () => {
      if (++asked < 3) throw new Error("not now");
      confirm();
    };
    setup.trouble.broker = "";
    setup.time.advance(1_000);
    expect([asked, setup.updates?.isTrial, setup.state.state]).toEqual([1, true, "trial"]);
    expect(setup.updates?.text).toBe("on trial: not confirmed: not now");
    setup.time.advance(600_000);
    expect([asked, setup.updates?.isTrial, setup.state.state]).toEqual([3, false, "confirmed"]);
    expect(setup.state.reason).toBeUndefined();
    expect(slots.isTrial).toBe(false);
  });

  test("a chip that neither confirms an image nor goes back: few attempts and writes in a day, and a person can read why", () => {
    const setup = onTrial();
    const { slots, flash } = setup;
    let attempts = 0;
    slots.rollBack = () => {
      attempts++;
      throw new Error("cannot go back");
    };
    slots.confirm = () => {
      throw new Error("write failed");
    };
    setup.time.advance(1_000);
    const programs = flash.programs;
    const logged = setup.log.length;
    setup.time.advance(24 * 3_600_000);
    const why = "not within 10 minutes: not connected; no way back: cannot go back; not confirmed: write failed";
    expect(setup.updates?.text).toBe(`on trial: ${why}`);
    expect(setup.state).toMatchObject({ version: "0.3.0", state: "trial", reason: why });
    expect(setup.log.at(-1)).toBe(`error update: 0.3.0 is on trial: ${why}`);
    expect(attempts).toBe(8); // after 10 minutes, 20, 40, ...
    expect(flash.programs - programs).toBeLessThan(100);
    expect(setup.log.length - logged).toBe(attempts);
    setup.reset("button"); // as every reset of a trial
    expect(setup.state).toMatchObject({ version: "0.2.0", state: "rolledBack", reason: why });
  });

  test.each([
    ["works", ""],
    ["cannot connect", "not connected"],
  ])(
    "a cut erase leaves a state that does not exist in boot selection; a new image that %s goes back at once",
    (_which, broker) => {
      const setup = build();
      const { slots, flash } = setup;
      const boot = slots.boot.bind(slots);
      const STATE_AT = 24;
      let damaged = 0;
      slots.boot = () => {
        const image = boot();
        for (const at of [STATE_AT, BLOCK + STATE_AT]) {
          if (!slots.isTrial || flash.bytes[at] !== 1) continue;
          flash.bytes.set([0, 0, 0xff, 0xff], at); // number and check of the entry are as they were
          damaged++;
        }
        return image;
      };
      setup.trouble.broker = broker;
      drive(setup, offerOf(NEW), NEW);
      setup.time.advance(20_000);
      expect(damaged).toBe(1);
      expect(setup.started).toEqual(["0.2.0", "0.3.0", "0.2.0"]);
      const reason = "it was started without a trial: its entry in boot selection is damaged";
      expect(setup.state).toMatchObject({ version: "0.2.0", state: "rolledBack", reason });
    },
  );

  test("as two above, for an image that came by cable, of which there is no record", () => {
    const setup = build();
    setup.slots.other.write(NEW, 0);
    setup.slots.select();
    setup.slots.confirm = () => {
      throw new Error("write failed");
    };
    setup.boot();
    setup.time.advance(3_600_000);
    expect(setup.updates?.text).toBe("on trial: not confirmed");
    expect(new Set(setup.log)).toEqual(new Set(["error update: not confirmed: write failed"]));
    expect(setup.log.length).toBeLessThan(15);
  });

  test("no image to roll back to: the new one stays, and reports what is missing", () => {
    const setup = onTrial();
    setup.slots.other.eraseBlock(0);
    setup.time.advance(700_000);
    expect(setup.state).toMatchObject({
      version: "0.3.0",
      state: "confirmed",
      reason: "not within 10 minutes: not connected; no way back: there is no other image",
    });
    expect(setup.slots.isTrial).toBe(false);
  });

  test("sleeps are counted only in a row: a block between them begins to count anew", () => {
    const setup = build();
    const sleep = (times: number): void => {
      for (let n = 0; n < times; n++) {
        setup.updates?.pause();
        setup.boot();
      }
    };
    setup.announce(offerOf(NEW));
    sleep(15);
    setup.send(offerOf(NEW), NEW, 0);
    sleep(15);
    expect(setup.state).toMatchObject({ state: "receiving", at: BLOCK });
  });

  test("after a boot in its midst, half a minute is waited for the next block, not a whole one", () => {
    const setup = build();
    setup.announce(offerOf(NEW));
    setup.send(offerOf(NEW), NEW, 0);
    setup.updates?.pause();
    setup.boot();
    setup.time.advance(29_000);
    expect(setup.updates?.isBusy).toBe(true);
    setup.time.advance(2_000);
    expect(setup.updates?.isBusy).toBe(false);
  });

  test("an image by cable into the slot that another is being written to: that update is over, and begins anew if it is sent again", () => {
    const setup = build();
    drive(setup, offerOf(NEW), NEW);
    const next = makeImage({ version: "0.4.0", chip: "test" }, 3 * BLOCK);
    setup.announce(offerOf(next, { id: "00000002", version: "0.4.0" }));
    setup.send(offerOf(next, { id: "00000002", version: "0.4.0" }), next, 0);
    setup.updates?.pause();
    setup.flash.eraseBlock(0, 7); // boot selection, and slot 0
    setup.flash.write(OLD, 2 * BLOCK);
    setup.boot();
    expect([setup.image?.version, setup.updates?.isBusy]).toEqual(["0.2.0", false]);
    const again = offerOf(next, { id: "00000003", version: "0.4.0" });
    expect(drive(setup, again, next)).toMatchObject({ version: "0.4.0", state: "confirmed" });
  });

  test("an announcement as long as may be is heard", () => {
    const setup = build();
    const text = JSON.stringify(offerOf(NEW));
    setup.announce(toASCII(`${text.slice(0, -1)}${" ".repeat(MAX_OFFER_BYTES - text.length)}}`));
    expect(setup.state).toMatchObject({ state: "receiving" });
  });

  test("a trial takes ten minutes, not less, and why it ended is kept in 160 characters, the last three of which show that it was cut", () => {
    const setup = build();
    setup.trouble.broker = "no answer ".repeat(30);
    setup.announce(offerOf(NEW));
    for (let at = 0; at < NEW.length; at += BLOCK) setup.send(offerOf(NEW), NEW, at);
    setup.time.advance(598_000); // the first of them until it has restarted
    expect(setup.updates?.isTrial).toBe(true);
    setup.time.advance(10_000);
    expect(setup.state).toMatchObject({ version: "0.2.0", state: "rolledBack" });
    const why = `not within 10 minutes: ${"no answer ".repeat(30)}`;
    expect(setup.state.reason).toBe(`${why.slice(0, 157)}...`);
  });

  test("a record in flash whose announcement is none is no record", () => {
    const store = (offer: object) => ({
      read: () =>
        toASCII(
          JSON.stringify({ phase: "receiving", offer, target: 1, at: 0, tries: 0, quiet: 0, sensor: "", why: "" }),
        ),
      write() {},
    });
    expect(readRecord(store(offerOf(NEW)))).toMatchObject({ phase: "receiving" });
    expect(readRecord(store({ ...offerOf(NEW), size: "17" }))).toBeUndefined();
  });
});
