import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyText, foreignIn, STEERING } from "../../console/support/unprintable.js";
import { Progress } from "./progress.js";
import { shownBytes, shownLines } from "./shown.js";

const TERMINAL = { isTTY: true };

describe("text from outside that a tool shows", () => {
  test("to a terminal, control characters are escaped; a pipe gets the bytes unchanged", () => {
    fc.assert(
      fc.property(fc.oneof(anyText.map(Buffer.from), fc.uint8Array().map(Buffer.from)), (bytes) => {
        expect(foreignIn(String(shownBytes(bytes, TERMINAL)))).toEqual([]);
        expect(shownBytes(bytes, {})).toBe(bytes);
      }),
    );
  });

  test("of another program's control characters, only line breaks stay", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(foreignIn(shownLines(text).replaceAll("\n", ""))).toEqual([]);
        expect(shownLines(text).split("\n")).toHaveLength(text.split("\n").length);
      }),
    );
    expect(shownLines("one\ntwo\n")).toBe("one\ntwo\n");
  });

  test("progress and its lines", () => {
    for (const isTTY of [true, false]) {
      let written = "";
      let nowMs = 0;
      const screen = { isTTY, columns: 10_000, write: (text: string) => (written += text) };
      const progress = new Progress(screen, () => nowMs);
      for (const steering of STEERING) {
        nowMs += 20_000;
        progress.show(() => `at ${steering}.`);
        progress.line(`the device said: ${steering}.`);
      }
      progress.end();
      expect(foreignIn(written.replaceAll("\r\x1b[K", "").replaceAll("\n", ""))).toEqual([]);
    }
  });
});
