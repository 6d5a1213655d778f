/*
 * Power cuts at every program and erase of an update, and at random ones after those: the device starts each time, with the old image or
 * the new one, and reports the result.
 */
import { describe, expect, test } from "vitest";
import { type ImageFault, makeImage } from "../../boards/parts/flash/image.js";
import { generator } from "../../boards/parts/flash/nor-flash.js";
import { SEED } from "../support/seed.js";
import { campaignUpdate, type Tally } from "./campaign.js";
import { keyPair, offerOf } from "./support/keys.js";
import { drive, World } from "./support/world.js";

const BLOCK = 4096;
const OLD = makeImage({ version: "0.2.0", chip: "test" }, 3_000);
const NEW = makeImage({ version: "0.3.0", chip: "test" }, 2 * BLOCK + 99);
const OFFER = offerOf(NEW);
const ENDS = ["confirmed", "rolledBack", "failed", "refused"];

function setUp(random: () => number): World {
  const world = new World({ image: OLD, slotBlocks: 3, key: keyPair(1).publicKey, random });
  world.boot();
  return world;
}

/** Runs the update to its end, restoring power after each cut. `cuts`: the operation in each life; the last lives have none. */
function live(world: World, cuts: readonly number[], random: () => number): void {
  for (const at of [...cuts, 0]) {
    if (at > 0) world.cutAtOperation(at, random);
    if (!world.isOn) world.boot();
    if (world.isOn) drive(world, OFFER, NEW, 2_000);
    expect(["0.2.0", "0.3.0"]).toContain(world.started.at(-1));
    world.flash.faults = {};
    if (at > 0 && world.isOn) world.boot(); // the cut was not reached: the power is cut between two operations
  }
}

function operations(): number {
  const world = setUp(generator(1));
  let count = 0;
  world.flash.faults = { program: () => void count++, erase: () => void count++ };
  drive(world, OFFER, NEW);
  return count;
}

describe("one good image", () => {
  const all = operations();

  test(`each of its ${all} programs and erases is cut, in states of the flash's choosing`, { timeout: 60_000 }, () => {
    expect(all).toBeGreaterThan(20);
    let rolledBack = 0;
    for (let at = 1; at <= all; at++) {
      const random = generator(SEED + at);
      const world = setUp(random);
      live(world, [at], random);
      const { state, version, reason } = world.state;
      const where = `cut in operation ${at}: ${JSON.stringify(world.state)}, ${world.log.join("; ")}`;
      expect(["confirmed", "rolledBack"], where).toContain(state);
      expect(version, where).toBe(state === "confirmed" ? "0.3.0" : "0.2.0");
      if (state === "confirmed") continue;
      expect(reason, where).toMatch(/^it ended before it was confirmed/);
      rolledBack++;
      // A second attempt succeeds.
      const again = offerOf(NEW, { id: "000000aa" });
      expect(drive(world, again, NEW), where).toMatchObject({ state: "confirmed", version: "0.3.0" });
    }
    expect(rolledBack).toBeGreaterThan(0);
    expect(rolledBack).toBeLessThan(all / 2);
  });

  test("several cuts, each in the state that the previous one left", { timeout: 60_000 }, () => {
    for (let round = 0; round < 15; round++) {
      const random = generator(SEED + 1_000 + round);
      const world = setUp(random);
      const cuts = Array.from({ length: 1 + Math.floor(random() * 6) }, () => 1 + Math.floor(random() * all));
      live(world, cuts, random);
      const { state, version, reason } = world.state;
      const where = `round ${round} of seed ${SEED}: ${JSON.stringify(world.state)}, ${world.log.join("; ")}`;
      expect(ENDS, where).toContain(state);
      expect(version, where).toBe(state === "confirmed" ? "0.3.0" : "0.2.0");
      if (state !== "confirmed") expect(reason, where).toMatch(/./);
    }
  });
});

test("bad images, with cuts: the old one runs in the end, and reports why", { timeout: 60_000 }, () => {
  const faults: ImageFault[] = ["crash", "hang", "deaf"];
  for (let round = 0; round < 9; round++) {
    const random = generator(SEED + 2_000 + round);
    const fault = faults[round % faults.length];
    const bad = makeImage({ version: "0.3.0", chip: "test", fault }, BLOCK + 99);
    const offer = offerOf(bad);
    const world = setUp(random);
    world.cutAtOperation(1 + Math.floor(random() * 30), random);
    drive(world, offer, bad, 300);
    world.flash.faults = {};
    for (let lives = 0; lives < 3; lives++) {
      if (world.flash.isOff) world.boot();
      drive(world, offer, bad, 300);
      world.time.advance(700_000);
    }
    const where = `round ${round} of seed ${SEED}, ${fault}: ${world.log.join("; ")}`;
    expect(world.image?.version, where).toBe("0.2.0");
    expect(world.state, where).toMatchObject({ state: "rolledBack", reason: expect.stringMatching(/./) });
  }
});

test("a slice of the campaign (npm run updates): whatever the image, the cuts and the losses", {
  timeout: 60_000,
}, () => {
  const tally: Tally = {};
  for (let n = 0; n < 8; n++) campaignUpdate(SEED + 3_000 + n, tally);
  expect(tally.cuts).toBeGreaterThan(3);
  expect(tally.rolledBack).toBeGreaterThan(0);
});
