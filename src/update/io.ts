/*
 * Two slots for firmware images, as a board supplies them: one runs, the other can be written and started. Types only, no byte
 * code. The other slot starts on trial: any reset before `confirm` returns to the image that ran before. ESP-IDF's bootloader
 * does this with CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE, and so does every board here.
 * Source: ESP-IDF 6.0, "Over The Air Updates (OTA)", App Rollback. The SDK's `embedded:update` can neither continue an image
 * that was begun before a reset, nor confirm one.
 */

/** An opened slot: `embedded:storage/flash` (ECMA-419). Erased a block at a time. */
export interface SlotFlash {
  read(buffer: Uint8Array, offsetBytes: number): number;
  write(buffer: Uint8Array, offsetBytes: number): void;
  eraseBlock(first: number, end?: number): void;
  status(): { readonly size: number; readonly blockLength: number };
  close(): void;
}

/** The two slots. Offsets and lengths in bytes. */
export interface Slots {
  /** The slot that runs. */
  readonly running: 0 | 1;
  /** The running image is on trial. */
  readonly isTrial: boolean;
  /** The image in the other slot was started, and never confirmed. False if `forget` was called since. */
  readonly hasFailed: boolean;
  /** Opens the other slot. */
  open(): SlotFlash;
  /** Clears what boot selection knows about the other slot, which is about to be written. */
  forget(): void;
  /** Starts the other slot next, on trial. @throws Error if the chip does not accept its content as an image */
  select(): void;
  /** Ends the trial: this image starts from now on. No effect on a confirmed image. */
  confirm(): void;
  /** Starts the other image next, and this one not again. The caller restarts. @throws Error if there is no other */
  rollBack(): void;
}

/** A board's properties for updates. */
export interface UpdateOptions {
  /** The chip that an image must be made for: "esp32", "esp32c3", "desktop". */
  readonly chip: string;
  /** The Ed25519 public key that images must be signed for, 32 bytes. Absent: the build has none, and updates are off. */
  readonly key?: Uint8Array;
  /**
   * Whether `signature`, 64 bytes, is the Ed25519 signature of `message`, 32 bytes, by the private key of `key` (RFC 8032,
   * §5.1.7). False also for invalid points and for values above their limit. Never throws.
   */
  isSigned(message: Uint8Array, signature: Uint8Array, key: Uint8Array): boolean;
  /** The battery may be too low for an update. Absent: no battery. */
  isBatteryLow?(): boolean;
}

/** The class of a board's slots. */
export type SlotsConstructor = new (options: UpdateOptions) => Slots;

/** What a board that can be updated supplies to the firmware. */
export interface UpdatePort extends UpdateOptions {
  readonly io: SlotsConstructor;
}
