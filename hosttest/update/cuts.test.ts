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
import { drive, Setup } from "./support/setup.js";

const BLOCK = 4096;
const OLD = makeImage({ version: "0.2.0", chip: "test" }, 3_000);
const NEW = makeImage({ version: "0.3.0", chip: "test" }, 2 * BLOCK + 99);
const OFFER = offerOf(NEW);
const ENDS = ["confirmed", "rolledBack", "failed", "refused"];

function build(random: () => number): Setup {
  const setup = new Setup({ image: OLD, slotBlocks: 3, key: keyPair(1).publicKey, random });
  setup.boot();
  return setup;
}

/** Runs the update to its end, restoring power after each cut. `cuts`: the operation in each life; the last lives have none. */
function live(setup: Setup, cuts: readonly number[], random: () => number): void {
  for (const at of [...cuts, 0]) {
    if (at > 0) setup.cutAtOperation(at, random);
    if (!setup.isOn) setup.boot();
    if (setup.isOn) drive(setup, OFFER, NEW, 2_000);
    expect(["0.2.0", "0.3.0"]).toContain(setup.started.at(-1));
    setup.flash.faults = {};
    if (at > 0 && setup.isOn) setup.boot(); // the cut was not reached: the power is cut between two operations
  }
}

function operations(): number {
  const setup = build(generator(1));
  let count = 0;
  setup.flash.faults = { program: () => void count++, erase: () => void count++ };
  drive(setup, OFFER, NEW);
  return count;
}

describe("one good image", () => {
  const all = operations();

  test(`each of its ${all} programs and erases is cut, in states of the flash's choosing`, { timeout: 60_000 }, () => {
    expect(all).toBeGreaterThan(20);
    let rolledBack = 0;
    for (let at = 1; at <= all; at++) {
      const random = generator(SEED + at);
      const setup = build(random);
      live(setup, [at], random);
      const { state, version, reason } = setup.state;
      const where = `cut in operation ${at}: ${JSON.stringify(setup.state)}, ${setup.log.join("; ")}`;
      expect(["confirmed", "rolledBack"], where).toContain(state);
      expect(version, where).toBe(state === "confirmed" ? "0.3.0" : "0.2.0");
      if (state === "confirmed") continue;
      expect(reason, where).toMatch(/^it ended before it was confirmed/);
      rolledBack++;
      // A second attempt succeeds.
      const again = offerOf(NEW, { id: "000000aa" });
      expect(drive(setup, again, NEW), where).toMatchObject({ state: "confirmed", version: "0.3.0" });
    }
    expect(rolledBack).toBeGreaterThan(0);
    expect(rolledBack).toBeLessThan(all / 2);
  });

  test("several cuts, each in the state that the previous one left", { timeout: 60_000 }, () => {
    for (let round = 0; round < 15; round++) {
      const random = generator(SEED + 1_000 + round);
      const setup = build(random);
      const cuts = Array.from({ length: 1 + Math.floor(random() * 6) }, () => 1 + Math.floor(random() * all));
      live(setup, cuts, random);
      const { state, version, reason } = setup.state;
      const where = `round ${round} of seed ${SEED}: ${JSON.stringify(setup.state)}, ${setup.log.join("; ")}`;
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
    const setup = build(random);
    setup.cutAtOperation(1 + Math.floor(random() * 30), random);
    drive(setup, offer, bad, 300);
    setup.flash.faults = {};
    for (let lives = 0; lives < 3; lives++) {
      if (setup.flash.isOff) setup.boot();
      drive(setup, offer, bad, 300);
      setup.time.advance(700_000);
    }
    const where = `round ${round} of seed ${SEED}, ${fault}: ${setup.log.join("; ")}`;
    expect(setup.image?.version, where).toBe("0.2.0");
    expect(setup.state, where).toMatchObject({ state: "rolledBack", reason: expect.stringMatching(/./) });
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
