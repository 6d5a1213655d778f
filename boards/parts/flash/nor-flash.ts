/*
 * Simulated NOR flash. It counts operations, loses power at any byte, and fails on demand.
 * Programming clears bits and never sets one; erasing sets a whole block. Power can be cut inside any program (a prefix is
 * programmed, and none, some or all bits of the byte at the cut) and inside any erase (many partial states). Cells that a
 * cut left half way may read differently after every boot, until they are programmed or erased again.
 * Units of 16 bytes model flash encryption and ECC: each is programmed once between erases, and erased bytes read as noise.
 * Shape: Moddable's `embedded:storage/flash`. Errors: "read failed", "write failed", "erase failed", as on ESP32.
 */
import { EraseCut, type EraseState } from "./nor-flash-erase.js";

/** Thrown by the call during which power was cut, and by every call until `powerOn`. */
export class PowerCut extends Error {
  constructor() {
    super("power cut");
  }
}

/** How much of the byte (or unit) at the cut was programmed. */
export type CutBits = "none" | "some" | "all";

/** Faults to inject. `program` and `erase` are called before the operation, `read` after it. */
export interface FlashFaults {
  /** "error": the call throws; "ignored": it reports success and does nothing. */
  program?(address: number, length: number): "error" | "ignored" | undefined;
  erase?(block: number): "error" | "ignored" | undefined;
  /** May change the bytes that were read. */
  read?(buffer: Uint8Array, address: number): void;
}

export interface NorFlashOptions {
  readonly blocks: number;
  /** Bytes. Default 4096. */
  readonly blockLength?: number;
  /** Contents to start from; used in place, so that an image can be kept. Default: erased. */
  readonly bytes?: Uint8Array;
  /** Default 1. */
  readonly writeUnit?: 1 | 16;
  /** Uniform in [0, 1): bits at a cut, and half-way cells at each boot. Default: a generator with a fixed seed. */
  readonly random?: () => number;
}

/** The state of every cell. Opaque. */
export interface FlashImage {
  readonly bytes: Uint8Array;
  readonly touched: Uint8Array | undefined;
  readonly weak: ReadonlyMap<number, number>;
  readonly halfErased: ReadonlyMap<number, EraseCut>;
}

const KEY = 0x5bd1e995;

export class NorFlash {
  readonly bytes: Uint8Array;
  readonly blocks: number;
  readonly blockLength: number;
  readonly writeUnit: 1 | 16;
  faults: FlashFaults = {};
  /** The key-value store that is open on it; a power cut ends it. */
  mountedBy: object | undefined;

  /** Calls and bytes since construction. */
  reads = 0;
  readBytes = 0;
  programs = 0;
  programmedBytes = 0;
  /** Erases of each block. */
  readonly erases: Uint32Array;
  /** Bytes programmed that would set a bit, and units programmed twice between erases. */
  violations = 0;

  isOff = false;
  /** Power was cut inside a program or an erase that had begun. */
  cutInside = false;
  /** That was an erase. */
  cutInErase = false;

  /** One for all cuts: to capture the stack of each took a fifth of a campaign. */
  readonly #powerCut = new PowerCut();
  readonly #random: () => number;
  readonly #touched: Uint8Array | undefined;
  /** The half-way bits, by address of their byte. */
  readonly #weak = new Map<number, number>();
  readonly #halfErased = new Map<number, EraseCut>();
  #untilCut = Number.POSITIVE_INFINITY;
  #cutBits: CutBits = "none";
  #eraseState: EraseState | undefined;
  #isClosed = false;

  constructor(options: NorFlashOptions) {
    const { blocks, blockLength = 4096, writeUnit = 1 } = options;
    this.blocks = blocks;
    this.blockLength = blockLength;
    this.writeUnit = writeUnit;
    this.bytes = options.bytes ?? new Uint8Array(blocks * blockLength).fill(0xff);
    if (this.bytes.byteLength !== blocks * blockLength) throw new RangeError("bytes: expected blocks * blockLength");
    this.erases = new Uint32Array(blocks);
    this.#random = options.random ?? generator(1);
    if (writeUnit === 16) this.#touched = new Uint8Array(this.bytes.byteLength / 16);
  }

