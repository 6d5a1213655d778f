/* Valid PEM without useful content: a SEQUENCE of any bytes. On XS, too. */

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** DER: `length` bytes in all, more than 259. */
export function derOf(length: number, fill: number): Uint8Array {
  const bytes = new Uint8Array(length).map((_, at) => (at * fill * 7 + fill) & 0xff);
  bytes.set([0x30, 0x82, (length - 4) >> 8, (length - 4) & 0xff]);
  return bytes;
}

/** As openssl writes it: lines of 64 digits. */
export function pemOf(label: string, ...blocks: readonly Uint8Array[]): string {
  return blocks.map((bytes) => `-----BEGIN ${label}-----\n${base64(bytes)}-----END ${label}-----\n`).join("");
}

function base64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const word = (bytes[at] << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    const count = Math.min(3, bytes.length - at);
    for (let n = 0; n < 4; n++) text += n > count ? "=" : DIGITS[(word >> (18 - 6 * n)) & 63];
    if (at % 48 === 45 || at + 3 >= bytes.length) text += "\n";
  }
  return text;
}
