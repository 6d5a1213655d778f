/*
 * Two slots for images, and the boot selection of an ESP32 with rollback enabled, on simulated flash. Its two entries are rewritten in the
 * chip's order, so that a power cut leaves the same states. `boot` does what the bootloader does, the other methods what ESP-IDF does at run time.
 * Source: ESP-IDF 6.0, bootloader_utility.c and esp_ota_ops.c. An entry: 0 sequence number (4), 24 state (4), 28 CRC-32 of the number (4).
 * Number n stands for slot (n - 1) % 2. The entry with the highest number that is neither invalid nor aborted decides which slot starts.
 */
import { crc32 } from "../crc32.js";
import { describedIn, type ImageDescription } from "./image.js";

const ENTRY = 32;
const STATE_AT = 24;
const CHECK_AT = 28;
const NO_NUMBER = 0xffff_ffff;
const NEW = 0;
const PENDING = 1;
const VALID = 2;
const INVALID = 3;
const ABORTED = 4;

/** A part of the flash. */
export interface SlotRegion {
  read(buffer: Uint8Array, offsetBytes: number): number;
  write(buffer: Uint8Array, offsetBytes: number): void;
  eraseBlock(first: number, end?: number): void;
  status(): { readonly size: number; readonly blockLength: number };
}

interface Entry {
  readonly number: number;
  readonly state: number;
}

export class BootSlots {
  readonly #selection: SlotRegion;
  readonly #slots: readonly [SlotRegion, SlotRegion];
  #running: 0 | 1 = 0;

  /** `selection`: two blocks. If nothing is selected, slot 0 starts, as after flashing by cable. */
  constructor(selection: SlotRegion, slots: readonly [SlotRegion, SlotRegion]) {
    this.#selection = selection;
    this.#slots = slots;
  }

  /** The bootloader at a reset. @returns the image that starts; undefined: there is none, and nothing runs */
  boot(): ImageDescription | undefined {
    for (const at of [0, 1]) {
      const entry = this.#entry(at);
      if (entry?.state === PENDING) this.#rewrite(at, { ...entry, state: ABORTED });
    }
    const active = this.#active();
    const entry = active === undefined ? undefined : this.#entry(active);
    const chosen = entry === undefined ? 0 : slotOf(entry);
    if (active !== undefined && entry?.state === NEW) this.#rewrite(active, { ...entry, state: PENDING });
    for (const slot of chosen === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      const image = this.imageIn(slot);
      if (image === undefined) continue;
      this.#running = slot;
      return image;
    }
    return undefined;
  }

  get running(): 0 | 1 {
    return this.#running;
  }

  get other(): SlotRegion {
    return this.#slots[1 - this.#running];
  }

  imageIn(slot: 0 | 1): ImageDescription | undefined {
    const region = this.#slots[slot];
    const bytes = new Uint8Array(region.status().size);
    region.read(bytes, 0);
    return describedIn(bytes);
  }

  get isTrial(): boolean {
    return this.#stateOf(this.#running) === PENDING;
  }

  get hasFailed(): boolean {
    const state = this.#stateOf(1 - this.#running);
    return state === INVALID || state === ABORTED;
  }

  forget(): void {
    const active = this.#active();
    this.#selection.eraseBlock(active === undefined ? 0 : 1 - active);
  }

  /** @throws Error if there is no image */
  select(): void {
    const target = 1 - this.#running;
    if (this.imageIn(target as 0 | 1) === undefined) throw new Error("the slot has no valid image");
    const active = this.#active();
    const last = active === undefined ? 0 : (this.#entry(active)?.number ?? 0);
    let number = last + 1;
    while ((number - 1) % 2 !== target) number++;
    this.#rewrite(active === undefined ? 0 : 1 - active, { number, state: NEW });
  }

  confirm(): void {
    const active = this.#active();
    const entry = active === undefined ? undefined : this.#entry(active);
    if (active === undefined || entry === undefined || entry.state === VALID) return;
    this.#rewrite(active, { ...entry, state: VALID });
  }

  /** @throws Error if the other slot has no image */
  rollBack(): void {
    const active = this.#active();
    const entry = active === undefined ? undefined : this.#entry(active);
    if (active === undefined || entry === undefined || this.imageIn((1 - this.#running) as 0 | 1) === undefined)
      throw new Error("there is no other image");
    this.#rewrite(active, { ...entry, state: INVALID });
  }

  /** The valid entry with the highest number. */
  #active(): 0 | 1 | undefined {
    const numbers = [this.#entry(0), this.#entry(1)].map((entry) =>
      entry === undefined || entry.state === INVALID || entry.state === ABORTED ? 0 : entry.number,
    );
    if (numbers[0] === 0 && numbers[1] === 0) return undefined;
    return numbers[1] > numbers[0] ? 1 : 0;
  }

  #stateOf(slot: number): number | undefined {
    return [this.#entry(0), this.#entry(1)].find((entry) => entry !== undefined && slotOf(entry) === slot)?.state;
  }

  #entry(at: number): Entry | undefined {
    const bytes = new Uint8Array(ENTRY);
    this.#selection.read(bytes, at * this.#selection.status().blockLength);
    const view = new DataView(bytes.buffer);
    const number = view.getUint32(0, true);
    if (number === NO_NUMBER || number === 0 || view.getUint32(CHECK_AT, true) !== crc32(bytes.subarray(0, 4)))
      return undefined;
    return { number, state: view.getUint32(STATE_AT, true) };
  }

  #rewrite(at: number, { number, state }: Entry): void {
    const bytes = new Uint8Array(ENTRY).fill(0xff);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, number, true);
    view.setUint32(STATE_AT, state, true);
    view.setUint32(CHECK_AT, crc32(bytes.subarray(0, 4)), true);
    this.#selection.eraseBlock(at);
    this.#selection.write(bytes, at * this.#selection.status().blockLength);
  }
}

function slotOf({ number }: Entry): 0 | 1 {
  return ((number - 1) % 2) as 0 | 1;
}
