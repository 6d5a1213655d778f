/*
 * Shared by all simulated sensors: the temperature of the air around them, and a conversion that never ends.
 */

export interface InAirOptions {
  readonly uptimeMs: () => number;
  /** The temperature of the air: a number, or a function that returns the present one. Default 21. */
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

  /** From now on no conversion ends, until the power has been off. */
  hang(): void {
    this.hangs = true;
  }
}
