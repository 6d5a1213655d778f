/*
 * Boots a simulated chip: starts the image in the slot that boot selection names, and simulates the image's fault, if it has one. The
 * program is the same for all images; an image only determines the version that it reports.
 */
import type { ResetCause, TimerId, Timers } from "../../src/board.js";
import type { UpdatePort } from "../../src/update/io.js";
import { BootSlots, type SlotRegion } from "../parts/flash/boot-slots.js";
import { type ImageDescription, type ImageFault, makeImage } from "../parts/flash/image.js";
import { isSigned } from "./ed25519.js";
import { slotsClass } from "./image-slots.js";

const CRASH_MS = 200;
/** Time limit of the hardware watchdog. */
const WATCHDOG_MS = 10_000;

/** The parts of a chip with two slots. */
export interface ImageBootOptions {
  /** Two blocks for boot selection. */
  readonly selection: SlotRegion;
  readonly slots: readonly [SlotRegion, SlotRegion];
  readonly timers: Timers;
  /** The board for which an image must be made. */
  readonly chip: string;
  /** The public key that images are signed for, 32 bytes; undefined: updates are off. */
  readonly key: Uint8Array | undefined;
  /** No slot has an image, so nothing starts. Called within `boot`, which passes its exceptions on. */
  onNoImage(): void;
}

/** Boot selection of a simulated chip, and the slots as its firmware sees them. */
export class ImageBoot {
  /** For `Board.update`. */
  readonly port: UpdatePort;
  private readonly options: ImageBootOptions;
  private readonly slots: BootSlots;
  private image: ImageDescription | undefined;
  private timer: TimerId | undefined;

  /**
   * A chip without an image that was never updated is new, or lost its power while its first image was written. It gets the
   * program itself, as if flashed by cable.
   */
  constructor(options: ImageBootOptions) {
    const { selection, slots, chip, key } = options;
    this.options = options;
    this.slots = new BootSlots(selection, slots);
    if (this.slots.imageIn(0) === undefined && isErased(selection) && isErased(slots[1])) {
      slots[0].eraseBlock(0);
      slots[0].write(makeImage({ version: "", chip }), 0); // no version: the program's own applies
    }
    this.port = { io: slotsClass(this.slots), chip, key, isSigned };
  }

  /** Version of the running image; undefined: the program's own. */
  get version(): string | undefined {
    return this.image?.version || undefined;
  }

  /** Fault of the running image. */
  get fault(): ImageFault | undefined {
    return this.image?.fault;
  }

  /** A reset: `start` is called when an image runs. `cause`: how the image before it ended, if one crashed or hung since the reset. */
  boot(start: (cause?: ResetCause) => void, cause?: ResetCause): void {
    this.image = this.slots.boot();
    if (this.image === undefined) this.options.onNoImage();
    else if (this.fault === "crash") this.again(start, "crash", CRASH_MS);
    else if (this.fault === "hang") this.again(start, "watchdog", WATCHDOG_MS);
    else start(cause);
  }

  /** The power fails: nothing starts any more. */
  powerOff(): void {
    if (this.timer !== undefined) this.options.timers.clear(this.timer);
    this.timer = undefined;
  }

  private again(start: (cause?: ResetCause) => void, cause: ResetCause, ms: number): void {
    this.timer = this.options.timers.set(() => this.boot(start, cause), ms);
  }
}

function isErased(region: SlotRegion): boolean {
  const bytes = new Uint8Array(region.status().size);
  region.read(bytes, 0);
  return bytes.every((byte) => byte === 0xff);
}
