/*
 * UTF-8 as MQTT wants it: well-formed, no surrogates, no U+0000. U+FEFF is a character and stays.
 * Written out, because XS has no TextEncoder without a module of its own. Names are short: loops by character are cheap enough.
 * By character, never by index: to XS a character beyond U+FFFF is one unit, to other engines it is two.
 * Source: MQTT 3.1.1 §1.5.3; Unicode 15, table 3-7 (well-formed byte sequences).
 */

/** `text` in UTF-8. A lone surrogate becomes EF BF BD; `checkTopicName` and the client's options refuse it before. */
export function encodeUTF8(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 4);
  let end = 0;
  for (const character of text) {
    let code = character.codePointAt(0) as number;
    if (isSurrogate(code)) code = 0xfffd;
    if (code < 0x80) bytes[end++] = code;
    else {
      if (code < 0x800) bytes[end++] = 0xc0 | (code >> 6);
      else {
        if (code < 0x10000) bytes[end++] = 0xe0 | (code >> 12);
        else {
          bytes[end++] = 0xf0 | (code >> 18);
          bytes[end++] = 0x80 | ((code >> 12) & 0x3f);
        }
        bytes[end++] = 0x80 | ((code >> 6) & 0x3f);
      }
      bytes[end++] = 0x80 | (code & 0x3f);
    }
  }
  return bytes.slice(0, end);
}

/** The text in `bytes[start..end)`; undefined where it is ill-formed or holds U+0000 (§1.5.3: the receiver closes). */
export function decodeUTF8(bytes: Uint8Array, start = 0, end = bytes.length): string | undefined {
  let text = "";
  let at = start;
  while (at < end) {
    let code = bytes[at++];
    if (code === 0) return undefined;
    if (code >= 0x80) {
      const more = code < 0xc2 ? -1 : code < 0xe0 ? 1 : code < 0xf0 ? 2 : code < 0xf5 ? 3 : -1;
      if (more < 0 || at + more > end) return undefined;
      code &= 0x3f >> more;
      for (let n = 0; n < more; n++) {
        const next = bytes[at++];
        if ((next & 0xc0) !== 0x80) return undefined;
        code = (code << 6) | (next & 0x3f);
      }
      // Overlong, beyond Unicode, surrogate: the ranges that the first byte alone does not tell.
      if (code < SMALLEST[more] || code > 0x10ffff || isSurrogate(code)) return undefined;
    }
    text += String.fromCodePoint(code);
  }
  return text;
}

/** Has `text` a surrogate without its other half, or U+0000? Neither can be said in MQTT (§1.5.3-1, -2). */
export function isUnsayable(text: string): boolean {
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    if (code === 0 || isSurrogate(code)) return true;
  }
  return false;
}

const SMALLEST = [0, 0x80, 0x800, 0x10000]; // by continuation bytes

function isSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdfff;
}
