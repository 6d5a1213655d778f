/*
 * Bytes to keys: every way a terminal says Enter, erases or moves, and UTF-8 in any condition.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Key, KeyDecoder } from "../../src/console/keys.js";
import { decodeText, encodeText } from "../../src/console/utf8.js";

/** XS writes a NUL within a string as two bytes; no text of ours holds one. */
const withoutNul = fc.string({ unit: "binary" }).filter((text) => !text.includes("\0"));

/** The keys of some bytes; characters as themselves. */
function keysOf(bytes: Uint8Array | string): string[] {
  const keys: string[] = [];
  const decoder = new KeyDecoder({
    press: (key: Key, code) => keys.push(key === "character" ? String.fromCodePoint(code) : key),
  });
  for (const byte of typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes) decoder.feed(byte);
  return keys;
}

describe("keys", () => {
  const rows: readonly [string, string, string[]][] = [
    ["CR", "a\rb", ["a", "enter", "b"]],
    ["LF", "a\nb", ["a", "enter", "b"]],
    ["CRLF is one Enter", "a\r\nb", ["a", "enter", "b"]],
    ["CR CR is two", "\r\r", ["enter", "enter"]],
    ["LF CR is two", "\n\r", ["enter", "enter"]],
    ["CRLF CRLF is two", "\r\n\r\n", ["enter", "enter"]],
    ["both erase", "\x08\x7f", ["backspace", "backspace"]],
    [
      "control characters",
      "\x01\x02\x03\x05\x06\x09\x0b\x0c\x0e\x10\x15\x17",
      [
        "home",
        "left",
        "interrupt",
        "end",
        "right",
        "tab",
        "killToEnd",
        "clear",
        "down",
        "up",
        "killToStart",
        "killWord",
      ],
    ],
    ["control characters without a meaning", "a\x07\x1a\x1fb", ["a", "b"]],
    ["cursor keys", "\x1b[A\x1b[B\x1b[C\x1b[D", ["up", "down", "right", "left"]],
    [
      "cursor keys in application mode",
      "\x1bOA\x1bOB\x1bOC\x1bOD\x1bOH\x1bOF",
      ["up", "down", "right", "left", "home", "end"],
    ],
    ["Home and End, lettered", "\x1b[H\x1b[F", ["home", "end"]],
    ["Home and End, numbered", "\x1b[1~\x1b[4~\x1b[7~\x1b[8~", ["home", "end", "home", "end"]],
    ["Delete", "\x1b[3~", ["delete"]],
    ["with Ctrl or Shift", "\x1b[1;5C\x1b[1;2D\x1b[3;5~", ["right", "left", "delete"]],
    ["keys without a meaning are skipped", "a\x1b[5~\x1b[15~\x1b[Zb", ["a", "b"]],
    ["Esc alone swallows nothing", "\x1bx\x1b\x1b[Ay", ["x", "up", "y"]],
    ["a sequence that never ends is given up", `\x1b[${"1".repeat(11)}x`, ["1", "1", "1", "x"]],
    ["Enter in the middle of a sequence is Enter", "\x1b[1\ra", ["enter", "a"]],
    [
      "Ctrl-C in the middle of a sequence is Ctrl-C",
      "\x1bO\x03\x1b[\x03\x1b\x03",
      ["interrupt", "interrupt", "interrupt"],
    ],
    ["UTF-8 of every length", "aé客😀", ["a", "é", "客", "😀"]],
  ];
  test.each(rows)("%s", (_name, bytes, keys) => {
    expect(keysOf(bytes)).toEqual(keys);
  });

  const broken: readonly [string, number[], string[]][] = [
    ["a continuation without a start", [0x80, 0x61], ["\ufffd", "a"]],
    ["a start without its continuation", [0xc3, 0x61], ["\ufffd", "a"]],
    ["cut off by Enter", [0xe5, 0xae, 0x0d], ["\ufffd", "enter"]],
    ["overlong", [0xe0, 0x80, 0xaf, 0x61], ["\ufffd", "a"]],
    ["a surrogate", [0xed, 0xa0, 0x80, 0x61], ["\ufffd", "a"]],
    ["beyond Unicode", [0xf4, 0x90, 0x80, 0x80, 0x61], ["\ufffd", "a"]],
    ["bytes that never occur", [0xc0, 0xff, 0x61], ["\ufffd", "\ufffd", "a"]],
    ["C1 controls are dropped: a terminal would obey their echo", [0xc2, 0x9b, 0x61], ["a"]],
  ];
  test.each(broken)("no UTF-8: %s", (_name, bytes, keys) => {
    expect(keysOf(Uint8Array.from(bytes))).toEqual(keys);
  });

  test("any text comes out as it went in", () => {
    const printable = withoutNul.filter((text) => !/[\x00-\x1f\x7f-\x9f]/.test(text));
    fc.assert(
      fc.property(printable, (text) => {
        expect(keysOf(text).join("")).toBe(text);
      }),
    );
  });

  test("an Enter is never lost behind three bytes of anything", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), (noise) => {
        // An escape sequence may take one byte more: Enter ends it, or follows it.
        expect(keysOf(Uint8Array.of(...noise, 0x0d, 0x0d))).toContain("enter");
      }),
    );
  });
});

describe("UTF-8 of whole texts", () => {
  test("decodes what is text as the Encoding Standard does, and anything at all without a throw", () => {
    fc.assert(
      fc.property(withoutNul, (text) => {
        const bytes = new TextEncoder().encode(text);
        expect(decodeText(bytes, 0, bytes.length)).toBe(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
      }),
    );
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void decodeText(bytes, 0, bytes.length)));
  });

  test("encodes as the Encoding Standard does, and cuts between characters", () => {
    fc.assert(
      fc.property(withoutNul, fc.nat(60), (text, room) => {
        const whole = new TextEncoder().encode(text);
        const bytes = new Uint8Array(room);
        const end = encodeText(bytes, 0, room, text);
        expect(bytes.subarray(0, end)).toEqual(whole.subarray(0, end));
        expect(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, end))).toBeTypeOf(
          "string",
        );
        if (whole.length <= room) expect(end).toBe(whole.length);
        else expect(end).toBeGreaterThan(room - 4);
      }),
    );
  });
});
