/*
 * The power supply of a chip in a file: on, off, or to be cut in the middle of a write. Bytes programmed before the cut
 * are in the file; of the byte at the cut, some bits are.
 */

import { PowerCut } from "../../parts/flash/nor-flash.js";
import { EraseCut } from "../../parts/flash/nor-flash-erase.js";

/** An erase takes as long as so many bytes: a cut falls inside it as often as inside these. */
const ERASE_STEPS = 16;

/** Where in flash the power was cut. */
export interface CutPlace {
  readonly call: "program" | "erase";
  /** Bytes of the call that were done, and of the whole call. */
  readonly done: number;
  readonly length: number;
}

/** As in "a write to flash, 5 of 16 bytes done". */
export function placeText({ call, done, length }: CutPlace): string {
  return `${call === "erase" ? "an erase" : "a write to flash"}, ${done} of ${length} bytes done`;
}

export class Supply {
  #isOn = true;
  #stepsLeft = Number.POSITIVE_INFINITY;
  #callsLeft = 0;
  #onCut: (place: CutPlace) => void = () => {};

  get isOn(): boolean {
    return this.#isOn;
  }

  /** The power will be cut in a later write. */
  get isArmed(): boolean {
    return this.#stepsLeft !== Number.POSITIVE_INFINITY;
  }

  off(): void {
    this.#isOn = false;
    this.#stepsLeft = Number.POSITIVE_INFINITY;
  }

  on(): void {
    this.#isOn = true;
  }

  /**
   * Cuts the power after so many more programmed bytes, which count after `calls` whole writes and erases. `onCut` is called from inside that
   * flash call.
   */
  cutAfter(bytes: number, onCut: (place: CutPlace) => void, calls = 0): void {
    this.#stepsLeft = bytes;
    this.#callsLeft = calls;
    this.#onCut = onCut;
  }

  /** @throws PowerCut without power */
  require(): void {
    if (!this.#isOn) throw new PowerCut();
  }

  /**
   * Programs `buffer` over `bytes` by the rules of NOR flash, as far as the power lasts. Returns a function to be called when
   * the bytes are stored, which throws if the power was cut. @throws PowerCut without power
   */
  program(bytes: Uint8Array, buffer: Uint8Array): () => void {
    this.require();
    const length = buffer.length;
    const done = Math.min(length, this.#reach());
    for (let i = 0; i < done; i++) bytes[i] &= buffer[i];
    if (done < length) bytes[done] &= buffer[done] | Math.floor(Math.random() * 256);
    return this.#spend(length, { call: "program", done, length });
  }

  /** The same for an erase of all of `bytes`. */
  erase(bytes: Uint8Array): () => void {
    this.require();
    const { length } = bytes;
    const reach = this.#reach();
    if (reach >= ERASE_STEPS) bytes.fill(0xff);
    else new EraseCut(bytes, 0, length, undefined, Math.random).settle(bytes, Math.random);
    const done = Math.min(length, Math.floor((reach / ERASE_STEPS) * length));
    return this.#spend(ERASE_STEPS, { call: "erase", done, length });
  }

  /** How many steps of the next call the power lasts for. */
  #reach(): number {
    return this.#callsLeft > 0 ? Number.POSITIVE_INFINITY : this.#stepsLeft;
  }

  #spend(steps: number, place: CutPlace): () => void {
    if (this.#callsLeft > 0) {
      this.#callsLeft--;
      return () => {};
    }
    this.#stepsLeft -= steps;
    if (this.#stepsLeft >= 0) return () => {};
    return () => {
      this.off();
      this.#onCut(place);
      throw new PowerCut();
    };
  }
}
