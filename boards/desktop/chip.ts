/*
 * The desktop's chip: one image file with every partition of the device, settings included.
 *
 *   0x000000   4 KiB  identity: magic, then the MAC address that the chip was given when it was made
 *   0x001000  24 KiB  settings (simulated NVS)
 *   0x007000   1 MiB  outbox
 *   0x107000   8 KiB  boot selection (missing in older images, and appended to them)
 *   0x109000 256 KiB  a firmware image
 *   0x149000 256 KiB  another
 */
import { randomBytes } from "node:crypto";
import { KeyValueOnFlash } from "../parts/key-value.js";
import { BLOCK_LENGTH, FlashFile, type Partition } from "./flash/flash-file.js";
import type { Supply } from "./flash/supply.js";

const SETTINGS_AT = BLOCK_LENGTH;
const SETTINGS_SIZE = 6 * BLOCK_LENGTH;
const OUTBOX_AT = SETTINGS_AT + SETTINGS_SIZE;
const OUTBOX_SIZE = 256 * BLOCK_LENGTH;
const SELECTION_AT = OUTBOX_AT + OUTBOX_SIZE;
const SELECTION_SIZE = 2 * BLOCK_LENGTH;
const SLOT_SIZE = 64 * BLOCK_LENGTH;
const SLOTS_AT = SELECTION_AT + SELECTION_SIZE;
const MAGIC = new TextEncoder().encode("home-thermometer chip 1\n");
const MAC_LENGTH = 6;
const LOCALLY_ADMINISTERED = 0x02; // IEEE 802: no manufacturer's, and no group address

export class Chip {
  readonly path: string;
  readonly created: boolean;
  /** 12 lower-case hexadecimal digits. */
  readonly mac: string;
  readonly #file: FlashFile;
  readonly #settingsFlash: Partition;
  readonly #outboxFlash: Partition;
  #settings: KeyValueOnFlash | undefined;

  /** Opens the image, or creates a factory-new one. @throws ImageError with one line */
  constructor(path: string) {
    this.#file = new FlashFile(path, SLOTS_AT + 2 * SLOT_SIZE, SELECTION_AT);
    this.path = path;
    this.created = this.#file.created;
    this.mac = readOrGiveMac(this.#file.partition(0, BLOCK_LENGTH));
    this.#settingsFlash = this.#file.partition(SETTINGS_AT, SETTINGS_SIZE);
    this.#outboxFlash = this.#file.partition(OUTBOX_AT, OUTBOX_SIZE);
  }

  get supply(): Supply {
    return this.#file.supply;
  }

  /** The settings: one store, shared by the firmware and the command line. Mounted again after it was closed. */
  settings(): KeyValueOnFlash {
    if (this.#settings?.isOpen !== true) this.#settings = new KeyValueOnFlash(this.#settingsFlash);
    return this.#settings;
  }

  settingsFlash(): Partition {
    return this.#settingsFlash;
  }

  outboxFlash(): Partition {
    return this.#outboxFlash;
  }

  /** Boot selection and the slots. To be called once. */
  slotsFlash(): { selection: Partition; slots: readonly [Partition, Partition] } {
    const selection = this.#file.partition(SELECTION_AT, SELECTION_SIZE);
    const slots = [0, 1].map((slot) => this.#file.partition(SLOTS_AT + slot * SLOT_SIZE, SLOT_SIZE));
    return { selection, slots: [slots[0], slots[1]] };
  }

  /** A reset: closes what the previous life had open. */
  reset(): void {
    this.#settings?.close();
  }

  /** The file was deleted or replaced: the chip continues without a file name. True once. */
  noticesLoss(): boolean {
    return this.#file.noticesLoss();
  }

  /** Whether the next run with this path finds the chip. */
  get isReachable(): boolean {
    return this.#file.isReachable;
  }

  close(): void {
    this.#file.close();
  }
}

function readOrGiveMac(identity: Partition): string {
  const bytes = new Uint8Array(MAGIC.length + MAC_LENGTH);
  identity.read(bytes, 0);
  if (!MAGIC.every((byte, at) => bytes[at] === byte)) {
    identity.eraseBlock(0);
    bytes.set(MAGIC);
    bytes.set(randomBytes(MAC_LENGTH), MAGIC.length);
    bytes[MAGIC.length] = LOCALLY_ADMINISTERED;
    identity.write(bytes, 0);
  }
  return Buffer.from(bytes.subarray(MAGIC.length)).toString("hex");
}
