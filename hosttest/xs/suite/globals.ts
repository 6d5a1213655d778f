/*
 * What suites and fast-check take for granted and XS does not have; the firmware must not, so that only suites import this.
 * Text and bytes by XS's own means; there is no real time in here: who sets a real timer is told so.
 */

declare global {
  interface StringConstructor {
    fromArrayBuffer(buffer: ArrayBuffer): string;
  }
  interface ArrayBufferConstructor {
    fromString(text: string): ArrayBuffer;
  }
}

type Bytes = ArrayBuffer | ArrayBufferView | readonly number[];

function bytesOf(source: Bytes): Uint8Array {
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength).slice();
  return new Uint8Array(source as ArrayBuffer);
}

class TextEncoder {
  encode(text = ""): Uint8Array {
    return new Uint8Array(ArrayBuffer.fromString(text));
  }
}

/** Throws where the bytes are no UTF-8, as with `fatal`. */
class TextDecoder {
  decode(source?: Bytes): string {
    return source === undefined ? "" : String.fromArrayBuffer(bytesOf(source).slice().buffer);
  }
}

/** The little of Node's Buffer that suites use: bytes from a text, text from bytes. */
class Buffer extends Uint8Array {
  static override from(source: unknown, encoding?: unknown): Buffer {
    if (typeof source !== "string") return new Buffer(bytesOf(source as Bytes));
    if (encoding === "latin1") return new Buffer([...source].map((character) => character.charCodeAt(0)));
    if (encoding === "hex") return new Buffer((source.match(/../g) ?? []).map((digits) => Number.parseInt(digits, 16)));
    return new Buffer(new Uint8Array(ArrayBuffer.fromString(source)));
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

export {};
