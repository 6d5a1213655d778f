/*
 * UTF-8 without TextEncoder: into a buffer for the output, and whole texts for Improv's frames.
 * Source: Unicode 15, table 3-7. Invalid UTF-8 is read as U+FFFD; a lone surrogate is written as that.
 */
const REPLACEMENT = 0xfffd;
/** The longest character. */
export const MAX_UTF8 = 4;

/** Writes `code` at `at`, where MAX_UTF8 bytes must be free; returns the position behind it. */
export function encodeInto(bytes: Uint8Array, at: number, code: number): number {
  if (code < 0x80) {
    bytes[at] = code;
    return at + 1;
  }
  if (code >= 0xd800 && code <= 0xdfff) return encodeInto(bytes, at, REPLACEMENT);
  const more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  bytes[at] = (more === 1 ? 0xc0 : more === 2 ? 0xe0 : 0xf0) | (code >> (6 * more));
  for (let i = 1; i <= more; i++) bytes[at + i] = 0x80 | ((code >> (6 * (more - i))) & 0x3f);
  return at + 1 + more;
}

/** Writes as many characters of `text` at `at` as fit before `end`, none in part; returns the position behind them. */
export function encodeText(bytes: Uint8Array, at: number, end: number, text: string): number {
  for (const character of text) {
    const code = character.codePointAt(0)!;
    const length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (at + length > end) break;
    at = encodeInto(bytes, at, code);
  }
  return at;
}

/** The text from `start` to `end`, the latter not included. */
export function decodeText(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; ) {
    const lead = bytes[at];
    const more = lead < 0x80 ? 0 : lead >= 0xc2 && lead < 0xe0 ? 1 : lead >= 0xe0 && lead < 0xf0 ? 2 : 3;
    let code = more === 0 ? lead : lead & (0x3f >> more);
    let length = 1;
    while (length <= more && at + length < end && (bytes[at + length] & 0xc0) === 0x80) {
      code = code * 64 + (bytes[at + length] & 0x3f);
      length += 1;
    }
    at += length;
    text += String.fromCodePoint(length === more + 1 && isCharacter(lead, code, more) ? code : REPLACEMENT);
  }
  return text;
}

function isCharacter(lead: number, code: number, more: number): boolean {
  if (more === 0) return true;
  if (lead < 0xc2 || lead > 0xf4) return false;
  const least = more === 1 ? 0x80 : more === 2 ? 0x800 : 0x10000;
  return code >= least && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}
