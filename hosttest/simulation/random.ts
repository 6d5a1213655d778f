/*
 * Seeded random numbers: all random decisions of a simulation use them, so that a seed determines a whole run.
 * xoshiro128** (Blackman and Vigna), seeded through splitmix32. Streams drawn by `fork` do not disturb each other: a
 * fault that is taken out of a schedule leaves the rest of the run as it was.
 */
export class Random {
  readonly #state = new Uint32Array(4);

  constructor(seed: number) {
    let mixed = seed >>> 0;
    for (let i = 0; i < 4; i++) {
      mixed = (mixed + 0x9e3779b9) >>> 0;
      let z = mixed ^ Math.floor(seed / 2 ** 32);
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      this.#state[i] = z ^ (z >>> 16);
    }
    if (this.#state.every((word) => word === 0)) this.#state[0] = 1;
  }

  /** A whole number, uniform over 32 bits. */
  bits(): number {
    const s = this.#state;
    const product = Math.imul(s[1], 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = (s[3] << 11) | (s[3] >>> 21);
    return result;
  }

  /** Uniform in [0, 1). */
  readonly unit = (): number => this.bits() / 2 ** 32;

  /** Uniform in `least` to `most`, both included. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.unit() * (most - least + 1));
  }

  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.whole(0, choices.length - 1)];
  }

  /** A wait with the given mean, exponentially distributed. */
  exponential(mean: number): number {
    return -Math.log(1 - this.unit()) * mean;
  }

  fork(): Random {
    return new Random(this.bits() + 2 ** 32 * (this.bits() & 0xffff));
  }
}
