/* What earlier updates, other builds, and faults of the new image's own code leave behind. */
import { describe, expect, test } from "vitest";
import { makeImage } from "../../boards/parts/flash/image.js";
import { generator, PowerCut } from "../../boards/parts/flash/nor-flash.js";
import { toASCII } from "../../src/common/ascii.js";
import { MAX_OFFER_BYTES } from "../../src/update/offer.js";
import { readRecord } from "../../src/update/record.js";
import { keyPair, offerOf } from "./support/keys.js";
import { drive, World, type WorldOptions } from "./support/world.js";

const BLOCK = 4096;
const OLD = makeImage({ version: "0.2.0", chip: "test" }, 9_000);
const NEW = makeImage({ version: "0.3.0", chip: "test" }, 3 * BLOCK + 777);

function worldOf(options: Partial<WorldOptions> = {}): World {
  return new World({ image: OLD, slotBlocks: 5, key: keyPair(1).publicKey, random: generator(1), ...options });
}

function setUp(): World {
  const world = worldOf();
  world.boot();
  return world;
}

test("an image that came by cable is tried, and what is recorded of the last update stays as it was", () => {
  const world = setUp();
  const wrong = NEW.map((byte, at) => (at === 5_000 ? byte ^ 1 : byte));
  expect(drive(world, offerOf(NEW), wrong)).toMatchObject({ state: "failed" });
  const logged = world.log.length;
  const flash = world.slots.other;
  flash.eraseBlock(0, 5);
  flash.write(makeImage({ version: "0.4.0", chip: "test" }, 9_000), 0);
  world.slots.select();
  world.boot();
  expect([world.image?.version, world.updates?.isTrial]).toEqual(["0.4.0", true]);
  world.time.advance(2_000);
  expect([world.slots.isTrial, world.updates?.isTrial]).toEqual([false, false]);
  world.boot();
  expect(world.state).toMatchObject({ version: "0.4.0", state: "failed", latest: "0.3.0" });
  expect(world.log.slice(logged)).toEqual([]);
});

test("a build that trusts another key was flashed in the midst of an update: what is read back does not start", () => {
  let key = keyPair(1).publicKey;
  const options = { image: OLD, slotBlocks: 5, random: generator(1) };
  const world = new World({
    ...options,
    get key() {
      return key;
    },
  });
  world.boot();
  const offer = offerOf(NEW);
  world.announce(offer);
  world.send(offer, NEW, 0);
  key = keyPair(2).publicKey;
  world.boot();
  for (let at = 0; at < NEW.length; at += BLOCK) world.send(offer, NEW, at);
  world.time.advance(5_000);
  expect(world.state).toMatchObject({ version: "0.2.0", state: "failed", reason: "wrong signature" });
  expect(world.started).toEqual(["0.2.0", "0.2.0"]);
});

test("after an image that was rolled back: the power goes before the next one is selected, and that is tried all the same", () => {
  const world = setUp();
  const bad = makeImage({ version: "0.3.0", chip: "test", fault: "crash" }, 9_000);
  drive(world, offerOf(bad), bad);
  world.time.advance(1_000);
  expect(world.state).toMatchObject({ version: "0.2.0", state: "rolledBack" });
  const { slots } = world;
  const select = slots.select.bind(slots);
  slots.select = () => {
    slots.select = select;
    world.flash.powerOff();
    throw new PowerCut();
  };
  const offer = offerOf(NEW, { id: "00000002" });
  drive(world, offer, NEW);
  expect(world.isOn).toBe(false);
  world.boot();
  expect(drive(world, offer, NEW)).toMatchObject({ version: "0.3.0", state: "confirmed", id: "00000002" });
});

test("a slot is opened once at a time: it is closed after a refusal, for the next image, and at the end", () => {
  const world = setUp();
  const other = makeImage({ version: "0.4.0", chip: "test" }, 6_000);
  world.announce(offerOf(other, { version: "0.4.0", key: keyPair(2) }));
  expect([world.state.state, world.openSlots]).toEqual(["refused", 0]);
  world.announce(offerOf(NEW));
  world.send(offerOf(NEW), NEW, 0);
  expect(world.openSlots).toBe(1);
  world.time.advance(61_000); // its sender has gone
  const offer = offerOf(other, { id: "00000002", version: "0.4.0" });
  world.announce(offer);
  expect([world.state.state, world.openSlots]).toEqual(["receiving", 1]);
  const wrong = other.map((byte, at) => (at === 5_000 ? byte ^ 1 : byte));
  expect(drive(world, offer, wrong)).toMatchObject({ state: "failed" });
  expect(world.openSlots).toBe(0);
  world.announce(offerOf(NEW, { id: "00000003" }));
  expect(world.openSlots).toBe(1);
  world.updates?.close();
  expect(world.openSlots).toBe(0);
});

