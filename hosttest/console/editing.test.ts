/*
 * Editing a line at the prompt: keys, history, and completion by Tab.
 */
import { describe, expect, test } from "vitest";
import { commands } from "../../src/console/commands/all.js";
import { Device } from "./support/device.js";
import { rows } from "./support/session.js";

describe("keys at the prompt", () => {
  test.each([
    ["backspace, both kinds", "rooms\x7f\x08m", "> room|"],
    ["into the middle", "rom\x1b[Do", "> roo|m"],
    ["Home, End, Ctrl-A, Ctrl-E", "b\x1b[Ha\x05c\x01>", "> >|abc"],
    ["Delete and Ctrl-D", "abc\x01\x1b[3~\x04", "> |c"],
    ["Ctrl-U, Ctrl-K", "abcdef\x1b[D\x1b[D\x15\x06\x0b", "> e|"],
    ["Ctrl-W takes a word and the blanks behind it", "set room  \x17", "> set |"],
    ["UTF-8 is erased by the character", "Küche😀\x7f\x7f", "> Küch|"],
    ["erasing nothing", "\x7f\x1b[D\x1b[3~\x17\x15\x0b", "> |"],
  ])("%s", (_name, keys, row) => {
    const device = new Device();
    device.type(keys);
    expect(device.screen.editedRow).toBe(row);
  });

  test.each([
    ["F1 on the Linux console, in one piece", ["\x1b[[A"]],
    ["F1 on the Linux console, a byte at a time", ["\x1b", "[", "[", "A"]],
    ["F13 in Konsole", ["\x1bO2P"]],
    ["Alt-F", ["\x1bf"]],
    ["Esc alone, then a pause", ["\x1b", 50]],
    ["half a sequence, then a pause", ["\x1b[", 1_000]],
  ])("a key that means nothing types nothing, and what is typed next is there: %s", (_name, steps) => {
    const device = new Device();
    device.type("a");
    for (const step of steps) {
      if (typeof step === "number") device.time.advance(step);
      else device.type(step);
    }
    device.time.advance(50);
    device.type("x");
    expect(device.screen.editedRow).toBe("> ax|");
    device.console.close();
    expect(device.time.waiting).toBe(0);
  });

  test("CR, LF and CRLF end a line once", () => {
    const device = new Device();
    device.type("version\rversion\nversion\r\nversion\r");
    expect(rows(device).filter((row) => row === "> version")).toHaveLength(4);
    expect(rows(device)).toHaveLength(9);
  });

  test("Ctrl-C discards the line, Ctrl-L clears the screen and keeps it", () => {
    const device = new Device();
    device.type("factory-reset\x03sho\x0c");
    expect(device.screen.rows).toEqual(["> sho"]);
    expect(device.screen.editedRow).toBe("> sho|");
  });

  test("history: eight lines, back and forth, the draft at the end, a repetition once", () => {
    const device = new Device();
    for (let i = 0; i < 10; i++) device.type(`set interval ${i + 1}\r`);
    device.type("set interval 10\r");
    device.type(`draft${"\x1b[A".repeat(20)}`);
    expect(device.screen.editedRow).toBe("*> set interval 3|");
    device.type("\x1b[B".repeat(7));
    expect(device.screen.editedRow).toBe("*> set interval 10|");
    device.type("\x1b[B\x1b[B");
    expect(device.screen.editedRow).toBe("*> draft|");
  });

  test("history holds a KiB at most: long lines push older ones out, a single one fits", () => {
    const device = new Device();
    const long = (letter: string) => letter.repeat(239);
    device.type(
      `version\r${"ABCDE"
        .split("")
        .map((letter) => `${long(letter)}\r`)
        .join("")}`,
    );
    device.type("\x1b[A".repeat(9));
    expect(device.screen.editedRow).toContain("BBBB"); // four of them; the oldest, and version, are gone
    device.type(`\x03${"😀".repeat(240)}\r${"\x1b[A".repeat(9)}`);
    expect(device.screen.editedRow).toContain("😀");
  });

  test("Tab completes commands, keys and values, and shows the alternatives", () => {
    const device = new Device();
    device.type("ver\t");
    expect(device.screen.editedRow).toBe("> version |");
    device.type("\x15set out\t");
    expect(device.screen.editedRow).toBe("> set outbox.|");
    device.type("\t");
    expect(rows(device)).toEqual(["outbox.full  outbox.window", "> set outbox."]);
    device.type("f\td\t");
    expect(device.screen.editedRow).toBe("> set outbox.full dropOldest |");
    device.type("\x15revert; set mqtt.qos \t");
    expect(rows(device)).toEqual(["outbox.full  outbox.window", "0  1  2", "> revert; set mqtt.qos"]);
    device.type("\x15queue p\t");
    expect(device.screen.editedRow).toBe("> queue peek |");
    device.type("\x15nonsense x\t");
    expect(device.screen.editedRow).toBe("> nonsense x|");
  });

  test("Tab shows rows of whole names", () => {
    const device = new Device();
    device.type("\tset \t");
    const shown = rows(device).slice(0, -1);
    const named = shown.join("  ").split("  ");
    expect(named).toEqual([...commands.map(({ name }) => name), ...device.settings.keys]);
    for (const row of shown) expect(row.length).toBeLessThan(80);
  });

  test("a line that is too long rings, and is not executed", () => {
    const device = new Device();
    device.type(`set room ${"x".repeat(300)}; factory-reset\r`);
    expect(device.screen.bells).toBeGreaterThan(0);
    expect(rows(device).slice(-2)).toEqual(["error: a line has at most 240 characters; nothing was done", ">"]);
    expect(device.settings.staged()).toEqual([]);
  });
});
