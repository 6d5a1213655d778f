/*
 * Makes outside text safe to print: names of networks, a broker's texts, topics, stored settings, a command line. Characters
 * that control a terminal or are invisible are replaced by their escape notation, so that a person sees them. Printable text is
 * unchanged. Every output to a terminal or a log uses this. Pure.
 */

/**
 * Code points that control a terminal or are invisible: first and last of each range, ascending.
 * Source: Unicode 15, general categories Cc, Cs, Zl, Zp; properties Default_Ignorable_Code_Point, Bidi_Control and
 * Noncharacter_Code_Point (those of the planes beyond the first are in `isUnprintable`); FFF9 to FFFB annotate.
 */
const RANGES: readonly number[] = Object.freeze([
  0x0000, 0x001f, 0x007f, 0x009f, 0x00ad, 0x00ad, 0x034f, 0x034f, 0x061c, 0x061c, 0x115f, 0x1160, 0x17b4, 0x17b5,
  0x180b, 0x180f, 0x200b, 0x200f, 0x2028, 0x202e, 0x2060, 0x206f, 0x3164, 0x3164, 0xd800, 0xdfff, 0xfdd0, 0xfdef,
  0xfe00, 0xfe0f, 0xfeff, 0xfeff, 0xffa0, 0xffa0, 0xfff0, 0xfffb, 0x1bca0, 0x1bca3, 0x1d173, 0x1d17a, 0xe0000, 0xe0fff,
]);

/** Whether the code point must not be sent to a terminal. */
export function isUnprintable(code: number): boolean {
  if (isASCII(code)) return false;
  for (let i = 0; i < RANGES.length && code >= RANGES[i]; i += 2) {
    if (code <= RANGES[i + 1]) return true;
  }
  return (code & 0xfffe) === 0xfffe;
}

/** `text` on one line, with `\x1b`, `\u202e` or `\u{e0001}` in place of unprintable characters. */
export function printable(text: string): string {
  const length = text.length;
  let plain = 0; // nearly all lines are ASCII: no second copy of them
  while (plain < length && isASCII(text.charCodeAt(plain))) plain += 1;
  if (plain === length) return text;
  let shown = text.slice(0, plain);
  for (const character of text.slice(plain)) {
    const code = character.codePointAt(0)!;
    shown += isUnprintable(code) ? escaped(code) : character;
  }
  return shown;
}

function isASCII(code: number): boolean {
  return code >= 0x20 && code < 0x7f;
}

function escaped(code: number): string {
  const hex = code.toString(16);
  if (code <= 0xff) return `\\x${hex.padStart(2, "0")}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\u{${hex}}`;
}
