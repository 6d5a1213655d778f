/*
 * A key-value store on flash, as the ESP32's NVS: shaped like `embedded:storage/key-value` (ECMA-419), bytes only.
 * One write is atomic: after a cut at any byte the key has the value before or the value after it. Keys of up to 15
 * characters, values of up to 4,000 bytes; as in NVS, a longer key is refused in a write, and cut to 15 characters in a read.
 *
 * Blocks are written one after the other, and so are the entries in a block; the last complete entry of a key counts. When a block is full,
 * the next free one is used. If that was the last free one, what counts in the oldest block is copied into it, and the oldest block is freed. A
 * block is erased when it is taken into use, never before: a cut erase is then repeated.
 *
 * Cells at a cut may read differently at every boot. Mounting therefore programs again the bytes that a cut may have left half
 * way: the newest header and entry, the bytes after that entry (with zeros, a blank entry), the magic of free blocks. After a
 * torn entry the rest of a block is not used.
 *
 * Only one store is open on a region at a time: a mount programs the bytes after the newest entry with zeros, which would destroy entries
 * that another store appends there. A second store is refused until the first is closed or the flash has lost its power.
 *
 * Block:  0 magic (4), 4 number (4), 8 CRC-32 of the first 8 (4), 12 pad (4), 16- entries.  Free: magic zeroed.
 * Entry:  0 CRC-32 of all that follows, 4 length of the value (2, 0xFFFF: deleted), 6 length of the key (1),
 *         7 key (15, zero-padded), 22 zero (2), 24- value, zero-padded to 4 bytes.  Blank: 24 zeros.
 * All numbers little endian.
 */

import { crc32 } from "./crc32.js";

const BLOCK_MAGIC = 0x3153564e; // "NVS1"
const BLOCK_HEADER = 16;
const ENTRY_HEADER = 24;
const LENGTH_AT = 4;
const KEY_LENGTH_AT = 6;
const KEY_AT = 7;
const MAX_KEY_LENGTH = 15;
const MAX_VALUE = 4_000;
const DELETED = 0xffff;

/** The part of `embedded:storage/flash` that the store uses. */
export interface FlashRegion {
  read(buffer: Uint8Array, offsetBytes: number): number;
  write(buffer: Uint8Array, offsetBytes: number): void;
  eraseBlock(first: number, end?: number): void;
  status(): { readonly size: number; readonly blockLength: number; readonly blocks: number };
  /** The store that is open on this region, if any: set and reset by the store. */
  mountedBy?: object | undefined;
}

/** Position of a value. `lengthBytes` DELETED: the entry deletes its key, and is kept because an older value may still be on flash. */
interface Place {
  readonly block: number;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}

/** A store on three blocks or more. Everything except the index is on the flash. */
export class KeyValueOnFlash {
  readonly #flash: FlashRegion;
  readonly #blockLength: number;
  readonly #numbers: (number | undefined)[] = []; // by block; undefined: free
  readonly #index = new Map<string, Place>();
  #block = -1; // the one that is being written
  #end = 0; // its first free byte
  #last: { readonly at: number; readonly end: number } | undefined; // its newest entry

