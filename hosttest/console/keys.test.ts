/*
 * Bytes to keys: every way in which a terminal sends Enter, erases or moves, and valid and invalid UTF-8.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeText, encodeText } from "../../src/console/port/utf8.js";
import { type Key, KeyDecoder } from "../../src/console/terminal/keys.js";

/** XS encodes a NUL in a string as two bytes; our texts have none. */
const withoutNul = fc.string({ unit: "binary" }).filter((text) => !text.includes("\0"));

/** The keys of some bursts of bytes, with a pause after each; characters are shown as they are. */
function keysOf(...bursts: (Uint8Array | string)[]): string[] {
  const keys: string[] = [];
  const decoder = new KeyDecoder({
    press: (key: Key, code) => keys.push(key === "character" ? String.fromCodePoint(code) : key),
  });
  for (const bytes of bursts) {
    for (const byte of typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes) decoder.feed(byte);
    if (decoder.patienceMs > 0) decoder.expire();
  }
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
    ["Alt with a cursor key", "\x1b\x1b[Ay", ["up", "y"]],
    ["with modifiers, old and new", "\x1bO5A\x1bO1;5B\x1b[1;2:3C", ["up", "down", "right"]],
    ["a sequence that never ends is over", `\x1b[${"1".repeat(18)}x`, ["1", "1", "x"]],
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

  /** Sequences of keys that have no meaning here, by the terminals that send them. */
  const unknown: readonly [string, string[]][] = [
    ["F1 to F5, Linux console, Cygwin", ["\x1b[[A", "\x1b[[B", "\x1b[[C", "\x1b[[D", "\x1b[[E"]],
    ["F1 to F4, xterm, Konsole, VTE, macOS", ["\x1bOP", "\x1bOQ", "\x1bOR", "\x1bOS"]],
    ["F1 with Shift, Konsole, VTE", ["\x1bO2P", "\x1bO1;2P", "\x1b[1;2P", "\x1b[1;5Q"]],
    ["F1 to F12, VT220, PuTTY", ["\x1b[11~", "\x1b[15~", "\x1b[24~", "\x1b[15;2~"]],
    ["F1, FreeBSD and SCO", ["\x1b[M", "\x1b[[", "\x1b[]", "\x1b[`"]],
    ["F1, Sun, AIX", ["\x1b[224z", "\x1b[001q"]],
    ["Shift and Ctrl, rxvt", ["\x1b[23$", "\x1b[3^", "\x1b[3@", "\x1bOa", "\x1b[a"]],
    ["F1, others", ["\x1b[OP", "\x1bp", "\x1bE"]],
    ["keypad, application mode", ["\x1bOM", "\x1bOj", "\x1bOy", "\x1b?p"]],
    ["Alt with a letter, a digit, ä, an emoji", ["\x1bf", "\x1b1", "\x1bä", "\x1b😀"]],
    ["kitty's protocol", ["\x1b[97;5u", "\x1b[57399;129:3u"]],
    ["focus, paste, mouse", ["\x1b[I", "\x1b[O", "\x1b[200~", "\x1b[201~", "\x1b[<0;10;20M"]],
    ["Insert, Page Up, Page Down, Shift-Tab", ["\x1b[2~", "\x1b[5~", "\x1b[6~", "\x1b[Z"]],
    ["cut off", ["\x1b", "\x1b[", "\x1bO", "\x1b[1;", "\x1bO2"]],
  ];
  test.each(unknown)(
    "a key without a meaning types nothing, and swallows nothing that is typed next: %s",
    (_name, all) => {
      for (const sequence of all) {
        expect(keysOf("a", sequence, "b"), JSON.stringify(sequence)).toEqual(["a", "b"]);
        expect(keysOf(`a${sequence}\rb`), JSON.stringify(sequence)).toEqual(["a", "enter", "b"]);
      }
    },
  );

  test("any key of any terminal: control sequences and bursts after an Esc type nothing", () => {
    const bytes = (from: number, to: number, length: number) =>
      fc.string({
        unit: fc.integer({ min: from, max: to }).map((code) => String.fromCharCode(code)),
        maxLength: length,
      });
    const final = fc.integer({ min: 0x40, max: 0x7e }).map((code) => String.fromCharCode(code));
    const control = fc.tuple(fc.constantFrom("[", "O"), bytes(0x30, 0x3f, 10), final).map((parts) => parts.join(""));
    const foreign = bytes(0x20, 0x7e, 8).filter((text) => !/^[[O]/.test(text));
    fc.assert(
      fc.property(fc.oneof(control, foreign), (rest) => {
        const keys = keysOf(`\x1b${rest}`, "x");
        expect(keys.filter((key) => key.length === 1)).toEqual(["x"]);
      }),
      { numRuns: 5_000 },
    );
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

  test("any text is decoded unchanged", () => {
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
