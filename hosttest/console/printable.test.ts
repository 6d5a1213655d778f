/*
 * Text from outside on its way to a terminal: only printable characters and our own sequences reach it.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isUnprintable, printable } from "../../src/console/port/printable.js";
import { Device } from "./support/device.js";
import { commandFrame, credentials } from "./support/improv-client.js";
import { anyText, foreignIn, STEERING } from "./support/unprintable.js";

const INVISIBLE = [
  ...["Cc", "Cs", "Zl", "Zp"],
  ...["Default_Ignorable_Code_Point", "Bidi_Control", "Noncharacter_Code_Point"],
];

describe("printable", () => {
  test("agrees with Unicode about every code point there is", () => {
    const invisible = new RegExp(`[${INVISIBLE.map((property) => `\\p{${property}}`).join("")}]`, "u"); // no literal: XS could not load it
    const wrong: string[] = [];
    for (let code = 0; code <= 0x10ffff; code++) {
      const isInvisible = invisible.test(String.fromCodePoint(code));
      const isAnnotation = code >= 0xfff9 && code <= 0xfffb;
      if (isUnprintable(code) !== (isInvisible || isAnnotation)) wrong.push(code.toString(16));
    }
    expect(wrong).toEqual([]);
  });

  test.each([
    ["plain ASCII ~", "plain ASCII ~"],
    ["21.44 °C, Küche, 客厅, 😀", "21.44 °C, Küche, 客厅, 😀"],
    ["\x1b[2J\x07\r\n\x7f", "\\x1b[2J\\x07\\x0d\\x0a\\x7f"],
    ["\u009b31m", "\\x9b31m"],
    ["abc\u202edef", "abc\\u202edef"],
    ["zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"],
    ["tag\u{e0041}", "tag\\u{e0041}"],
    ["half \ud83d", "half \\ud83d"],
  ])("%j is shown as %j", (text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  test("making a text printable twice does not change it again", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const shown = printable(text);
        expect(foreignIn(shown)).toEqual([]);
        expect(printable(shown)).toBe(shown);
      }),
    );
  });
});

/** What reached the terminal and is neither printable nor one of the prompt's own sequences: line breaks, backspaces, bell, erasing the screen. */
function foreignOn(device: Device): string[] {
  return foreignIn(device.port.written.replaceAll("\x1b[H\x1b[2J", "").replace(/[\r\n\b\x07]/g, ""));
}

describe("at the prompt, only printable characters and our own sequences reach the terminal", () => {
  const terminal = { improv: "offered", onWritten: () => {} } as const;

  test("from the air: names of networks, and reasons", () => {
    fc.assert(
      fc.property(fc.array(anyText, { maxLength: 5 }), anyText, fc.boolean(), (names, reason, fails) => {
        const device = new Device(terminal);
        device.networks = fails ? { failed: reason } : names.map((ssid, at) => ({ ssid, rssi: -at, secured: true }));
        device.type("scan\r");
        device.time.advance(20);
        expect(foreignOn(device)).toEqual([]);
      }),
    );
  });

  test("from a browser: a network's name, the device's name, shown by show and asked about by setup", () => {
    fc.assert(
      fc.property(anyText, anyText, (ssid, name) => {
        const device = new Device(terminal);
        const limited = [...ssid].slice(0, 8).join(""); // 32 bytes at most, and no character cut in two
        device.type(commandFrame(1, credentials(limited, "password")));
        device.time.advance(1_000);
        device.type(commandFrame(6, [...Buffer.from(name).subarray(0, 60)]));
        device.time.advance(1_000);
        device.port.take(); // frames are bytes, for the browser
        device.type("show\rsetup\r\r\r\r\r\r\r\r\r\r\r\r\x03reboot\ry\r");
        expect(foreignOn(device)).toEqual([]);
      }),
    );
  });

  test("from the log: brokers' reasons, topics, payloads", () => {
    fc.assert(
      fc.property(anyText, fc.constantFrom("terminal", "lines"), (text, mode) => {
        const device = new Device({ ...terminal, mode });
        device.console.log("error", `broker: refused: ${text}`);
        device.console.log("info", text);
        expect(foreignOn(device)).toEqual([]);
      }),
    );
  });

  test("typed and pasted, shown again by history, errors and edits", () => {
    fc.assert(
      fc.property(anyText, fc.boolean(), (text, isQuoted) => {
        const device = new Device(terminal);
        const value = isQuoted ? `"${text}"` : text;
        device.type(`set wifi.ssid ${value}\rset room ${value}\r${value}\rshow\r\x1b[A\x1b[A\x03setup\r${text}\r\x03`);
        expect(foreignOn(device)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test("each control sequence, one by one, in each of these places", () => {
    for (const steering of STEERING) {
      const device = new Device(terminal);
      device.settings.set("wifi.ssid", `a${steering}b`.replace("\0", "").slice(0, 8));
      device.networks = [{ ssid: `a${steering}b`, rssi: -50, secured: false }];
      device.console.log("warn", `a${steering}b`);
      device.type("scan\r");
      device.time.advance(20);
      device.type(`show\rsetup\r\r\r\x03`);
      device.type(`a${steering}b\r`);
      expect(foreignOn(device), JSON.stringify(steering)).toEqual([]);
    }
  });
});
