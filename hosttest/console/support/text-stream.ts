/*
 * Decodes bytes as they arrive: a character in two pieces is joined. It uses the console's own decoder, as XS has no other; the tests of
 * keys compare that with the Encoding Standard.
 */
import { decodeText } from "../../../src/console/port/utf8.js";

export class TextStream {
  #rest = new Uint8Array(0);

  /** The text of `bytes`, together with incomplete bytes from earlier calls. */
  decode(bytes: Uint8Array): string {
    const all = new Uint8Array(this.#rest.length + bytes.length);
    all.set(this.#rest);
    all.set(bytes, this.#rest.length);
    const end = all.length - missing(all);
    this.#rest = all.slice(end);
    return decodeText(all, 0, end);
  }
}

/** Number of bytes at the end that belong to an incomplete character. */
function missing(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back];
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return back < (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) ? back : 0;
  }
  return 0;
}
