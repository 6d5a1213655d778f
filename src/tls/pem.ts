/*
 * PEM, the usual form of certificates and keys, to DER, in which they are stored. Works line by line, so that a prompt can read
 * a paste, and a file needs no second copy.
 * Source: RFC 7468.
 */

const BEGIN = "-----BEGIN ";
const END = "-----END ";
const DASHES = "-----";
const DAMAGED = "the PEM block is damaged";
const FIRST_BYTES = 512;

/** A text is not the expected PEM. `message` is one line. */
export class PEMError extends Error {}

/** The expected label of a block. */
export type PEMKind = "CERTIFICATE" | "PRIVATE KEY";

/**
 * Decodes the blocks whose label ends in a kind, and concatenates them; other blocks and text are ignored. A fault is reported
 * at the end, so that the following lines are read, too.
 */
export class PEMReader {
  private readonly kind: PEMKind;
  private readonly maxBytes: number;
  private bytes = new Uint8Array(FIRST_BYTES);
  private length = 0;
  private label: string | undefined; // of the current block
  private otherLabel: string | undefined; // of an ignored block
  private start = 0; // of the block, in `bytes`
  private held = 0; // bits of a byte that is not complete
  private bits = 0;
  private flaw: string | undefined;
  /** Blocks of its kind. */
  blocks = 0;

  constructor(kind: PEMKind, maxBytes: number) {
    this.kind = kind;
    this.maxBytes = maxBytes;
  }

  /** Between BEGIN and END. */
  get isInside(): boolean {
    return this.label !== undefined;
  }

  take(line: string): void {
    const text = line.trim();
    if (text.startsWith(BEGIN)) this.begin(text.slice(BEGIN.length, text.indexOf(DASHES, BEGIN.length)));
    else if (this.label === undefined) return;
    else if (text === `${END}${this.label}${DASHES}`) this.end();
    else if (text.includes("ENCRYPTED")) this.encrypted();
    else if (this.label.endsWith(this.kind)) this.decode(text);
  }

  /**
   * After the last line: the blocks in DER, a view into memory that `wipe` overwrites. @throws PEMError if there is none, or
   * one is damaged or encrypted
   */
  finish(): Uint8Array {
    if (this.label !== undefined) this.fail(`${BEGIN}${this.label.slice(0, 40)}: has no end`);
    if (this.flaw !== undefined) throw new PEMError(this.flaw);
    if (this.blocks > 0) return this.bytes.subarray(0, this.length);
    const got = this.otherLabel === undefined ? "" : `got ${this.otherLabel.slice(0, 40)}, `;
    throw new PEMError(`${got}expected PEM: a block "${BEGIN}${this.kind}${DASHES}"`);
  }

  /** Overwrites the memory, which may contain a private key. */
  wipe(): void {
    this.bytes.fill(0);
    this.held = 0;
  }

  private begin(label: string): void {
    if (this.label !== undefined) this.fail(`${BEGIN}${this.label.slice(0, 40)}: has no end`);
    this.label = label;
    this.start = this.length;
    this.held = this.bits = 0;
    if (label.startsWith("ENCRYPTED")) this.encrypted();
  }

  private end(): void {
    const isOurs = this.label?.endsWith(this.kind);
    if (!isOurs) this.otherLabel = this.label;
    else {
      this.blocks += 1;
      const block = this.bytes.subarray(this.start, this.length);
      if (this.flaw === undefined && !isWhole(block)) this.flaw = DAMAGED;
    }
    this.label = undefined;
  }

  private encrypted(): void {
    this.fail("the key is encrypted, and a device has no password for it: decrypt it first");
  }

  /** The first fault counts: later ones may follow from it. */
  private fail(flaw: string): void {
    this.flaw ??= flaw;
  }

  /** Base64; blanks are ignored. */
  private decode(text: string): void {
    for (let n = 0; n < text.length; n++) {
      const code = text.charCodeAt(n);
      if (code <= 0x20 || code === 0x3d) continue;
      const value = DIGITS.indexOf(text[n]);
      if (value < 0) this.fail("the PEM block is not valid Base64");
      if (value < 0) return;
      this.held = ((this.held << 6) | value) & 0xffff;
      this.bits += 6;
      if (this.bits < 8) continue;
      this.bits -= 8;
      this.put(this.held >> this.bits);
    }
  }

  private put(byte: number): void {
    if (this.length === this.maxBytes) this.fail(`longer than ${this.maxBytes} bytes, the limit`);
    else {
      if (this.length === this.bytes.length) this.grow();
      this.bytes[this.length++] = byte;
    }
  }

  private grow(): void {
    const former = this.bytes;
    this.bytes = new Uint8Array(Math.min(2 * former.length, this.maxBytes));
    this.bytes.set(former);
    former.fill(0);
  }
}

/** The blocks in `text`, as with PEMReader. @throws PEMError */
export function fromPEM(text: string, kind: PEMKind): Uint8Array {
  const reader = new PEMReader(kind, FIRST_BYTES + text.length);
  text.split("\n").forEach((line) => reader.take(line));
  return reader.finish().slice();
}

/** Length of the DER element at the beginning of `bytes`: a SEQUENCE, X.690 §8.1. @throws PEMError if it is none, or cut off */
export function derLength(bytes: Uint8Array): number {
  const count = bytes[1] < 0x80 ? 0 : bytes[1] & 0x7f;
  let length = count === 0 ? bytes[1] : 0;
  for (let n = 0; n < count && n < 4; n++) length = length * 256 + bytes[2 + n];
  const end = 2 + count + length;
  if (bytes[0] !== 0x30 || count > 3 || !(end <= bytes.length)) throw new PEMError(DAMAGED);
  return end;
}

/** Exactly one DER element. */
function isWhole(block: Uint8Array): boolean {
  try {
    return derLength(block) === block.length;
  } catch {
    return false;
  }
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
