/*
 * States of a block after a power cut in the middle of an erase. Seen on real chips: the block untouched, partly erased in any
 * pattern, first programmed to zeros, apparently but not really erased, and cells that read differently after each boot.
 */

/** A state that a cut erase leaves. */
export type EraseState = (typeof ERASE_STATES)[number];

export const ERASE_STATES = [
  "untouched",
  "start erased",
  "end erased",
  "some bits erased",
  "some bytes erased",
  "start zeroed",
  "zeroed, some bits erased",
  "looks erased at first",
  "reads anew at each boot",
  "zeroed, reads anew at each boot",
] as const;

/** States whose cells read differently after each boot, even if they are programmed again. */
const MOODY: readonly EraseState[] = [
  "looks erased at first",
  "reads anew at each boot",
  "zeroed, reads anew at each boot",
];

/** The half-way cells of one block. `settle` sets the values that are read until the next boot. */
export class EraseCut {
  readonly state: EraseState;
  readonly #before: Uint8Array;
  readonly #start: number;
  readonly #edge: number;
  #boots = 0;

  /** `state` undefined: a random one. */
  constructor(bytes: Uint8Array, start: number, end: number, state: EraseState | undefined, random: () => number) {
    this.state = state ?? ERASE_STATES[Math.floor(random() * ERASE_STATES.length)];
    this.#before = bytes.slice(start, end);
    this.#start = start;
    this.#edge = Math.floor(random() * (end - start));
  }

  settle(bytes: Uint8Array, random: () => number): void {
    if (this.#boots++ > 0 && !MOODY.includes(this.state)) return;
    const density = random();
    for (let i = 0; i < this.#before.length; i++) bytes[this.#start + i] = this.#byte(i, density, random);
  }

  #byte(i: number, density: number, random: () => number): number {
    const before = this.#before[i];
    switch (this.state) {
      case "untouched":
        return before;
      case "start erased":
        return i < this.#edge ? 0xff : before;
      case "end erased":
        return i < this.#edge ? before : 0xff;
      case "some bits erased":
      case "reads anew at each boot":
        return before | bits(density, random);
      case "some bytes erased":
        return random() < density ? 0xff : before;
      case "start zeroed":
        return i < this.#edge ? 0 : before;
      case "zeroed, some bits erased":
      case "zeroed, reads anew at each boot":
        return bits(density, random);
      case "looks erased at first":
        return this.#boots === 1 || random() < 0.9 ? 0xff : before | bits(density, random);
      default:
        throw new TypeError(`erase state: ${String(this.state satisfies never)}`);
    }
  }
}

/** Eight bits, each set with probability `density`; mostly all or none, because neighbours are similar. */
function bits(density: number, random: () => number): number {
  const draw = random();
  if (draw < 0.45) return density < 0.5 ? 0 : 0xff;
  if (draw < 0.75) return density < 0.5 ? 0xff : 0;
  return Math.floor(random() * 256);
}
