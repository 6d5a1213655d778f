/*
 * A simulated I2C bus: parts at addresses, and io classes of ECMA-419 shape bound to it, so that the drivers that run on
 * the device run here unchanged. It is as strict as the SDK on ESP32: an address can be open only once, pins in use
 * cannot be opened as GPIOs, a write to a missing part throws "write failed", a closed object throws.
 * Faults that it simulates: a part that is unplugged, calls that are not acknowledged, a bit that flips on
 * the wire, a data line that a part holds low until it has seen enough clocks.
 * It reads no clock: blocking time is counted in `blockedMs`, for tests.
 */

/** A device on the bus. Both methods return whether it acknowledged. */
export interface I2CPart {
  /** The bytes after the address. None: an address probe. */
  write(bytes: Uint8Array): boolean;
  /** Fills `bytes`. */
  read(bytes: Uint8Array): boolean;
  /** Power has returned. */
  powerOn?(): void;
}

export interface I2COptions {
  readonly data: number | string;
  readonly clock: number | string;
  readonly address: number;
  readonly hz: number;
  readonly timeout?: number;
}

const DEFAULT_TIMEOUT_MS = 400; // the SDK's
const CLOCKS_IN_A_BYTE = 9;

/** One bus with its parts, its pins and its faults. */
export class I2CBus {
  readonly data: number | string;
  readonly clock: number | string;
  /** io classes bound to this bus, to be given to drivers. */
  readonly I2C: ReturnType<typeof makeI2C>;
  readonly SMBus: ReturnType<typeof makeSMBus>;
  readonly Digital: ReturnType<typeof makeDigital>;
  /** Calls of drivers, and the milliseconds that they were blocked by a stuck bus. */
  calls = 0;
  blockedMs = 0;
  /** STOP conditions made with the pins as GPIOs. */
  stops = 0;

  readonly #parts = new Map<number, I2CPart>();
  readonly #unplugged = new Set<number>();
  readonly #open = new Set<number>();
  #nacks = 0;
  #flippedBit: number | undefined;
  #readsUntilFlip = 0;
  #clocksUntilFree = 0;
  #dead = false;

  /** The pins, with a board's names. */
  constructor({ data = 21, clock = 22 }: { data?: number | string; clock?: number | string } = {}) {
    this.data = data;
    this.clock = clock;
    this.I2C = makeI2C(this);
    this.SMBus = makeSMBus(this.I2C);
    this.Digital = makeDigital(this);
  }

