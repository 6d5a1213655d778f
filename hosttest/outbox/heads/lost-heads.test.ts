/*
 * The newest block's head is damaged beyond correction: the block is found by its records. Random lives of devices on small rings, whose
 * newest head is damaged again and again, as soon as its block has an entry of its own. Single cases: headless.test.ts.
 */
import { expect, test } from "vitest";
import { type CutBits, generator, NorFlash } from "../../../boards/parts/flash/nor-flash.js";
import { HEAD_BYTES, isHeader, isWhole, sequenceIn } from "../../../src/outbox/flash/layout.js";
import { MAX_PAYLOAD, Rig } from "../../faults/rig.js";
import { SEED } from "../../support/seed.js";

const OPEN_AT = 16;
const CALLS = 600;
const LIVES = 25;
/** So much longer may a copied block be. */
const COPY_BYTES = 100;
const LENGTHS = [3, 3, 12, 5, 40];
const FIRST_SEQUENCES = [0, 65_500, 2 ** 31 - 40, 2 ** 32 - 40, 2 ** 47];
/** Words of the open header that the block's records show, and those that the check determines if one of them is damaged. */
const SHOWN = [0, 1, 3];
const COMPUTED = [2, 4, 5, 6];

/** What happens to the head, given its address: noise in 16 bytes, wrong bits in any number of words, zeros. */
type Damage = "noise" | "known words" | "whole" | "rest noise" | "zeros" | "bits";

interface Kind {
  readonly unit: 1 | 16;
  readonly damages: readonly Damage[];
  /** Power is also cut in calls, and in the recovery. */
  readonly cuts: boolean;
}

class DamagedLife {
  readonly rig: Rig;
  damages = 0;
  readonly #kind: Kind;
  readonly #random: () => number;
  readonly #length: number;
  readonly #keepsUp: number;
  #notes = 0;
  /** Sequence of the last block to which an entry was appended after its opening. */
  #own = 0;

  constructor(seed: number, kind: Kind) {
    this.#kind = kind;
    this.#random = generator(seed);
    this.#length = this.#oneOf(LENGTHS);
    this.#keepsUp = this.#oneOf([0.2, 0.45, 0.6]);
    const { unit } = kind;
    const flash = new NorFlash({
      blocks: (unit === 1 ? 3 : 4) + this.#below(4),
      blockLength: unit === 1 ? 512 : 1024,
      writeUnit: unit,
      random: this.#random,
    });
    this.rig = new Rig({
      flash,
      whenFull: this.#chance(0.5) ? "dropOldest" : "refuse",
      firstSequence: this.#oneOf(FIRST_SEQUENCES),
    });
    this.rig.inFlight = this.#below(8);
  }

