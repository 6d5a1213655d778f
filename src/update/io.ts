/*
 * Two slots for firmware images, as a board supplies them: one runs, the other can be written and started. Types only, no byte code.
 * A start of the other slot is on trial: any reset before `confirm` leads back to the image that ran before, whatever ended it. So
 * does ESP-IDF's bootloader with CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE, and every board here.
 * Source: ESP-IDF 6.0, "Over The Air Updates (OTA)", App Rollback. The SDK's `embedded:update` can neither go on with an image that was
 * begun before a reset, nor confirm one.
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
  /** The image that runs is on trial. */
  readonly isTrial: boolean;
  /** The image in the other slot was started, and never confirmed. Not if `forget` was called since. */
  readonly hasFailed: boolean;
  /** Opens the other slot. */
  open(): SlotFlash;
  /** What boot selection knows of the other slot is void: it is about to be written. */
  forget(): void;
  /** The other slot starts next, on trial. @throws Error if the chip does not take what is in it for an image */
  select(): void;
  /** The trial is over: this image starts from now on. No effect on one that is confirmed. */
  confirm(): void;
  /** The other image starts next, and this one not again. The caller restarts. @throws Error if there is no other */
  rollBack(): void;
}

/** What a board says of its updates. */
export interface UpdateOptions {
  /** What an image must be made for: "esp32", "esp32c3", "desktop". */
  readonly chip: string;
  /** The Ed25519 public key that images are signed for, 32 bytes. Absent: the build has none, and updates are off. */
  readonly key?: Uint8Array;
  /**
   * Whether `signature`, 64 bytes, is Ed25519's of `message`, 32 bytes, by the private key that belongs to `key` (RFC 8032, 5.1.7). Takes
   * what is no point and what is not below its limit for not signed. Throws for no input.
   */
  isSigned(message: Uint8Array, signature: Uint8Array, key: Uint8Array): boolean;
  /** The battery may not last for an update. Absent: there is none. */
  isBatteryLow?(): boolean;
}

/** The class of a board's slots. */
export type SlotsConstructor = new (options: UpdateOptions) => Slots;

/** What a board that can be updated gives to the firmware. */
export interface UpdatePort extends UpdateOptions {
  readonly io: SlotsConstructor;
}