  /** Connects a part. @throws RangeError if there is one at the address */
  attach(address: number, part: I2CPart): void {
    if (this.#parts.has(address)) throw new RangeError(`address ${address} is taken`);
    this.#parts.set(address, part);
  }

  detach(address: number): void {
    this.#parts.delete(address);
  }

  /** Unplugs a part: it loses its power, and its state. */
  unplug(address: number): void {
    this.#unplugged.add(address);
  }

  plug(address: number): void {
    if (this.#unplugged.delete(address)) this.#parts.get(address)?.powerOn?.();
  }

  /** The next `count` calls are not acknowledged. */
  nackNext(count: number): void {
    this.#nacks = count;
  }

  /** Flips a bit of the next read; bit 0 is the first on the wire. Undefined: flips none. */
  flipNextRead(bit: number | undefined): void {
    this.flipNthRead(1, bit);
  }

  /** The same for the nth read from now; 1: the next. */
  flipNthRead(nth: number, bit: number | undefined): void {
    this.#readsUntilFlip = nth;
    this.#flippedBit = bit;
  }

  /** A part holds the data line low until it has seen `clocks` clocks. */
  stickData(clocks = CLOCKS_IN_A_BYTE): void {
    this.#clocksUntilFree = clocks;
  }

  /** No pull-ups, or the whole bus disconnected: each call blocks for its time limit. */
  kill(): void {
    this.#dead = true;
  }

  revive(): void {
    this.#dead = false;
  }

  /** How many io objects are open: a driver that leaks one cannot be opened again. */
  get openCount(): number {
    return this.#open.size;
  }

  get isStuck(): boolean {
    return this.#clocksUntilFree > 0;
  }

  /** For the io classes. @throws RangeError as the SDK does */
  claim(options: I2COptions): void {
    const { address, hz } = options;
    if (options.data !== this.data || options.clock !== this.clock) throw new RangeError("unusable pins");
    if (!(Number.isInteger(address) && address >= 0 && address <= 127)) throw new RangeError("invalid address");
    if (!(hz > 0)) throw new RangeError("invalid hz");
    if (this.#open.has(address)) throw new RangeError("duplicate address");
    this.#open.add(address);
  }

  release(address: number): void {
    this.#open.delete(address);
  }

  /** For the io classes: a write to the part. @throws Error "write failed" */
  write(address: number, bytes: Uint8Array, timeoutMs: number): void {
    if (!this.#reach(address, timeoutMs)?.write(bytes)) throw new Error("write failed");
  }

  /** For the io classes. @throws Error "read failed" */
  read(address: number, bytes: Uint8Array, timeoutMs: number): void {
    if (!this.#reach(address, timeoutMs)?.read(bytes)) throw new Error("read failed");
    if (this.#flippedBit === undefined || --this.#readsUntilFlip > 0) return;
    const byte = this.#flippedBit >> 3;
    if (byte < bytes.length) bytes[byte] ^= 0x80 >> (this.#flippedBit & 7);
    this.#flippedBit = undefined;
  }

  /** For the Digital class: a rising edge of the clock. */
  tick(): void {
    if (this.#clocksUntilFree > 0) this.#clocksUntilFree--;
  }

  #reach(address: number, timeoutMs: number): I2CPart | undefined {
    this.calls++;
    if (this.#dead || this.isStuck) {
      this.blockedMs += timeoutMs;
      return undefined;
    }
    if (this.#nacks > 0) {
      this.#nacks--;
      return undefined;
    }
    return this.#unplugged.has(address) ? undefined : this.#parts.get(address);
  }
}

function makeI2C(bus: I2CBus) {
  return class I2C {
    readonly #address: number;
    readonly #timeoutMs: number;
    #closed = false;

    constructor(options: I2COptions) {
      bus.claim(options);
      this.#address = options.address;
      this.#timeoutMs = options.timeout ?? DEFAULT_TIMEOUT_MS;
    }

    get format(): "buffer" {
      return "buffer";
    }

    read(buffer: Uint8Array): number;
    read(count: number): ArrayBuffer;
    read(what: Uint8Array | number): ArrayBuffer | number {
      this.#check();
      const bytes = typeof what === "number" ? new Uint8Array(what) : what;
      bus.read(this.#address, bytes, this.#timeoutMs);
      return typeof what === "number" ? (bytes.buffer as ArrayBuffer) : bytes.length;
    }

    write(buffer: Uint8Array | ArrayBuffer): void {
      this.#check();
      bus.write(this.#address, buffer instanceof ArrayBuffer ? new Uint8Array(buffer) : buffer, this.#timeoutMs);
    }

    /** The SDK's extension: a write and a read with no STOP between. */
    writeRead(written: Uint8Array, read: Uint8Array): number {
      try {
        this.write(written);
        return this.read(read);
      } catch (error) {
        throw error instanceof SyntaxError ? error : new Error("writeRead failed");
      }
    }

    close(): void {
      if (!this.#closed) bus.release(this.#address);
      this.#closed = true;
    }

    #check(): void {
      if (this.#closed) throw new SyntaxError("I2C is closed");
    }
  };
}

function makeSMBus(I2C: ReturnType<typeof makeI2C>) {
  return class SMBus extends I2C {
    readUint8(register: number): number {
      return this.#readBytes(register, 1)[0];
    }

    readUint16(register: number, bigEndian = false): number {
      const [first, second] = this.#readBytes(register, 2);
      return bigEndian ? (first << 8) | second : (second << 8) | first;
    }

    readBuffer(register: number, buffer: Uint8Array): number {
      return this.writeRead(Uint8Array.of(register), buffer);
    }

    writeUint8(register: number, value: number): void {
      this.write(Uint8Array.of(register, value));
    }

    writeUint16(register: number, value: number, bigEndian = false): void {
      const [high, low] = [value >> 8, value & 0xff];
      this.write(bigEndian ? Uint8Array.of(register, high, low) : Uint8Array.of(register, low, high));
    }

    writeBuffer(register: number, buffer: Uint8Array): void {
      this.write(Uint8Array.of(register, ...buffer));
    }

    sendByte(command: number): void {
      this.write(Uint8Array.of(command));
    }

    receiveByte(): number {
      const byte = new Uint8Array(1);
      this.read(byte);
      return byte[0];
    }

    #readBytes(register: number, count: number): Uint8Array {
      const bytes = new Uint8Array(count);
      this.writeRead(Uint8Array.of(register), bytes);
      return bytes;
    }
  };
}

function makeDigital(bus: I2CBus) {
  return class Digital {
    static readonly Input = 0;
    static readonly InputPullUp = 1;
    static readonly Output = 8;
    static readonly OutputOpenDrain = 9;

    readonly #pin: number | string;
    readonly #mode: number;
    #level: number;

    constructor(options: { pin: number | string; mode: number; initialValue?: 0 | 1 }) {
      const { pin, mode, initialValue = 0 } = options;
      if (bus.openCount > 0) throw new RangeError("inUse");
      if (pin !== bus.data && pin !== bus.clock) throw new RangeError("invalid pin");
      this.#pin = pin;
      this.#mode = mode;
      this.#level = initialValue;
    }

    read(): 0 | 1 {
      if (this.#mode !== Digital.InputPullUp) throw new Error("not an input");
      return this.#pin === bus.data && bus.isStuck ? 0 : 1;
    }

    write(value: 0 | 1): void {
      if (this.#mode !== Digital.OutputOpenDrain) throw new Error("not an output");
      const rises = this.#level === 0 && value === 1;
      if (rises && this.#pin === bus.clock) bus.tick();
      if (rises && this.#pin === bus.data && !bus.isStuck) bus.stops++;
      this.#level = value;
    }

    close(): void {}
  };
}
