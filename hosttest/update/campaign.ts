/*
 * Updates by the thousand, on the slots and the state machine alone: images that are good, wrong, or fail on trial, power cuts anywhere, a
 * way that loses what is sent. What must hold after each: the device starts, in the old image or the new one, and its state says how it ended.
 */
import { type ImageFault, makeImage } from "../../boards/parts/flash/image.js";
import { generator } from "../../boards/parts/flash/nor-flash.js";
import { keyPair, offerOf } from "./support/keys.js";
import { drive, World } from "./support/world.js";

const BLOCK = 4096;
const OLD = makeImage({ version: "0.2.0", chip: "test" }, 3_000);
const KINDS = ["good", "good", "good", "crash", "hang", "deaf", "changed", "unsigned", "noise"] as const;
const MAX_CUTS = 4;
const MAX_OPERATION = 40;
const TRIAL_MS = 700_000;

/** How many ended how. */
export type Tally = Record<string, number>;

/** One update, by its seed. @returns how it ended. @throws Error that names the seed and what did not hold */
export function campaignUpdate(seed: number, tally: Tally): void {
  const random = generator(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)];
  const kind = pick(KINDS);
  const fault = kind === "crash" || kind === "hang" || kind === "deaf" ? (kind satisfies ImageFault) : undefined;
  const length = 500 + Math.floor(random() * 2.9 * BLOCK);
  const image =
    kind === "noise" ? new Uint8Array(length).fill(3) : makeImage({ version: "0.3.0", chip: "test", fault }, length);
  const offer = offerOf(image, { key: keyPair(kind === "unsigned" ? 2 : 1) });
  const sent = kind === "changed" ? image.map((byte, at) => (at === length >> 1 ? byte ^ 1 : byte)) : image;
  const world = new World({ image: OLD, slotBlocks: 4, key: keyPair(1).publicKey, random, loss: pick([0, 0, 0.2]) });
  world.boot();
  const check = (isGood: boolean, what: string): void => {
    if (!isGood)
      throw new Error(`seed ${seed}, ${kind}: ${what}: ${JSON.stringify(world.state)}; ${world.log.join("; ")}`);
  };
  for (let cuts = Math.floor(random() * (MAX_CUTS + 1)); cuts > 0; cuts--) {
    world.cutAtOperation(1 + Math.floor(random() * MAX_OPERATION), random);
    if (world.isOn) drive(world, offer, sent, 400);
    world.flash.faults = {};
    world.boot();
    tally.cuts = (tally.cuts ?? 0) + world.powerCuts;
    world.powerCuts = 0;
  }
  for (let n = 0; n < 3; n++) {
    drive(world, offer, sent, 400);
    world.time.advance(TRIAL_MS);
  }
  const { state, version, reason } = world.state;
  const isNew = state === "confirmed";
  check(world.isOn, "it does not run");
  check(["confirmed", "rolledBack", "failed", "refused"].includes(String(state)), "it has not ended");
  check(version === (isNew ? "0.3.0" : "0.2.0"), "the wrong one runs");
  check(kind === "good" || !isNew, "what is no good was confirmed");
  check(isNew || String(reason) !== "", "no reason");
  check(fault !== undefined || kind === "good" || !world.started.includes("0.3.0"), "what is not genuine has started");
  tally[String(state)] = (tally[String(state)] ?? 0) + 1;
}
