/*
 * Drivers that behave as the SDK's, for the adapter: same options, same calls in the same order, same shapes.
 * BMP280: checks its chip, closes and throws; registers by write and read. AHT10: checks nothing, and when its first
 * write fails it throws with the bus still open. TMP102: SMBus words, calls `onError` with a text and leaves an unusable object.
 */
import type { I2CPart } from "../../boards/parts/i2c/i2c-bus.js";
import type { BusOptions, SMBus } from "../../src/sensor/io.js";

interface Options {
  readonly sensor: BusOptions & { io: new (options: BusOptions) => SMBus };
  readonly onError?: (error: unknown) => void;
}

export class BMP280 {
  configured: object = {};
  readonly #io: SMBus;
  readonly #byte = new Uint8Array(1);
  readonly #word = new Uint8Array(2);

  constructor(options: Options) {
    this.#io = new options.sensor.io({ ...options.sensor });
    this.#byte[0] = 0xd0;
    this.#io.write(this.#byte);
    this.#io.read(this.#byte);
    if (this.#byte[0] !== 0x58) {
      this.close();
      throw new Error("unexpected sensor");
    }
  }

  configure(options: object): void {
    this.configured = options;
    this.#io.write(Uint8Array.of(0xf4, 0x27));
  }

  sample() {
    this.#byte[0] = 0xfa;
    this.#io.write(this.#byte);
    this.#io.read(this.#word);
    const temperature = ((this.#word[0] << 8) | this.#word[1]) / 100;
    return { barometer: { pressure: 101_325 }, thermometer: { temperature } };
  }

  close(): void {
    this.#io.close();
  }
}

export class AHT10 {
  readonly #io: SMBus;
  readonly #bytes = new Uint8Array(6);

  constructor(options: Options) {
    this.#io = new options.sensor.io({ ...options.sensor });
    this.#io.write(Uint8Array.of(0xe1, 0x28, 0)); // throws, and #io stays open
  }

  sample() {
    this.#io.write(Uint8Array.of(0xac, 0x33, 0));
    this.#io.read(this.#bytes);
    const [, , , high, middle, low] = this.#bytes;
    const raw = ((high & 0x0f) << 16) | (middle << 8) | low;
    return { hygrometer: { humidity: 50 }, thermometer: { temperature: (200 * raw) / 0x100000 - 50 } };
  }

  close(): void {
    this.#io.close();
  }
}

export class TMP102 {
  #io: SMBus | undefined;
  readonly #onError: ((error: unknown) => void) | undefined;

  constructor(options: Options) {
    this.#onError = options.onError;
    this.#io = new options.sensor.io({ ...options.sensor });
    if (this.#io.readUint16(1, true) === 0x60a0) return;
    this.#onError?.("unexpected sensor");
    this.#io.close();
    this.#io = undefined;
  }

  sample() {
    const word = this.#io?.readUint16(0, true) ?? 0;
    if (word === 0xffff) this.#onError?.("bad checksum");
    return { temperature: word / 256 };
  }

  close(): void {
    this.#io?.writeUint16(1, 0x61a0, true); // shutdown: throws when the chip is gone
    this.#io?.close();
    this.#io = undefined;
  }
}

/** A chip with 256 byte registers, whose pointer moves on as they are read. */
export class RegisterPart implements I2CPart {
  readonly registers = new Uint8Array(256);
  #pointer = 0;

  write(bytes: Uint8Array): boolean {
    if (bytes.length > 0) this.#pointer = bytes[0];
    return true;
  }

  read(bytes: Uint8Array): boolean {
    for (let at = 0; at < bytes.length; at++) bytes[at] = this.registers[(this.#pointer + at) & 0xff];
    return true;
  }
}

/** The part of a BMP280 that the stub uses. */
export function bmp280Part(celsius: number): RegisterPart {
  const part = new RegisterPart();
  part.registers[0xd0] = 0x58;
  part.registers.set([(celsius * 100) >> 8, (celsius * 100) & 0xff], 0xfa);
  return part;
}

/** The part of an AHT10 that the stub uses: it answers every read with its latest measurement. */
export function aht10Part(celsius: number): I2CPart {
  const raw = Math.round(((celsius + 50) / 200) * 0x100000);
  const answer = [0x18, 0x80, 0, (raw >> 16) & 0x0f, (raw >> 8) & 0xff, raw & 0xff];
  return {
    write: () => true,
    read: (bytes) => {
      bytes.set(answer.slice(0, bytes.length));
      return true;
    },
  };
}

/** The part of a TMP102 that the stub uses; its words overlap, but not at the addresses that are read. */
export function tmp102Part(celsius: number): I2CPart & { word: number } {
  let pointer = 0;
  return {
    word: celsius * 256,
    write(bytes) {
      pointer = bytes[0] ?? pointer;
      return true;
    },
    read(bytes) {
      const word = pointer === 0 ? this.word : 0x60a0;
      bytes.set([word >> 8, word & 0xff].slice(0, bytes.length));
      return true;
    },
  };
}
