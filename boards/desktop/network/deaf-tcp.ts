/* TCP of a firmware image that does not join the network: no connection is established. */
import type { TCP, TCPOptions } from "../../../src/mqtt/wire/io.js";
import { timers } from "../timers.js";

const REFUSED_MS = 1_000;

export class DeafTCP implements TCP {
  readonly #timer: object | number;

  constructor({ onError }: TCPOptions) {
    this.#timer = timers.set(() => onError?.(), REFUSED_MS);
  }

  read(): number {
    return 0;
  }

  write(): number {
    return 0;
  }

  close(): void {
    timers.clear(this.#timer);
  }
}
