/*
 * What all simulated sensors share: the temperature of the air that they are in, and a conversion that never ends.
 */

export interface InAirOptions {
  readonly uptimeMs: () => number;
  /** The temperature of the air: a figure, or whatever it is by then. Default 21. */
  readonly celsius?: number | (() => number);
}

export class InAir {
  protected readonly uptimeMs: () => number;
  /** No conversion ends. */
  protected hangs = false;
  #celsius: number | (() => number);

  constructor({ uptimeMs, celsius = 21 }: InAirOptions) {
    this.uptimeMs = uptimeMs;
    this.#celsius = celsius;
  }

  /** The temperature of the air, °C. */
  get celsius(): number {
    return typeof this.#celsius === "number" ? this.#celsius : this.#celsius();
  }

  set celsius(value: number | (() => number)) {
    this.#celsius = value;
  }

  /** From now on no conversion ends, until the power comes back. */
  hang(): void {
    this.hangs = true;
  }
}
