/*
 * Words, quotes and escapes of a line.
 */
import { expect, test } from "vitest";
import { splitWords } from "../../src/console/shell/words.js";

const lines: readonly [string, string[][]][] = [
  ["", []],
  ["  ", []],
  ["show", [["show"]]],
  ["  set  room\tattic ", [["set", "room", "attic"]]],
  ['set room "living room"', [["set", "room", "living room"]]],
  ["set room 'living room'", [["set", "room", "living room"]]],
  ["set room living\\ room", [["set", "room", "living room"]]],
  ['set x ""', [["set", "x", ""]]],
  ["set x ''", [["set", "x", ""]]],
  ['set x "a\\"b\\\\c"', [["set", "x", 'a"b\\c']]],
  ["set x 'a\\b\"c'", [["set", "x", 'a\\b"c']]],
  ['set x "a\\tb\\nc"', [["set", "x", "a\tb\nc"]]],
  ["set x it\\'s", [["set", "x", "it's"]]],
  ["set x a'b c'd", [["set", "x", "ab cd"]]],
  ["a; b c;d", [["a"], ["b", "c"], ["d"]]],
  [";;a;;", [["a"]]],
  ["set x 'a;b'; show", [["set", "x", "a;b"], ["show"]]],
  ["set x a\\;b", [["set", "x", "a;b"]]],
  ["set room Küche😀", [["set", "room", "Küche😀"]]],
];
test.each(lines)("%j", (line, commands) => {
  expect(splitWords(line)).toMatchObject({ commands, open: "nothing" });
});

test.each([
  ['set room "attic', "quote"],
  ["set room 'attic", "quote"],
  ["set room attic\\", "escape"],
  ['set room "attic\\"', "quote"],
])("%j is open: %s", (line, open) => {
  expect(splitWords(line).open).toBe(open);
});

test.each([
  ["", [""]],
  ["se", ["se"]],
  ["set ", ["set", ""]],
  ["set ro", ["set", "ro"]],
  ["show; set mq", ["set", "mq"]],
  ["show;", [""]],
])("the command that %j ends in", (line, current) => {
  expect(splitWords(line).current).toEqual(current);
});
