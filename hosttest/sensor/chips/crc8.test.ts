import { expect, test } from "vitest";
import { crc8, isWordIntact } from "../../../src/sensor/chips/crc8.js";

test("the datasheet's example: 0xBEEF has the checksum 0x92", () => {
  expect(crc8(Uint8Array.of(0xbe, 0xef), 0, 2)).toBe(0x92);
});

test("more words with known checksums", () => {
  expect(crc8(Uint8Array.of(0x00, 0x00), 0, 2)).toBe(0x81);
  expect(crc8(Uint8Array.of(0xff, 0xff), 0, 2)).toBe(0xac);
});

test("the word is taken at the offset", () => {
  expect(isWordIntact(Uint8Array.of(1, 2, 3, 0xbe, 0xef, 0x92), 3)).toBe(true);
  expect(isWordIntact(Uint8Array.of(1, 2, 3, 0xbe, 0xef, 0x93), 3)).toBe(false);
});

test("every flip of one or two bits in word and checksum is seen, for a thousand words", () => {
  for (let word = 0; word < 0x10000; word += 65) {
    const sent = (word << 8) | crc8(Uint8Array.of(word >> 8, word & 0xff), 0, 2);
    for (let first = 0; first < 24; first++) {
      for (let second = first; second < 24; second++) {
        const got = sent ^ (1 << first) ^ (second === first ? 0 : 1 << second);
        if (isWordIntact(Uint8Array.of((got >> 16) & 0xff, (got >> 8) & 0xff, got & 0xff), 0))
          expect.fail(`word ${word}, bits ${first} and ${second}`);
      }
    }
  }
});
