/* Printable ASCII as bytes, where that is sufficient: texts of a record in flash, a JSON message of our own. */

/** One byte per character; others than printable ASCII become a question mark. */
export function toASCII(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let n = 0; n < bytes.length; n++) {
    const code = text.charCodeAt(n);
    bytes[n] = code < 0x20 || code > 0x7e ? 0x3f : code;
  }
  return bytes;
}

/** The text in the first `length` bytes; undefined if it is not all ASCII. */
export function fromASCII(bytes: Uint8Array, length = bytes.length): string | undefined {
  let text = "";
  for (let n = 0; n < length; n++) {
    if (bytes[n] > 0x7e) return;
    text += String.fromCharCode(bytes[n]);
  }
  return text;
}

/** `bytes` as lower-case hexadecimal digits. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (let n = 0; n < bytes.length; n++) text += (256 + bytes[n]).toString(16).slice(1);
  return text;
}

/** The bytes for hexadecimal digits, which the caller has checked. */
export function fromHex(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length / 2);
  for (let n = 0; n < bytes.length; n++) bytes[n] = Number.parseInt(text.slice(2 * n, 2 * n + 2), 16);
  return bytes;
}