  run(): void {
    for (let i = 0; i < CALLS; i++) {
      this.#act();
      const draw = this.#random();
      if (draw < 0.03) this.#damage();
      else if (draw < 0.06 && this.#kind.cuts) this.#cut();
    }
    this.rig.drain();
  }

  #act(): void {
    const { rig } = this;
    const draw = this.#random();
    if (draw < 0.45) this.#append();
    else if (draw < 0.45 + this.#keepsUp) rig.acknowledge(this.#chance(0.7) ? 0 : this.#below(12), "both");
    else if (draw < 0.93) rig.idle();
    else if (draw < 0.96) rig.note(this.#notes++ & 0x7fff);
    else if (draw < 0.97) rig.skip();
    else if (draw < 0.98) rig.reopen();
    else rig.boot();
  }

  #append(): void {
    const { rig } = this;
    const { flash, refused } = rig;
    if (flash.isOff) return;
    const { sequence } = newestOf(flash);
    const length = this.#chance(0.8) ? this.#length : this.#below(MAX_PAYLOAD + 1);
    rig.append(length, this.#chance(0.5) ? 1 : 2, this.#below(256));
    if (!flash.isOff && rig.refused === refused && newestOf(flash).sequence === sequence) this.#own = sequence;
  }

  #damage(): void {
    const { rig } = this;
    const { flash } = rig;
    const { block, sequence } = newestOf(flash);
    if (sequence === 0 || sequence !== this.#own || isFull(flash, block)) return;
    this.damages++;
    flash.powerOff();
    this.#wreck(block * flash.blockLength, this.#oneOf(this.#kind.damages));
    rig.boot();
    if (this.#chance(0.3)) rig.boot();
    if (this.#kind.cuts && this.#chance(0.5)) {
      flash.cutAfter(this.#below(600), this.#oneOf<CutBits>(["none", "some", "all"]));
      rig.compare();
      this.#append();
      if (flash.isOff) rig.boot();
      flash.cutAfter(Number.POSITIVE_INFINITY);
    }
    rig.compare();
  }

  #wreck(at: number, damage: Damage): void {
    const { bytes } = this.rig.flash;
    if (damage === "zeros") bytes.fill(0, at + OPEN_AT, at + HEAD_BYTES);
    else if (damage === "whole") this.#noise(at);
    else if (damage === "noise") this.#noise(at + OPEN_AT);
    else if (damage === "rest noise") this.#noise(at + OPEN_AT + 16);
    else if (damage === "bits") {
      const first = this.#below(HEAD_BYTES - OPEN_AT); // with one wrong bit the head would be corrected
      for (let i = 1 + this.#below(4); i >= 0; i--) this.#flip(at + OPEN_AT + ((first + 5 * i) & 31));
    } else {
      for (const word of [...SHOWN, this.#oneOf(COMPUTED)]) {
        for (let i = 1 + this.#below(4); i > 0; i--) this.#flip(at + OPEN_AT + 4 * word + this.#below(4));
      }
    }
  }

  #flip(address: number): void {
    this.rig.flash.bytes[address] ^= 1 << this.#below(8);
  }

  #noise(at: number): void {
    const { bytes } = this.rig.flash;
    for (let i = at; i < at + 16; i++) bytes[i] = this.#below(256);
  }

  /** Power is cut in one of some calls. */
  #cut(): void {
    const { rig } = this;
    rig.flash.cutAfter(this.#below(300), this.#oneOf<CutBits>(["none", "some", "all"]));
    for (let i = 0; i < 20 && !rig.flash.isOff; i++) {
      if (this.#chance(0.7)) rig.append(this.#length, 2, this.#below(256));
      else rig.acknowledge(0, "both");
    }
    if (!rig.flash.isOff) rig.flash.powerOff();
    rig.boot();
    if (this.#chance(0.7)) rig.compare();
  }

  #oneOf<T>(values: readonly T[]): T {
    return values[this.#below(values.length)];
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #chance(odds: number): boolean {
    return this.#random() < odds;
  }
}

/** Byte mode: whether a copy of the block might not fit, see README.md of src/outbox. */
function isFull({ bytes, blockLength, writeUnit }: NorFlash, block: number): boolean {
  const end = (block + 1) * blockLength;
  return writeUnit === 1 && bytes.subarray(end - COPY_BYTES, end).some((byte) => byte !== 0xff);
}

/** The newest block and its sequence, by the heads. */
function newestOf(flash: NorFlash): { block: number; sequence: number } {
  let newest = { block: -1, sequence: 0 };
  const bytes = new Uint8Array(HEAD_BYTES);
  const words = new Int32Array(bytes.buffer);
  for (let block = 0; block < flash.blocks; block++) {
    flash.read(bytes, block * flash.blockLength);
    const sequence = sequenceIn(words, OPEN_AT >> 2);
    if (!isHeader(words, OPEN_AT >> 2) || (flash.writeUnit === 16 && !isWhole(words, 0, sequence))) continue;
    if (sequence > newest.sequence) newest = { block, sequence };
  }
  return newest;
}

test.each<[string, Kind]>([
  ["byte mode", { unit: 1, damages: ["noise", "known words", "zeros", "rest noise", "bits"], cuts: false }],
  ["byte mode, with power cuts", { unit: 1, damages: ["noise", "known words"], cuts: true }],
  ["units of 16", { unit: 16, damages: ["noise", "known words", "whole"], cuts: false }],
  ["units of 16, with power cuts", { unit: 16, damages: ["noise", "known words", "whole"], cuts: true }],
])("no entry, number, mark or note is lost, and nothing comes back: %s", { timeout: 600_000 }, (_name, kind) => {
  let damages = 0;
  for (let seed = SEED; seed < SEED + LIVES; seed++) {
    const life = new DamagedLife(seed, kind);
    try {
      life.run();
    } catch (error) {
      throw new Error(`seed ${seed}, after damage to ${life.damages} heads`, { cause: error });
    }
    damages += life.damages;
  }
  expect(damages).toBeGreaterThan(10 * LIVES);
});