  /**
   * Mounts, or starts an empty store on erased flash.
   * @throws RangeError if the flash is too small, Error if another store is open on it; nothing is read or written then
   */
  constructor(flash: FlashRegion) {
    const { blocks, blockLength } = flash.status();
    if (blocks < 3) throw new RangeError(`flash of ${blocks} blocks: a key-value store needs 3`);
    if (blockLength < BLOCK_HEADER + ENTRY_HEADER + MAX_VALUE)
      throw new RangeError(`blockLength ${blockLength}: too small`);
    if (flash.mountedBy !== undefined)
      throw new Error("a key-value store is open on this flash already: share or close it");
    this.#flash = flash;
    this.#blockLength = blockLength;
    flash.mountedBy = this;
    try {
      this.#mount(blocks);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Whether it is neither closed nor ended by a power cut. */
  get isOpen(): boolean {
    return this.#flash.mountedBy === this;
  }

  /** A copy of the value of `key`; undefined: it has none. @throws Error if the store is closed, as all calls do */
  read(key: string): ArrayBuffer | undefined {
    this.#requireOpen();
    const place = this.#index.get(key.slice(0, MAX_KEY_LENGTH));
    if (place === undefined || place.lengthBytes === DELETED) return undefined;
    const value = new Uint8Array(place.lengthBytes);
    this.#flash.read(value, this.#address(place) + ENTRY_HEADER);
    return value.buffer;
  }

  /** Stores `value`. @throws RangeError for a key or value too long, Error when the store is full */
  write(key: string, value: ArrayBuffer): void {
    if (key.length === 0 || key.length > MAX_KEY_LENGTH)
      throw new RangeError(`key "${key}": 1 to ${MAX_KEY_LENGTH} characters`);
    if (value.byteLength > MAX_VALUE) throw new RangeError(`value of ${value.byteLength} bytes: ${MAX_VALUE} at most`);
    this.#requireOpen();
    this.#append(key, new Uint8Array(value), value.byteLength);
  }

  /** Deletes `key`; does nothing if there is none. */
  delete(key: string): void {
    this.#requireOpen();
    const name = key.slice(0, MAX_KEY_LENGTH);
    const place = this.#index.get(name);
    if (place !== undefined && place.lengthBytes !== DELETED) this.#append(name, new Uint8Array(0), DELETED);
  }

  /** The keys that have a value. */
  keys(): readonly string[] {
    this.#requireOpen();
    return [...this.#index].filter(([, place]) => place.lengthBytes !== DELETED).map(([key]) => key);
  }

  /** Closes the store, so that another one can be opened on the flash. Idempotent. */
  close(): void {
    if (this.isOpen) this.#flash.mountedBy = undefined;
    this.#index.clear();
  }

  #requireOpen(): void {
    if (!this.isOpen) throw new Error("closed");
  }

  #mount(blocks: number): void {
    for (let block = 0; block < blocks; block++) this.#numbers.push(this.#readNumber(block));
    this.#scanAll();
    this.#settle();
    this.#finishEmptying();
  }

  #append(key: string, value: Uint8Array, length: number): void {
    const size = entrySize(value.length);
    for (let tries = this.#numbers.length; this.#block < 0 || this.#end + size > this.#blockLength; tries--) {
      if (tries === 0) throw new Error("no space");
      this.#makeSpace();
    }
    this.#program(key, value, length);
  }

  #program(key: string, value: Uint8Array, length: number): void {
    const place = { block: this.#block, offsetBytes: this.#end, lengthBytes: length };
    const entry = encodeEntry(key, value, length);
    this.#end = this.#blockLength; // the state after a failure
    this.#flash.write(entry, this.#address(place));
    this.#end = place.offsetBytes + entry.length;
    this.#index.set(key, place);
  }

  /** Starts the next free block. If it is the last free one, the oldest block is copied into it, and freed. */
  #makeSpace(): void {
    const used = this.#inUse();
    const free = this.#numbers.indexOf(undefined);
    const oldest = used[0];
    const newest = used.length === 0 ? 0 : this.#numbers[used[used.length - 1]]!;
    this.#takeIntoUse(free, newest + 1);
    if (used.length < this.#numbers.length - 1) return;
    for (const [key, place] of [...this.#index]) {
      if (place.block !== oldest) continue;
      if (place.lengthBytes === DELETED)
        this.#index.delete(key); // no older value is left for it to hide
      else this.#program(key, new Uint8Array(this.read(key)!), place.lengthBytes);
    }
    this.#free(oldest);
  }

  #free(block: number): void {
    this.#flash.write(new Uint8Array(4), block * this.#blockLength);
    this.#numbers[block] = undefined;
  }