describe("while what was written is read back", () => {
  function verifying(): World {
    const world = setUp();
    world.announce(offerOf(NEW));
    for (let at = 0; at < NEW.length; at += BLOCK) world.send(offerOf(NEW), NEW, at);
    expect(world.state.state).toBe("verifying");
    return world;
  }

  test("a block that comes once more is not written", () => {
    const world = verifying();
    const { programs } = world.flash;
    world.send(offerOf(NEW), NEW, 0);
    expect(world.flash.programs).toBe(programs);
    world.time.advance(5_000);
    expect(world.state).toMatchObject({ version: "0.3.0", state: "confirmed" });
  });

  test("nothing is recorded before a sleep", () => {
    const world = verifying();
    const { programs } = world.flash;
    world.updates?.pause();
    expect(world.flash.programs).toBe(programs);
  });

  test("a device that ends does nothing more", () => {
    const world = verifying();
    const logged = world.log.length;
    world.updates?.close();
    world.time.advance(5_000);
    expect(world.log.slice(logged)).toEqual([]);
  });
});

test("a host that comes again with the same image is waited for anew", () => {
  const world = setUp();
  world.announce(offerOf(NEW));
  for (let n = 0; n < 19; n++) {
    world.updates?.pause(); // no block had come
    world.boot();
  }
  world.announce(offerOf(NEW, { id: "00000002" }));
  world.time.advance(50_000);
  world.announce(offerOf(NEW, { id: "00000003" }));
  world.time.advance(50_000);
  expect(world.updates?.isBusy).toBe(true);
  world.updates?.pause(); // the twentieth in a row, if the host's coming did not count
  world.boot();
  expect(world.state).toMatchObject({ state: "receiving", id: "00000003" });
});

test("an image whose own code fails where it is asked what is missing goes at once, and the old one says why", () => {
  const world = setUp();
  const offer = offerOf(NEW);
  world.announce(offer);
  for (let at = 0; at < NEW.length; at += BLOCK) world.send(offer, NEW, at);
  world.time.advance(450); // verified, and about to restart
  Object.defineProperty(world.trouble, "sensor", {
    get() {
      throw new TypeError("no such part");
    },
  });
  world.time.advance(10_000);
  expect(world.state).toMatchObject({ version: "0.2.0", state: "rolledBack", reason: "no such part" });
  expect(world.updates?.isBusy).toBe(false);
});

