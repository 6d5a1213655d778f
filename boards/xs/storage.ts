/*
 * Storage of the board inside XS: flash partitions, the key-value store, the slots for firmware images. The data is on Node.
 */
import type { SlotFlash, Slots } from "../../src/update/io.js";
import { ask, askInto, askNumber, bytesOf, newHandle, textOf } from "./ask.js";
import { PARTITION } from "./wire.js";

/** An opened partition on Node. */
export class Flash {
  readonly #handle = newHandle();

  constructor(partition: number) {
    ask("flash.open", this.#handle, partition);
  }
  read(buffer: Uint8Array, offsetBytes: number): number {
    return askInto(buffer, "flash.read", this.#handle, offsetBytes);
  }
  write(buffer: Uint8Array, offsetBytes: number): void {
    ask("flash.write", this.#handle, offsetBytes, 0, buffer);
  }
  eraseBlock(first: number, end = first + 1): void {
    ask("flash.erase", this.#handle, first, end);
  }
  status(): { size: number; blockLength: number; blocks: number } {
    return JSON.parse(textOf(new Uint8Array(ask("flash.status", this.#handle) as ArrayBuffer)));
  }
  close(): void {
    ask("flash.close", this.#handle);
  }
}

/** Boot selection, on Node. */
export class ImageSlots implements Slots {
  get running(): 0 | 1 {
    return askNumber("slots.running") as 0 | 1;
  }
  get isTrial(): boolean {
    return askNumber("slots.isTrial") === 1;
  }
  get hasFailed(): boolean {
    return askNumber("slots.hasFailed") === 1;
  }
  open(): SlotFlash {
    return new Flash(PARTITION.slot);
  }
  forget(): void {
    ask("slots.forget");
  }
  select(): void {
    ask("slots.select");
  }
  confirm(): void {
    ask("slots.confirm");
  }
  rollBack(): void {
    ask("slots.rollBack");
  }
}

/** Whether the signature is valid. Node checks it, as C code does on an ESP32. */
export function isSigned(message: Uint8Array, signature: Uint8Array, key: Uint8Array): boolean {
  const all = new Uint8Array(message.length + signature.length + key.length);
  all.set(message);
  all.set(signature, message.length);
  all.set(key, message.length + signature.length);
  return askNumber("slots.isSigned", 0, message.length, signature.length, all) === 1;
}

/** The settings' key-value domain. */
export class KeyValue {
  read(key: string): ArrayBuffer | undefined {
    return ask("settings.read", 0, 0, 0, bytesOf(key));
  }
  write(key: string, value: ArrayBuffer): void {
    const name = bytesOf(key);
    const rest = new Uint8Array(name.length + value.byteLength);
    rest.set(name);
    rest.set(new Uint8Array(value), name.length);
    ask("settings.write", 0, name.length, 0, rest);
  }
  delete(key: string): void {
    ask("settings.delete", 0, 0, 0, bytesOf(key));
  }
  close(): void {
    ask("settings.close");
  }
}
