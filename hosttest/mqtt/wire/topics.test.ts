/*
 * Topic names, topic filters and their bytes: the standard's own examples first (§4.7), then properties.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkTopicFilter, checkTopicName, encodeTopicName, topicMatches } from "../../../src/mqtt/wire/topics.js";
import { decodeUTF8, encodeUTF8 } from "../../../src/mqtt/wire/utf8.js";

describe("matching", () => {
  test.each([
    ["sport/tennis/player1/#", "sport/tennis/player1", true],
    ["sport/tennis/player1/#", "sport/tennis/player1/ranking", true],
    ["sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true],
    ["sport/#", "sport", true],
    ["#", "anything/at/all", true],
    ["sport/tennis/+", "sport/tennis/player1", true],
    ["sport/tennis/+", "sport/tennis/player1/ranking", false],
    ["sport/+", "sport", false],
    ["sport/+", "sport/", true],
    ["+/+", "/finance", true],
    ["/+", "/finance", true],
    ["+", "/finance", false],
    ["#", "$SYS/broker", false],
    ["+/monitor/Clients", "$SYS/monitor/Clients", false],
    ["$SYS/#", "$SYS/monitor/Clients", true],
    ["$SYS/monitor/+", "$SYS/monitor/Clients", true],
    ["a/b", "a/b", true],
    ["a/b", "A/b", false],
    ["a//b", "a//b", true],
    ["a/+/b", "a//b", true],
    ["a/b", "a/b/", false],
  ])("%s and %s: %s", (filter, topic, expected) => {
    expect(topicMatches(filter, topic)).toBe(expected);
  });

  const level = fc.stringMatching(/^[a-c]{0,2}$/);
  const topic = fc.array(level, { minLength: 1, maxLength: 5 }).map((levels) => levels.join("/"));

  test("a topic matches itself, any of its levels as +, and any of its beginnings with #", () => {
    fc.assert(
      fc.property(topic, fc.nat(), (name, at) => {
        const levels = name.split("/");
        const n = at % levels.length;
        expect(topicMatches(name, name)).toBe(true);
        expect(topicMatches(levels.with(n, "+").join("/"), name)).toBe(true);
        expect(topicMatches([...levels.slice(0, n), "#"].join("/"), name)).toBe(true);
      }),
    );
  });

  test("as a regular expression written from §4.7 says", () => {
    const filter = fc
      .tuple(fc.array(fc.oneof(level, fc.constant("+")), { minLength: 1, maxLength: 5 }), fc.boolean())
      .map(([levels, isOpen]) => (isOpen ? [...levels, "#"] : levels).join("/"));
    fc.assert(
      fc.property(filter, topic, (wanted, name) => {
        const pattern = wanted.replaceAll("+", "[^/]*").replace(/\/#$/, "(/.*)?");
        expect(topicMatches(wanted, name)).toBe(new RegExp(`^${pattern}$`).test(name));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("checking", () => {
  test.each(["a", "/", "home/kitchen/temperature", "a b", "$SYS/x", "é/€/😀"])("name %s is allowed", (name) => {
    expect(checkTopicName(name)).toBeUndefined();
    expect(checkTopicFilter(name)).toBeUndefined();
  });

  test.each([
    ["", "empty topic (4.7.3-1)"],
    ["a/+", "wildcard in a topic name (4.7.1-1)"],
    ["a#", "wildcard in a topic name (4.7.1-1)"],
    ["a\0b", "U+0000 or half a surrogate pair in a topic (4.7.3-2, 1.5.3-2)"],
    ["a\ud800", "U+0000 or half a surrogate pair in a topic (1.5.3-1)"],
    ["\udc00a", "U+0000 or half a surrogate pair in a topic (1.5.3-1)"],
    ["x".repeat(65_536), "topic over 65,535 bytes (4.7.3-3)"],
    ["€".repeat(21_846), "topic over 65,535 bytes (4.7.3-3)"],
  ])("name %j: %s", (name, fault) => {
    expect(checkTopicName(name)).toBe(fault.replace(/ \(.*/, ""));
    expect(() => encodeTopicName(name)).toThrow(RangeError);
  });

  test.each(["#", "+", "a/#", "+/+/#", "/+", "+/tennis/#"])("filter %s is allowed", (filter) => {
    expect(checkTopicFilter(filter)).toBeUndefined();
  });

  test.each([
    ["sport/tennis#", "# must be the whole last level (4.7.1-2)"],
    ["sport/tennis/#/ranking", "# must be the whole last level (4.7.1-2)"],
    ["sport+", "+ must be a whole level (4.7.1-3)"],
    ["a/+b/c", "+ must be a whole level (4.7.1-3)"],
    ["", "empty topic (4.7.3-1)"],
    ["a/\0", "U+0000 or half a surrogate pair in a topic (4.7.3-2)"],
    ["x".repeat(65_536), "topic over 65,535 bytes (4.7.3-3)"],
  ])("filter %j: %s", (filter, fault) => {
    expect(checkTopicFilter(filter)).toBe(fault.replace(/ \(.*/, ""));
  });

  test("65,535 bytes are allowed (4.7.3-3)", () => {
    expect(checkTopicName("€".repeat(21_845))).toBeUndefined();
  });
});

describe("UTF-8", () => {
  test("encodes as Node does, and reads back (1.5.3-1)", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(encodeUTF8(text)).toEqual(new Uint8Array(Buffer.from(text)));
        expect(decodeUTF8(encodeUTF8(text))).toBe(text.includes("\0") ? undefined : text);
      }),
      { numRuns: 1_000 },
    );
  });

  test("decodes what a strict decoder decodes, U+0000 apart, and nothing else (1.5.3-1, 1.5.3-2, 1.5.3-3)", () => {
    const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    const lead = fc.constantFrom(
      0x41,
      0x80,
      0xbf,
      0xc0,
      0xc2,
      0xdf,
      0xe0,
      0xed,
      0xef,
      0xf0,
      0xf4,
      0xf5,
      0xff,
      0x9f,
      0xa0,
      0xbb,
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(lead, fc.integer({ min: 0, max: 255 })), { maxLength: 8 }), (values) => {
        const bytes = Uint8Array.from(values);
        let expected: string | undefined;
        try {
          expected = strict.decode(bytes);
        } catch {
          expected = undefined;
        }
        expect(decodeUTF8(bytes)).toBe(expected?.includes("\0") ? undefined : expected);
      }),
      { numRuns: 20_000 },
    );
  });

  test("every code point there is goes through and back", () => {
    for (let code = 1; code <= 0x10ffff; code += code < 0x3000 ? 1 : 97) {
      if (code >= 0xd800 && code <= 0xdfff) continue;
      const text = String.fromCodePoint(code);
      expect(decodeUTF8(encodeUTF8(text))).toBe(text);
    }
  });
});
