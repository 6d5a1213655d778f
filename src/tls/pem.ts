/*
 * PEM, as certificates and keys are handed around, to DER, as they are kept here; and back.
 * Source: RFC 7468.
 */

const BEGIN = "-----BEGIN ";
const END = "-----END ";
const DASHES = "-----";

/** What text to be taken as PEM is not. One line. */
export class PEMError extends Error {}

/** What a block must be called. */
export type PEMKind = "CERTIFICATE" | "PRIVATE KEY";

/**
 * The blocks of `text` whose label ends in `kind`, decoded, one behind the other; text around them and other blocks are passed over.
 * @throws PEMError if there is none, or one is damaged or encrypted
 */
export function fromPEM(text: string, kind: PEMKind): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (let at = text.indexOf(BEGIN); at >= 0; at = text.indexOf(BEGIN, at)) {
    const labelEnd = text.indexOf(DASHES, at + BEGIN.length);
    const label = text.slice(at + BEGIN.length, labelEnd);
    const end = labelEnd < 0 ? -1 : text.indexOf(`${END}${label}${DASHES}`, labelEnd);
    if (end < 0) throw new PEMError(`${BEGIN}${label.split("\n")[0].slice(0, 40)}: has no end`);
    const body = text.slice(labelEnd + DASHES.length, end);
    at = end;
    if (label.startsWith("ENCRYPTED") || body.includes("ENCRYPTED"))
      throw new PEMError("the key is encrypted, and a device has no password for it: decrypt it first");
    if (label.endsWith(kind)) blocks.push(block(body));
  }
  if (blocks.length === 0) throw new PEMError(`expected PEM: a block "${BEGIN}${kind}${DASHES}"`);
  const length = blocks.reduce((sum, one) => sum + one.length, 0);
  const bytes = new Uint8Array(length);
  let at = 0;
  blocks.forEach((one) => {
    bytes.set(one, at);
    at += one.length;
  });
  return bytes;
}

/** The certificates in `bytes`, DER one behind the other, as PEM. */
export function toPEM(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const end = at + derLength(bytes.subarray(at));
    text += `${BEGIN}CERTIFICATE${DASHES}\n${encode(bytes.subarray(at, end))}\n${END}CERTIFICATE${DASHES}\n`;
    at = end;
  }
  return text;
}

/** Bytes of the DER element that `bytes` begin with: a SEQUENCE, X.690 §8.1. @throws PEMError if it is none, or cut off */
export function derLength(bytes: Uint8Array): number {
  const count = bytes[1] < 0x80 ? 0 : bytes[1] & 0x7f;
  let length = count === 0 ? bytes[1] : 0;
  for (let n = 0; n < count && n < 4; n++) length = length * 256 + bytes[2 + n];
  const end = 2 + count + length;
  if (bytes[0] !== 0x30 || count > 3 || !(end <= bytes.length))
    throw new PEMError("what stands in the PEM block is damaged");
  return end;
}

function block(body: string): Uint8Array {
  const bytes = decode(body);
  if (derLength(bytes) !== bytes.length) throw new PEMError("what stands in the PEM block is damaged");
  return bytes;
}

/** Base64, blanks and line ends passed over. */
function decode(text: string): Uint8Array {
  const bytes = new Uint8Array((text.length * 3) >> 2);
  let at = 0;
  let bits = 0;
  let held = 0;
  for (let n = 0; n < text.length; n++) {
    const code = text.charCodeAt(n);
    if (code <= 0x20 || code === 0x3d) continue;
    const value = DIGITS.indexOf(text[n]);
    if (value < 0) throw new PEMError("the PEM block holds what is no Base64");
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = held >> bits;
  }
  return bytes.slice(0, at);
}

function encode(bytes: Uint8Array): string {
  let text = "";
  for (let n = 0; n < bytes.length; n += 3) {
    const word = (bytes[n] << 16) | ((bytes[n + 1] ?? 0) << 8) | (bytes[n + 2] ?? 0);
    const digits = [18, 12, 6, 0].map((shift) => DIGITS[(word >> shift) & 63]).join("");
    text +=
      n + 2 < bytes.length ? digits : `${digits.slice(0, bytes.length - n + 1)}${"=".repeat(3 - bytes.length + n)}`;
    if (n % 48 === 45 && n + 3 < bytes.length) text += "\n";
  }
  return text;
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
