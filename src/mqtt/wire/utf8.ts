/*
 * UTF-8 as MQTT requires it: well-formed, no surrogates, no U+0000. U+FEFF is a character and stays. Written here because XS
 * has TextEncoder only as an extra module. Short ASCII names are encoded by index, which takes a third of the time. Other texts
 * are encoded by character, never by index: in XS a character beyond U+FFFF is one unit, in other engines it is two.
 * Source: MQTT 3.1.1 §1.5.3; Unicode 15, table 3-7 (well-formed byte sequences).
 */

/** `text` in UTF-8. A lone surrogate becomes EF BF BD; texts for packets are checked with `isUnsayable` before. */
export function encodeUTF8(text: string): Uint8Array {
  const { length } = text;
  if (length > MAX_NAME) return encodeCharacters(text);
  const ascii = new Uint8Array(length);
  for (let n = 0; n < length; n++) {
    const code = text.charCodeAt(n);
    if (code > 0x7f) return encodeCharacters(text);
    ascii[n] = code;
  }
  return ascii;
}

/** Longer texts are encoded by character, because XS counts from the beginning for each index. */
const MAX_NAME = 128;

function encodeCharacters(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 4);
  let end = 0;
  for (const character of text) {
    let code = character.codePointAt(0) as number;
    if (code >> 11 === 27) code = 0xfffd; // D800 to DFFF: half a surrogate pair
    let more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3; // continuation bytes
    bytes[end++] = more ? (0x780 >> more) | (code >> (6 * more)) : code;
    while (more) bytes[end++] = 0x80 | ((code >> (6 * --more)) & 0x3f);
  }
  return bytes.slice(0, end);
}

/** The text in `bytes[start..end)`; undefined if it is ill-formed or contains U+0000 (§1.5.3: the receiver closes). */
export function decodeUTF8(bytes: Uint8Array, start = 0, end = bytes.length): string | undefined {
  let text = "";
  let at = start;
  while (at < end) {
    let code = bytes[at++];
    if (code === 0) return;
    if (code > 0x7f) {
      if (code < 0xc2 || code > 0xf4) return;
      const more = code < 0xe0 ? 1 : code < 0xf0 ? 2 : 3;
      code &= 0x3f >> more;
      for (let n = 0; n < more; n++) {
        const next = bytes[at++];
        if (at > end || next >> 6 !== 2) return;
        code = (code << 6) | (next & 0x3f);
      }
      // Overlong (one byte fewer would do), beyond Unicode, or a surrogate: not visible in the first byte alone.
      if (code >> (5 * more + 1) === 0 || code > 0x10ffff || code >> 11 === 27) return;
    }
    text += String.fromCodePoint(code);
  }
  return text;
}

/** Whether `text` has a surrogate without its other half, or U+0000. MQTT forbids both (§1.5.3-1, -2). */
export function isUnsayable(text: string): boolean {
  return /[\0\ud800-\udfff]/u.test(text);
}
