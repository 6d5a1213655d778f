/*
 * Globals that suites and fast-check need and XS does not have. The firmware must not use them, so only suites import this. Text
 * and bytes are converted without XS's own functions where these differ from the standard. There is no real time: setting a real
 * timer throws.
 */

type Bytes = ArrayBuffer | ArrayBufferView | readonly number[];

function bytesOf(source: Bytes): Uint8Array {
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength).slice();
  return new Uint8Array(source as ArrayBuffer);
}

/** As in the standard: XS itself encodes U+0000 in two bytes, and surrogates in three. */
class TextEncoder {
  encode(text = ""): Uint8Array {
    const bytes: number[] = [];
    for (const character of text) {
      const point = character.codePointAt(0) as number;
      const code = point >= 0xd800 && point < 0xe000 ? 0xfffd : point;
      const more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
      bytes.push(LEADS[more] | (code >> (6 * more)));
      for (let i = more - 1; i >= 0; i--) bytes.push(0x80 | ((code >> (6 * i)) & 0x3f));
    }
    return new Uint8Array(bytes);
  }
}

const LEADS = [0, 0xc0, 0xe0, 0xf0]; // by continuation bytes
const BOM = 0xfeff;
const MIN_CODES = [0, 0x80, 0x800, 0x10000]; // by continuation bytes: smaller ones have a shorter encoding

/** Always `fatal`: XS itself accepts invalid UTF-8. Drops a byte order mark unless `ignoreBOM` is set, as in the standard. */
class TextDecoder {
  readonly #keepsMark: boolean;
  constructor(_label?: string, options: { readonly ignoreBOM?: boolean } = {}) {
    this.#keepsMark = options.ignoreBOM === true;
  }
  decode(source?: Bytes): string {
    const bytes = bytesOf(source ?? []);
    let text = "";
    for (let at = 0; at < bytes.length; ) {
      const lead = bytes[at++];
      const more = lead < 0x80 ? 0 : lead < 0xc0 ? -1 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : lead < 0xf8 ? 3 : -1;
      if (more < 0) throw new TypeError("no UTF-8");
      let code = more === 0 ? lead : lead & (0x3f >> more);
      for (let i = 0; i < more; i++, at++) {
        if ((bytes[at] & 0xc0) !== 0x80) throw new TypeError("no UTF-8");
        code = (code << 6) | (bytes[at] & 0x3f);
      }
      if (code < MIN_CODES[more] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        throw new TypeError("no UTF-8");
      if (code !== BOM || text !== "" || this.#keepsMark) text += String.fromCodePoint(code);
    }
    return text;
  }
}

/** The part of Node's Buffer that suites use: bytes from a text, text from bytes. */
class Buffer extends Uint8Array {
  static alloc(length: number, fill: string | number = 0): Buffer {
    const pattern = typeof fill === "string" ? Buffer.from(fill) : [fill];
    return new Buffer(length).map((_, i) => pattern[i % pattern.length]) as Buffer;
  }
  static concat(parts: readonly Uint8Array[]): Buffer {
    const whole = new Buffer(parts.reduce((length, part) => length + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }
  equals(other: Uint8Array): boolean {
    return this.length === other.length && this.every((byte, i) => byte === other[i]);
  }
  static override from(source: unknown, encoding?: unknown): Buffer {
    if (typeof source !== "string") return new Buffer(bytesOf(source as Bytes));
    if (encoding === "latin1") return new Buffer([...source].map((character) => character.charCodeAt(0)));
    if (encoding === "hex") return new Buffer((source.match(/../g) ?? []).map((digits) => Number.parseInt(digits, 16)));
    return new Buffer(new TextEncoder().encode(source));
  }
  override toString(encoding?: string): string {
    if (encoding === "latin1") return [...this].map((byte) => String.fromCharCode(byte)).join("");
    if (encoding === "hex") return [...this].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return new TextDecoder().decode(this);
  }
}

function noTime(): never {
  throw new Error("there is no real time inside XS");
}

const missing = { TextEncoder, TextDecoder, Buffer, setTimeout: noTime, clearTimeout: () => {} };
for (const [name, value] of Object.entries(missing)) {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}

/** Methods of ES2023, which suites may use and the firmware may not (its `lib` is ES2022). */
const es2023 = {
  with: <T>(items: T[], index: number, item: T): T[] => items.map((old, i) => (i === index ? item : old)),
  toSorted: <T>(items: T[], order?: (a: T, b: T) => number): T[] => [...items].sort(order),
  toReversed: <T>(items: T[]): T[] => [...items].reverse(),
};
for (const [name, method] of Object.entries(es2023)) {
  const value = function (this: unknown[], ...args: never[]): unknown {
    return (method as (...all: unknown[]) => unknown)(this, ...args);
  };
  Object.defineProperty(Array.prototype, name, { value, configurable: true, writable: true });
}

export {};
