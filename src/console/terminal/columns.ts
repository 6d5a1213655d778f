/*
 * Columns of a character on a terminal: 0 for marks on the one before, 2 for wide ones, otherwise 1. The table has blocks, not
 * single characters: terminals differ in the details, and a prompt needs no more.
 * Source: Unicode 15, EastAsianWidth.txt and DerivedGeneralCategory.txt (Mn, Me, Cf).
 */

/** First and last code point, columns; ascending. */
const RANGES: readonly number[] = Object.freeze([
  0x0300, 0x036f, 0, 0x0483, 0x0489, 0, 0x0591, 0x05bd, 0, 0x0610, 0x061a, 0, 0x064b, 0x065f, 0, 0x1100, 0x115f, 2,
  0x1ab0, 0x1aff, 0, 0x1dc0, 0x1dff, 0, 0x200b, 0x200f, 0, 0x202a, 0x202e, 0, 0x2060, 0x2064, 0, 0x20d0, 0x20ff, 0,
  0x2e80, 0x303e, 2, 0x3041, 0x33ff, 2, 0x3400, 0x4dbf, 2, 0x4e00, 0xa4cf, 2, 0xa960, 0xa97f, 2, 0xac00, 0xd7a3, 2,
  0xf900, 0xfaff, 2, 0xfe00, 0xfe0f, 0, 0xfe20, 0xfe2f, 0, 0xfe30, 0xfe6f, 2, 0xfeff, 0xfeff, 0, 0xff00, 0xff60, 2,
  0xffe0, 0xffe6, 2, 0x1f300, 0x1f64f, 2, 0x1f680, 0x1f6ff, 2, 0x1f900, 0x1f9ff, 2, 0x20000, 0x3fffd, 2, 0xe0100,
  0xe01ef, 0,
]);

/** Columns of the character `code`. */
export function columnsOf(code: number): number {
  if (code < RANGES[0]) return 1;
  for (let i = 0; i < RANGES.length && code >= RANGES[i]; i += 3) {
    if (code <= RANGES[i + 1]) return RANGES[i + 2];
  }
  return 1;
}
