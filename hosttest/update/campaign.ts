/*
 * Thousands of updates of a device that takes and sends samples meanwhile, with a full outbox: good images, wrong ones, and images that fail
 * on trial; power cuts at any program or erase of slots, store and outbox; a connection that loses messages; from 0.1's formats and to them.
 * After each, the device must start, with the old image or the new one; its state must report the result; and no sample is lost
 * or doubled. Firmware "0.1" takes samples with 0.1's own code, and updates with today's, because 0.1 had no updates.
 */
import { type ImageFault, makeImage } from "../../boards/parts/flash/image.js";
import { generator } from "../../boards/parts/flash/nor-flash.js";
import { keyPair, offerOf } from "./support/keys.js";
import { drive, filledBy, type Samples, Setup } from "./support/setup.js";

const BLOCK = 4096;
const OLDEST = "0.1.0";
const OLD = "0.2.0";
const NEW = "0.3.0";
const KINDS = [
  "good",
  "good",
  "good",
  "crash",
  "hang",
  "deaf",
  "blind",
  "changed",
  "unsigned",
  "noise",
  "older",
] as const;
const FAULTS: readonly ImageFault[] = ["crash", "hang", "deaf", "blind"];
const MAX_CUTS = 4;
/** Range of a cut in a life: programs and erases of a whole update, samples included, or only its first few. */
const OPERATIONS = [40, 400] as const;
const TRIAL_MS = 700_000;

/** Number of updates by result. */
export type Tally = Record<string, number>;

const full = new Map<string, Samples>();

function samplesOf(version: string, whenFull: Samples["whenFull"]): Samples {
  const name = `${version} ${whenFull}`;
  const samples = full.get(name) ?? filledBy(version, whenFull);
  full.set(name, samples);
  return samples;
}

/** One update, by its seed. @returns its result. @throws Error with the property that was violated */
export function campaignUpdate(seed: number, tally: Tally): void {
  const random = generator(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)];
  const kind = pick(KINDS);
  const from = kind === "older" ? OLD : pick([OLDEST, OLD]);
  const to = kind === "older" ? OLDEST : NEW;
  const fault = FAULTS.find((each) => each === kind);
  const length = 500 + Math.floor(random() * 2.9 * BLOCK);
  const image =
    kind === "noise" ? new Uint8Array(length).fill(3) : makeImage({ version: to, chip: "test", fault }, length);
  const force = kind === "older" ? true : undefined;
  const offer = offerOf(image, { version: to, force, key: keyPair(kind === "unsigned" ? 2 : 1) });
  const sent = kind === "changed" ? image.map((byte, at) => (at === length >> 1 ? byte ^ 1 : byte)) : image;
  const setup = new Setup({
    image: makeImage({ version: from, chip: "test" }, 3_000),
    slotBlocks: 4,
    key: keyPair(1).publicKey,
    random,
    loss: pick([0, 0, 0.2]),
    samples: samplesOf(from, pick(["dropOldest", "dropOldest", "refuse"])),
  });
  setup.boot();
  const check = (isGood: boolean, what: string): void => {
    if (!isGood)
      throw new Error(`${kind} from ${from}: ${what}: ${JSON.stringify(setup.state)}; ${setup.log.join("; ")}`);
  };
  for (let cuts = Math.floor(random() * (MAX_CUTS + 1)); cuts > 0; cuts--) {
    setup.isConnected = random() < 0.7; // samples wait, or are sent
    setup.cutAtOperation(1 + Math.floor(random() * pick(OPERATIONS)), random);
    if (setup.isOn) drive(setup, offer, sent, 400);
    if (setup.isOn) setup.time.advance(60_000);
    setup.flash.faults = {};
    setup.boot();
    tally.cuts = (tally.cuts ?? 0) + setup.powerCuts;
    setup.powerCuts = 0;
  }
  setup.isConnected = true;
  for (let n = 0; n < 3; n++) {
    drive(setup, offer, sent, 400);
    setup.time.advance(TRIAL_MS);
  }
  const { state, version, reason } = setup.state;
  const isNew = state === "confirmed";
  check(setup.isOn, "it does not run");
  check(["confirmed", "rolledBack", "failed", "refused"].includes(String(state)), "it has not ended");
  check(version === (isNew ? to : from), "the wrong one runs");
  check(kind === "good" || !isNew, "what is no good was confirmed");
  check(isNew || String(reason) !== "", "no reason");
  check(
    fault !== undefined || kind === "good" || kind === "older" || !setup.started.includes(to),
    "what is not genuine has started",
  );
  setup.settle();
  check(setup.isOn && setup.truth.faults.length === 0, setup.truth.faults.slice(0, 5).join(", "));
  check(setup.flash.violations === 0, "flash was misused");
  const name = `${from === OLDEST ? "from 0.1, " : ""}${kind === "older" ? "to 0.1, " : ""}${state}`;
  tally[name] = (tally[name] ?? 0) + 1;
  tally.samples = (tally.samples ?? 0) + setup.truth.delivered.size;
  tally.evicted = (tally.evicted ?? 0) + setup.truth.taken.size - setup.truth.delivered.size;
}
