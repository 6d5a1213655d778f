/*
 * What starts on the desktop's chip: the image of the slot that boot selection names, on trial or not, with the fault that it may carry. The
 * program is always this one; an image says which version it reports. A process that is killed is a reset without power.
 */
import type { ResetCause, TimerId } from "../../src/board.js";
import type { UpdatePort } from "../../src/update/io.js";
import { isSigned } from "../common/ed25519.js";
import { slotsClass } from "../common/image-slots.js";
import { BootSlots } from "../parts/flash/boot-slots.js";
import { type ImageDescription, makeImage } from "../parts/flash/image.js";
import type { Chip } from "./chip.js";
import { ImageError } from "./flash/flash-file.js";
import { timers } from "./timers.js";

const CHIP = "desktop";
const CRASH_MS = 200;
/** The hardware watchdog's. */
const WATCHDOG_MS = 10_000;

export class ImageBoot {
  readonly port: UpdatePort;
  readonly #slots: BootSlots;
  #image: ImageDescription | undefined;
  #timer: TimerId | undefined;

  /** `key`: the public key that images are signed for. */
  constructor(chip: Chip, key: Uint8Array) {
    const { selection, slots, isBlank } = chip.slotsFlash();
    this.#slots = new BootSlots(selection, slots);
    // As by cable: what the program itself is, whatever version that will be.
    if (isBlank) slots[0].write(makeImage({ version: "", chip: CHIP }), 0);
    this.port = { io: slotsClass(this.#slots), chip: CHIP, key, isSigned };
  }

  /** Of the image that runs; undefined: the program's own. */
  get version(): string | undefined {
    return this.#image?.version || undefined;
  }

  /** The image that runs finds no sensor. */
  get isBlind(): boolean {
    return this.#image?.fault === "blind";
  }

  /** The image that runs joins no network. */
  get isDeaf(): boolean {
    return this.#image?.fault === "deaf";
  }

  /**
   * A reset: `start` is called when an image runs. `cause`: how the one before it has ended, if that was another one.
   * @throws ImageError if no slot has an image
   */
  boot(start: (cause?: ResetCause) => void, cause?: ResetCause): void {
    this.#image = this.#slots.boot();
    switch (this.#image?.fault) {
      case "crash":
        this.#timer = timers.set(() => this.boot(start, "crash"), CRASH_MS);
        return;
      case "hang":
        this.#timer = timers.set(() => this.boot(start, "watchdog"), WATCHDOG_MS);
        return;
      case "deaf":
      case "blind":
      case undefined:
        break;
    }
    if (this.#image === undefined) throw new ImageError("no slot of the chip holds an image: it does not start");
    start(cause);
  }
  /** The power is gone: nothing starts any more. */
  powerOff(): void {
    if (this.#timer !== undefined) timers.clear(this.#timer);
    this.#timer = undefined;
  }
}
