/*
 * The air around the simulated sensors: its values wander as in a lived-in room, until they are held.
 */
import { wander } from "../parts/wander.js";

const HUMIDITY = 45; // %, the mean
const HUMIDITY_SWING = 4; // % for each degree that a room's temperature wanders

export interface AirOptions {
  uptimeMs(): number;
  random(): number;
}

/** The values at which the air can be held. */
export type AirQuantity = "temperature" | "humidity";

export class Air {
  readonly #held: Partial<Record<AirQuantity, number>> = {};
  readonly #options: AirOptions;
  #celsius: () => number;
  #humidity: () => number;

  constructor(options: AirOptions) {
    this.#options = options;
    this.#celsius = wander(options);
    const away = wander({ ...options, mean: 0 });
    this.#humidity = () => HUMIDITY + HUMIDITY_SWING * away();
  }

  /** °C, now. */
  get celsius(): number {
    return this.#held.temperature ?? this.#celsius();
  }

  /** Relative humidity, %, now. */
  get humidity(): number {
    return Math.min(100, Math.max(0, this.#held.humidity ?? this.#humidity()));
  }

  /** Whether it is held. */
  isHeld(quantity: AirQuantity): boolean {
    return this.#held[quantity] !== undefined;
  }

  /** Holds it at a value; undefined: it wanders on from its present value. */
  hold(quantity: AirQuantity, value: number | undefined): void {
    const before = this.#held[quantity];
    this.#held[quantity] = value;
    if (value !== undefined || before === undefined) return;
    const around = wander({ ...this.#options, mean: 0 });
    const shift = before - around();
    if (quantity === "temperature") this.#celsius = () => shift + around();
    else this.#humidity = () => shift + HUMIDITY_SWING * around();
  }
}
