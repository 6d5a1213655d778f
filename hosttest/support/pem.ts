/* PEM that is whole and holds nothing of use: a SEQUENCE of any bytes. */

/** DER: `length` bytes in all, 4 more than 255. */
export function derOf(length: number, fill: number): Uint8Array {
  const bytes = new Uint8Array(length).map((_, at) => (at * fill * 7 + fill) & 0xff);
  bytes.set([0x30, 0x82, (length - 4) >> 8, (length - 4) & 0xff]);
  return bytes;
}

/** As openssl writes it. */
export function pemOf(label: string, ...blocks: readonly Uint8Array[]): string {
  const text = (bytes: Uint8Array): string =>
    (
      Buffer.from(bytes)
        .toString("base64")
        .match(/.{1,64}/g) ?? []
    ).join("\n");
  return blocks.map((bytes) => `-----BEGIN ${label}-----\n${text(bytes)}\n-----END ${label}-----\n`).join("");
}