  /** Steps until the cut that `cutAfter` has planned; infinity: none is planned. */
  get stepsUntilCut(): number {
    return this.#untilCut;
  }

  /** Cuts the power after `steps`: a programmed byte is one step, an erase `eraseCost` steps. */
  cutAfter(steps: number, bits: CutBits = "some", eraseState?: EraseState): void {
    this.#untilCut = steps;
    this.#cutBits = bits;
    this.#eraseState = eraseState;
  }

  /** Steps of an erase. */
  eraseCost = 16;

  /** Power is lost between calls. */
  powerOff(): void {
    this.isOff = true;
    this.cutInside = false;
  }

  /** Power is back: half-way cells get random values, which stay until the next boot. */
  powerOn(): void {
    this.isOff = false;
    this.mountedBy = undefined;
    this.cutInside = false;
    this.cutInErase = false;
    this.#isClosed = false;
    this.#untilCut = Number.POSITIVE_INFINITY;
    for (const [address, bits] of this.#weak) {
      this.bytes[address] = (this.bytes[address] & ~bits) | (this.#byte() & bits);
    }
    for (const cut of this.#halfErased.values()) cut.settle(this.bytes, this.#random);
  }

  read(buffer: Uint8Array, offset: number): number {
    this.#check("read failed", offset, buffer.byteLength);
    this.reads++;
    this.readBytes += buffer.byteLength;
    const end = offset + buffer.byteLength;
    if (buffer.byteLength <= 16) for (let i = offset; i < end; i++) buffer[i - offset] = this.bytes[i];
    else buffer.set(this.bytes.subarray(offset, end));
    if (this.writeUnit === 16) decrypt(buffer, offset);
    this.faults.read?.(buffer, offset);
    return buffer.byteLength;
  }

  write(buffer: Uint8Array, offset: number): void {
    const length = buffer.byteLength;
    this.#check("write failed", offset, length);
    if ((offset | length) & (this.writeUnit - 1)) throw new Error("write failed");
    const fault = this.faults.program?.(offset, length);
    if (fault === "error") throw new Error("write failed");
    if (fault === "ignored") return;
    this.programs++;
    if (this.#untilCut < length) this.#programUntilCut(buffer, offset);
    this.#untilCut -= length;
    this.#program(buffer, offset, length);
  }

  eraseBlock(first: number, end = first + 1): void {
    if (this.isOff) throw this.#powerCut;
    if (this.#isClosed || !(first >= 0 && first <= end && end <= this.blocks)) throw new Error("erase failed");
    for (let block = first; block < end; block++) {
      const fault = this.faults.erase?.(block);
      if (fault === "error") throw new Error("erase failed");
      if (fault !== "ignored") this.#erase(block);
    }
  }

  status(): { size: number; blockLength: number; blocks: number } {
    return { size: this.bytes.byteLength, blockLength: this.blockLength, blocks: this.blocks };
  }

  close(): void {
    this.#isClosed = true;
  }

  /** The state of every cell, for `restore`. */
  save(): FlashImage {
    return {
      bytes: this.bytes.slice(),
      touched: this.#touched?.slice(),
      weak: new Map(this.#weak),
      halfErased: new Map(this.#halfErased),
    };
  }

  /** Restores a state that `save` returned; power is on. Counters continue. */
  restore(image: FlashImage): void {
    this.bytes.set(image.bytes);
    if (image.touched !== undefined) this.#touched?.set(image.touched);
    this.#weak.clear();
    for (const [address, bits] of image.weak) this.#weak.set(address, bits);
    this.#halfErased.clear();
    for (const [block, cut] of image.halfErased) this.#halfErased.set(block, cut);
    this.isOff = false;
    this.cutInside = false;
    this.cutInErase = false;
    this.#untilCut = Number.POSITIVE_INFINITY;
  }

  /** Makes the `bits` at `address` read differently at each boot, until they are programmed or erased. */
  weaken(address: number, bits: number): void {
    this.#weak.set(address, (this.#weak.get(address) ?? 0) | bits);
  }

  #check(error: string, offset: number, length: number): void {
    if (this.isOff) throw this.#powerCut;
    if (this.#isClosed || !(offset >= 0 && offset + length <= this.bytes.byteLength)) throw new Error(error);
  }

  #program(buffer: Uint8Array, offset: number, length: number): void {
    this.programmedBytes += length;
    const { bytes } = this;
    if (this.#touched !== undefined) {
      this.#programUnits(buffer, offset, length);
      return;
    }
    for (let i = 0; i < length; i++) {
      const value = buffer[i];
      if (value & ~bytes[offset + i]) this.violations++;
      bytes[offset + i] &= value;
    }
    if (this.#weak.size > 0) for (let i = 0; i < length; i++) this.#strengthen(offset + i, buffer[i]);
  }

  #programUnits(buffer: Uint8Array, offset: number, length: number): void {
    const touched = this.#touched as Uint8Array;
    for (let unit = offset / 16; unit < (offset + length) / 16; unit++) {
      if (touched[unit]) this.violations++;
      touched[unit] = 1;
    }
    for (let i = offset; i < offset + length; i++) this.bytes[i] &= buffer[i - offset] ^ noise(i);
  }

  #strengthen(address: number, value: number): void {
    const weak = this.#weak.get(address);
    if (weak === undefined) return;
    if ((weak & value) === 0) this.#weak.delete(address);
    else this.#weak.set(address, weak & value);
  }

  /** Programs the whole bytes (or units) before the cut, and a part of the one at the cut, as `#cutBits` says. */
  #programUntilCut(buffer: Uint8Array, offset: number): never {
    const whole = this.#untilCut & -this.writeUnit;
    this.#program(buffer, offset, whole);
    if (this.writeUnit === 16) this.#cutUnit(offset + whole);
    else this.#cutByte(offset + whole, buffer[whole]);
    this.cutInside ||= whole > 0;
    this.isOff = true;
    throw this.#powerCut;
  }

  #cutByte(address: number, value: number): void {
    const clearing = this.bytes[address] & ~value;
    if (this.#cutBits === "none") return;
    const cleared = this.#cutBits === "all" ? clearing : clearing & this.#byte();
    this.bytes[address] &= ~cleared;
    if (clearing === 0) return;
    this.cutInside = true;
    this.weaken(address, clearing);
  }

  /** With encryption, a unit that was cut reads as noise, whatever its half-way cells read as later. */
  #cutUnit(address: number): void {
    (this.#touched as Uint8Array)[address / 16] = 1;
    if (this.#cutBits === "none") return;
    this.cutInside = true;
    for (let i = address; i < address + 16; i++) {
      this.bytes[i] &= this.#byte();
      if (this.#random() < 0.5) this.weaken(i, this.#byte());
    }
  }

  #erase(block: number): void {
    const start = block * this.blockLength;
    const end = start + this.blockLength;
    if (this.#untilCut < this.eraseCost) {
      const cut = new EraseCut(this.bytes, start, end, this.#eraseState, this.#random);
      this.#forget(start, end);
      cut.settle(this.bytes, this.#random);
      this.#halfErased.set(block, cut);
      this.cutInside = true;
      this.cutInErase = true;
      this.isOff = true;
      throw this.#powerCut;
    }
    this.#untilCut -= this.eraseCost;
    this.erases[block]++;
    this.bytes.fill(0xff, start, end);
    this.#halfErased.delete(block);
    this.#forget(start, end);
    this.#touched?.fill(0, start / 16, end / 16);
  }

  #forget(start: number, end: number): void {
    for (const address of this.#weak.keys()) if (address >= start && address < end) this.#weak.delete(address);
  }

  #byte(): number {
    return Math.floor(this.#random() * 256);
  }
}

/** Numbers from a seed, uniform in [0, 1). Source: mulberry32, public domain. */
export function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** The key stream: what an erased byte reads as, inverted. */
function noise(address: number): number {
  return (Math.imul(address ^ (address >>> 4), KEY) >>> 13) & 0xff;
}

function decrypt(buffer: Uint8Array, offset: number): void {
  for (let i = 0; i < buffer.byteLength; i++) buffer[i] ^= noise(offset + i);
}