describe("chips and hosts that are not as they should be", () => {
  /** On trial with the new image, which finds no broker. */
  function onTrial(): World {
    const world = setUp();
    world.trouble.broker = "not connected";
    drive(world, offerOf(NEW), NEW, 200);
    expect(world.updates?.isTrial).toBe(true);
    return world;
  }

  test("a chip that does not take the confirmation is asked again; until then it is a trial", () => {
    const world = onTrial();
    const { slots } = world;
    const confirm = slots.confirm.bind(slots);
    let asked = 0;
    slots.confirm = () => {
      if (++asked < 3) throw new Error("not now");
      confirm();
    };
    world.trouble.broker = "";
    world.time.advance(1_000);
    expect([asked, world.updates?.isTrial, world.state.state]).toEqual([1, true, "trial"]);
    expect(world.updates?.text).toBe("on trial: not confirmed: not now");
    world.time.advance(600_000);
    expect([asked, world.updates?.isTrial, world.state.state]).toEqual([3, false, "confirmed"]);
    expect(world.state.reason).toBeUndefined();
    expect(slots.isTrial).toBe(false);
  });

  test("a chip that neither confirms an image nor goes back: few attempts and writes in a day, and a person can read why", () => {
    const world = onTrial();
    const { slots, flash } = world;
    let attempts = 0;
    slots.rollBack = () => {
      attempts++;
      throw new Error("cannot go back");
    };
    slots.confirm = () => {
      throw new Error("write failed");
    };
    world.time.advance(1_000);
    const programs = flash.programs;
    const logged = world.log.length;
    world.time.advance(24 * 3_600_000);
    const why = "not within 10 minutes: not connected; no way back: cannot go back; not confirmed: write failed";
    expect(world.updates?.text).toBe(`on trial: ${why}`);
    expect(world.state).toMatchObject({ version: "0.3.0", state: "trial", reason: why });
    expect(world.log.at(-1)).toBe(`error update: 0.3.0 is on trial: ${why}`);
    expect(attempts).toBe(8); // after 10 minutes, 20, 40, ...
    expect(flash.programs - programs).toBeLessThan(100);
    expect(world.log.length - logged).toBe(attempts);
    world.reset("button"); // as every reset of a trial
    expect(world.state).toMatchObject({ version: "0.2.0", state: "rolledBack", reason: why });
  });

  test.each([
    ["works", ""],
    ["cannot connect", "not connected"],
  ])(
    "a cut erase leaves a state that does not exist in boot selection; a new image that %s goes back at once",
    (_which, broker) => {
      const world = setUp();
      const { slots, flash } = world;
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
      world.trouble.broker = broker;
      drive(world, offerOf(NEW), NEW);
      world.time.advance(20_000);
      expect(damaged).toBe(1);
      expect(world.started).toEqual(["0.2.0", "0.3.0", "0.2.0"]);
      const reason = "it was started without a trial: its entry in boot selection is damaged";
      expect(world.state).toMatchObject({ version: "0.2.0", state: "rolledBack", reason });
    },
  );

  test("as two above, for an image that came by cable, of which there is no record", () => {
    const world = setUp();
    world.slots.other.write(NEW, 0);
    world.slots.select();
    world.slots.confirm = () => {
      throw new Error("write failed");
    };
    world.boot();
    world.time.advance(3_600_000);
    expect(world.updates?.text).toBe("on trial: not confirmed");
    expect(new Set(world.log)).toEqual(new Set(["error update: not confirmed: write failed"]));
    expect(world.log.length).toBeLessThan(15);
  });

  test("no image to go back to: the new one stays, and says what is missing", () => {
    const world = onTrial();
    world.slots.other.eraseBlock(0);
    world.time.advance(700_000);
    expect(world.state).toMatchObject({
      version: "0.3.0",
      state: "confirmed",
      reason: "not within 10 minutes: not connected; no way back: there is no other image",
    });
    expect(world.slots.isTrial).toBe(false);
  });

  test("sleeps are counted only in a row: a block between them begins to count anew", () => {
    const world = setUp();
    const sleep = (times: number): void => {
      for (let n = 0; n < times; n++) {
        world.updates?.pause();
        world.boot();
      }
    };
    world.announce(offerOf(NEW));
    sleep(15);
    world.send(offerOf(NEW), NEW, 0);
    sleep(15);
    expect(world.state).toMatchObject({ state: "receiving", at: BLOCK });
  });

  test("after a boot in its midst, half a minute is waited for the next block, not a whole one", () => {
    const world = setUp();
    world.announce(offerOf(NEW));
    world.send(offerOf(NEW), NEW, 0);
    world.updates?.pause();
    world.boot();
    world.time.advance(29_000);
    expect(world.updates?.isBusy).toBe(true);
    world.time.advance(2_000);
    expect(world.updates?.isBusy).toBe(false);
  });

  test("an image by cable into the slot that another is being written to: that update is over, and begins anew if it is sent again", () => {
    const world = setUp();
    drive(world, offerOf(NEW), NEW);
    const next = makeImage({ version: "0.4.0", chip: "test" }, 3 * BLOCK);
    world.announce(offerOf(next, { id: "00000002", version: "0.4.0" }));
    world.send(offerOf(next, { id: "00000002", version: "0.4.0" }), next, 0);
    world.updates?.pause();
    world.flash.eraseBlock(0, 7); // boot selection, and slot 0
    world.flash.write(OLD, 2 * BLOCK);
    world.boot();
    expect([world.image?.version, world.updates?.isBusy]).toEqual(["0.2.0", false]);
    const again = offerOf(next, { id: "00000003", version: "0.4.0" });
    expect(drive(world, again, next)).toMatchObject({ version: "0.4.0", state: "confirmed" });
  });

  test("an announcement as long as may be is heard", () => {
    const world = setUp();
    const text = JSON.stringify(offerOf(NEW));
    world.announce(toASCII(`${text.slice(0, -1)}${" ".repeat(MAX_OFFER_BYTES - text.length)}}`));
    expect(world.state).toMatchObject({ state: "receiving" });
  });

  test("a trial takes ten minutes, not less, and why it ended is kept in 160 characters, the last three of which show that it was cut", () => {
    const world = setUp();
    world.trouble.broker = "no answer ".repeat(30);
    world.announce(offerOf(NEW));
    for (let at = 0; at < NEW.length; at += BLOCK) world.send(offerOf(NEW), NEW, at);
    world.time.advance(598_000); // the first of them until it has restarted
    expect(world.updates?.isTrial).toBe(true);
    world.time.advance(10_000);
    expect(world.state).toMatchObject({ version: "0.2.0", state: "rolledBack" });
    const why = `not within 10 minutes: ${"no answer ".repeat(30)}`;
    expect(world.state.reason).toBe(`${why.slice(0, 157)}...`);
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