  /** Programs again the bytes that a cut may have left half way. */
  #settle(): void {
    for (let block = 0; block < this.#numbers.length; block++) {
      if (this.#numbers[block] === undefined) this.#free(block);
    }
    if (this.#block < 0) return;
    const start = this.#block * this.#blockLength;
    this.#flash.write(blockHeader(this.#numbers[this.#block]!), start);
    if (this.#last !== undefined) {
      const entry = new Uint8Array(this.#last.end - this.#last.at);
      this.#flash.read(entry, start + this.#last.at);
      this.#flash.write(entry, start + this.#last.at);
    }
    const tail = this.#last?.end ?? BLOCK_HEADER;
    const blank = tail + ENTRY_HEADER;
    if (blank <= this.#blockLength) this.#flash.write(new Uint8Array(ENTRY_HEADER), start + tail);
    if (this.#end === tail) this.#end = Math.min(blank, this.#blockLength);
  }

  /** No block is free: power was cut while the oldest one was copied. If the copy is complete, the oldest block is freed, otherwise the copy. */
  #finishEmptying(): void {
    const used = this.#inUse();
    if (used.length < this.#numbers.length) return;
    const places = [...this.#index.values()];
    const isEmptied = places.every((place) => place.block !== used[0] || place.lengthBytes === DELETED);
    this.#free(isEmptied ? used[0] : used[used.length - 1]);
    const end = this.#end;
    this.#scanAll();
    if (isEmptied) this.#end = end;
  }

  #takeIntoUse(block: number, number: number): void {
    this.#flash.eraseBlock(block);
    this.#flash.write(blockHeader(number), block * this.#blockLength);
    this.#numbers[block] = number;
    this.#block = block;
    this.#end = BLOCK_HEADER;
  }

  /** Blocks in use, oldest first. */
  #inUse(): number[] {
    const blocks = this.#numbers.flatMap((number, block) => (number === undefined ? [] : [block]));
    return blocks.sort((a, b) => this.#numbers[a]! - this.#numbers[b]!);
  }

  #readNumber(block: number): number | undefined {
    const header = new Uint8Array(12);
    this.#flash.read(header, block * this.#blockLength);
    const view = new DataView(header.buffer);
    const valid = view.getUint32(0, true) === BLOCK_MAGIC && view.getUint32(8, true) === crc32(header.subarray(0, 8));
    return valid ? view.getUint32(4, true) : undefined;
  }

  #scanAll(): void {
    this.#index.clear();
    this.#block = -1;
    for (const block of this.#inUse()) this.#scan(block);
  }

  /** Indexes the complete entries of a block, which becomes the one being written. */
  #scan(block: number): void {
    const bytes = new Uint8Array(this.#blockLength);
    this.#flash.read(bytes, block * this.#blockLength);
    const view = new DataView(bytes.buffer);
    let end = bytes.length;
    while (end > BLOCK_HEADER && bytes[end - 1] === 0xff) end -= 1;
    let at = BLOCK_HEADER;
    this.#last = undefined;
    for (let next = at; at < end; at = next) {
      next = wholeEntry(bytes, view, at);
      if (next < 0) break;
      this.#last = { at, end: next };
      const length = view.getUint16(at + LENGTH_AT, true);
      if (bytes[at + KEY_LENGTH_AT] > 0) {
        this.#index.set(keyOf(bytes, at), { block, offsetBytes: at, lengthBytes: length });
      }
    }
    this.#block = block;
    this.#end = at < end ? bytes.length : at; // nothing is used after a torn entry
  }

  #address(place: Place): number {
    return place.block * this.#blockLength + place.offsetBytes;
  }
}

/** `valueLength` 0 for a deleted key. */
function entrySize(valueLength: number): number {
  return (ENTRY_HEADER + valueLength + 3) & ~3;
}

function blockHeader(number: number): Uint8Array {
  const header = new Uint8Array(12);
  const view = new DataView(header.buffer);
  view.setUint32(0, BLOCK_MAGIC, true);
  view.setUint32(4, number, true);
  view.setUint32(8, crc32(header.subarray(0, 8)), true);
  return header;
}

/** End of the entry at `at`; -1 if it is torn. */
function wholeEntry(bytes: Uint8Array, view: DataView, at: number): number {
  if (at + ENTRY_HEADER > bytes.length) return -1;
  const isBlank = bytes.subarray(at, at + ENTRY_HEADER).every((byte) => byte === 0);
  if (isBlank) return at + ENTRY_HEADER;
  const length = view.getUint16(at + LENGTH_AT, true);
  const next = at + entrySize(length === DELETED ? 0 : length);
  return next <= bytes.length && view.getUint32(at, true) === crc32(bytes.subarray(at + 4, next)) ? next : -1;
}

function encodeEntry(key: string, value: Uint8Array, length: number): Uint8Array {
  const entry = new Uint8Array(entrySize(value.length));
  const view = new DataView(entry.buffer);
  view.setUint16(LENGTH_AT, length, true);
  entry[KEY_LENGTH_AT] = key.length;
  for (let i = 0; i < key.length; i++) entry[KEY_AT + i] = key.charCodeAt(i);
  entry.set(value, ENTRY_HEADER);
  view.setUint32(0, crc32(entry.subarray(4)), true);
  return entry;
}

function keyOf(bytes: Uint8Array, entryAt: number): string {
  const start = entryAt + KEY_AT;
  return String.fromCharCode(...bytes.subarray(start, start + bytes[entryAt + KEY_LENGTH_AT]));
}
