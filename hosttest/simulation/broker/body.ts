/*
 * The fields of a packet's body, read one after the other. Strict: a packet that a server must refuse is a `ProtocolError`.
 * Source: MQTT 3.1.1 and 5, §1.5.
 */

/** A client broke the standard. */
export class ProtocolError extends Error {}

export class Body {
  at: number;
  readonly #bytes: Uint8Array;
  readonly #name: string;

  constructor(bytes: Uint8Array, start: number, name: string) {
    this.#bytes = bytes;
    this.at = start;
    this.#name = name;
  }

  /** Bytes that are left. */
  get left(): number {
    return this.#bytes.length - this.at;
  }

  byte(): number {
    if (this.at >= this.#bytes.length) throw new ProtocolError(`${this.#name}: too short`);
    return this.#bytes[this.at++];
  }

  word(): number {
    return this.byte() * 256 + this.byte();
  }

  /** A variable byte integer, §1.5.5 of MQTT 5. */
  varint(): number {
    let value = 0;
    for (let factor = 1; factor <= 2_097_152; factor *= 128) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if (byte < 128) {
        if (byte === 0 && factor > 1) throw new ProtocolError(`${this.#name}: a length longer than it needs`);
        return value;
      }
    }
    throw new ProtocolError(`${this.#name}: a length of more than four bytes`);
  }

  id(): number {
    const id = this.word();
    if (id === 0) throw new ProtocolError(`${this.#name}: packet id 0`);
    return id;
  }

  text(): string {
    const end = this.#endOf(this.word());
    const text = decode(this.#bytes, this.at, end);
    this.at = end;
    return text;
  }

  /** As one character a byte. */
  binary(): string {
    const end = this.#endOf(this.word());
    const text = String.fromCharCode(...this.#bytes.subarray(this.at, end));
    this.at = end;
    return text;
  }

  rest(): string {
    const start = this.at;
    this.at = this.#bytes.length;
    return decode(this.#bytes, start, this.at);
  }

  many<T>(read: () => T): T[] {
    const found: T[] = [];
    while (this.left > 0) found.push(read());
    if (found.length === 0) throw new ProtocolError(`${this.#name}: nothing asked`);
    return found;
  }

  /** Passes `value` on, if nothing is left over. */
  end<T>(value: T): T {
    if (this.left !== 0) throw new ProtocolError(`${this.#name}: too long`);
    return value;
  }

  #endOf(length: number): number {
    if (length > this.left) throw new ProtocolError(`${this.#name}: too short`);
    return this.at + length;
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decode(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let i = start; i < end; i++) {
    if (bytes[i] >= 0x80) return utf8.decode(bytes.subarray(start, end));
    text += String.fromCharCode(bytes[i]);
  }
  return text;
}
