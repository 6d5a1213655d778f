/*
 * The texts that a setting accepts, and the error messages for others.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nearest } from "../../src/settings/nearest.js";
import { formatValue, parseSetting, SettingError } from "../../src/settings/parse.js";
import { type Key, schema } from "../../src/settings/schema.js";
import { utf8Length } from "../../src/settings/texts.js";

describe("texts that are taken", () => {
  const rows: readonly [Key, string, unknown][] = [
    ["room", "kitchen", "kitchen"],
    ["room", "Küche im 1. Stock", "Küche im 1. Stock"],
    ["room", "客厅", "客厅"],
    ["interval", "0.05", 0.05],
    ["interval", "60", 60],
    ["interval", "86400", 86_400],
    ["offset", "-0.25", -0.25],
    ["offset", "+.5", 0.5],
    ["mqtt.qos", "2", 2],
    ["mqtt.port", "8883", 8883],
    ["mqtt.fingerprint", `${"A1:".repeat(31)}B2`, `${"a1".repeat(31)}b2`],
    ["mqtt.fingerprint", "", ""],
    ["mqtt.name", "Broker.LAN.", "broker.lan"],
    ["mqtt.tls", "ON", true],
    ["mqtt.tls", "no", false],
    ["mqtt.host", "broker.example.org", "broker.example.org"],
    ["mqtt.host", "192.168.1.10", "192.168.1.10"],
    ["mqtt.host", "NAS.Local.", "nas.local"],
    ["mqtt.host", "192.168.1.10.", "192.168.1.10"],
    ["ntp", "Pool.NTP.org.", "pool.ntp.org"],
    ["ntp", "192.168.1.1, Time.example.org.", "192.168.1.1,time.example.org"],
    ["ntp", "", ""],
    ["mqtt.host", "", ""],
    ["wifi.ssid", "Caffè  'n more; #1", "Caffè  'n more; #1"],
    ["wifi.password", "пароль", "пароль"],
    ["wifi.password", "", ""],
    ["wifi.password", "0123456789abcdef".repeat(4), "0123456789abcdef".repeat(4)],
    ["resolution", "auto", "auto"],
    ["resolution", "2", 2],
    ["outbox.full", "dropoldest", "dropOldest"],
    ["log", "debug", "debug"],
    ["hostname", "attic-2", "attic-2"],
    ["discovery", "off", false],
    ["discovery.prefix", "ha/discovery", "ha/discovery"],
  ];
  test.each(rows)("%s takes %j", (key, text, value) => {
    expect(parseSetting(key, text)).toBe(value);
  });
});

describe("texts that are refused, each with one line that has the key, the given text and the expected one", () => {
  const rows: readonly [string, string, string][] = [
    ["room", "a/b", 'room: got "a/b", expected one topic level: 1 to 64 bytes, without / + # and control characters'],
    ["room", "+", 'room: got "+", expected one topic level: 1 to 64 bytes, without / + # and control characters'],
    ["room", "", 'room: got "", expected one topic level: 1 to 64 bytes, without / + # and control characters'],
    [
      "room",
      "a\u0007",
      'room: got "a\\u0007", expected one topic level: 1 to 64 bytes, without / + # and control characters: U+0007 is a control character',
    ],
    [
      "room",
      "a\ufdd0",
      'room: got "a\ufdd0", expected one topic level: 1 to 64 bytes, without / + # and control characters: U+FDD0 is not a character',
    ],
    [
      "mqtt.user",
      "\u{1fffe}",
      'mqtt.user: got "\u{1fffe}", expected 64 bytes at most, without control characters: U+1FFFE is not a character',
    ],
    [
      "discovery.prefix",
      "a\u0085",
      'discovery.prefix: got "a\u0085", expected a topic: 1 to 64 bytes, without + # and control characters: U+0085 is a control character',
    ],
    [
      "discovery.prefix",
      "a//b",
      'discovery.prefix: got "a//b", expected a topic: 1 to 64 bytes, without + # and control characters',
    ],
    [
      "discovery.prefix",
      "ha/#",
      'discovery.prefix: got "ha/#", expected a topic: 1 to 64 bytes, without + # and control characters',
    ],
    [
      "mqtt.host",
      "fe80::1",
      'mqtt.host: got "fe80::1", expected a host name or an IP address alone (the port is mqtt.port): IPv6 is not supported, only IPv4 is',
    ],
    [
      "mqtt.host",
      "[::1]:1883",
      'mqtt.host: got "[::1]:1883", expected a host name or an IP address alone (the port is mqtt.port): IPv6 is not supported, only IPv4 is',
    ],
    [
      "ntp",
      "2001:db8::123",
      'ntp: got "2001:db8::123", expected host names or IP addresses with commas between them, or nothing: IPv6 is not supported, only IPv4 is',
    ],
    [
      "ntp",
      "a.example,,b.example",
      'ntp: got "a.example,,b.example", expected host names or IP addresses with commas between them, or nothing',
    ],
    ["mqtt.qos", "3", 'mqtt.qos: got "3", expected 0, 1 or 2'],
    ["interval", "soon", 'interval: got "soon", expected a number from 0.01 to 86400 (s)'],
    ["interval", "60s", 'interval: got "60s", expected a number from 0.01 to 86400 (s)'],
    ["interval", "0", 'interval: got "0", expected a number from 0.01 to 86400 (s)'],
    ["interval", "1e3", 'interval: got "1e3", expected a number from 0.01 to 86400 (s)'],
    ["interval", ".", 'interval: got ".", expected a number from 0.01 to 86400 (s)'],
    ["interval", "0.0515", 'interval: got "0.0515", expected a number from 0.01 to 86400 (s) with 3 decimals at most'],
    ["mqtt.port", "1883.5", 'mqtt.port: got "1883.5", expected a whole number from 0 to 65535'],
    ["mqtt.port", "-1", 'mqtt.port: got "-1", expected a whole number from 0 to 65535'],
    [
      "mqtt.fingerprint",
      "a1b2",
      'mqtt.fingerprint: got "a1b2", expected a SHA-256 in hexadecimal: 64 digits, colons between them or none; or nothing',
    ],
    [
      "mqtt.name",
      "10.0.0.256",
      'mqtt.name: got "10.0.0.256", expected a host name or an IP address alone, or nothing: an IP address is four numbers from 0 to 255, without leading zeros',
    ],
    ["mqtt.tls", "maybe", 'mqtt.tls: got "maybe", expected on or off'],
    [
      "mqtt.host",
      "mqtt://10.0.0.1:1883",
      'mqtt.host: got "mqtt://10.0.0.1:1883", expected a host name or an IP address alone (the port is mqtt.port)',
    ],
    [
      "mqtt.host",
      "broker:1883",
      'mqtt.host: got "broker:1883", expected a host name or an IP address alone (the port is mqtt.port)',
    ],
    [
      "mqtt.host",
      "192.168.1.300",
      'mqtt.host: got "192.168.1.300", expected a host name or an IP address alone (the port is mqtt.port): an IP address is four numbers from 0 to 255, without leading zeros',
    ],
    [
      "mqtt.host",
      "192.168.1",
      'mqtt.host: got "192.168.1", expected a host name or an IP address alone (the port is mqtt.port): an IP address is four numbers from 0 to 255, without leading zeros',
    ],
    [
      "mqtt.host",
      "10.0.0.256",
      'mqtt.host: got "10.0.0.256", expected a host name or an IP address alone (the port is mqtt.port): an IP address is four numbers from 0 to 255, without leading zeros',
    ],
    [
      "mqtt.host",
      "1.2.3.4.5",
      'mqtt.host: got "1.2.3.4.5", expected a host name or an IP address alone (the port is mqtt.port): an IP address is four numbers from 0 to 255, without leading zeros',
    ],
    [
      "mqtt.host",
      "192.168.001.010",
      'mqtt.host: got "192.168.001.010", expected a host name or an IP address alone (the port is mqtt.port): an IP address is four numbers from 0 to 255, without leading zeros',
    ],
    [
      "mqtt.host",
      "999",
      'mqtt.host: got "999", expected a host name or an IP address alone (the port is mqtt.port): an IP address is four numbers from 0 to 255, without leading zeros',
    ],
    [
      "mqtt.host",
      "broker.5",
      'mqtt.host: got "broker.5", expected a host name or an IP address alone (the port is mqtt.port): an IP address is four numbers from 0 to 255, without leading zeros',
    ],
    [
      "mqtt.host",
      "broker..lan",
      'mqtt.host: got "broker..lan", expected a host name or an IP address alone (the port is mqtt.port)',
    ],
    ["hostname", "-attic", 'hostname: got "-attic", expected letters, digits and - inside, 32 at most, or nothing'],
    ["id", "a b", 'id: got "a b", expected letters, digits, - and _, 23 at most, or nothing'],
    ["wifi.ssid", "é".repeat(17), `wifi.ssid: got "${"é".repeat(17)}", expected 32 bytes at most`],
    [
      "wifi.password",
      "hunter2",
      "wifi.password: got 7 bytes, expected 8 to 63 bytes, or 64 hexadecimal digits, or nothing for an open network",
    ],
    ["mqtt.user", "a\0b", "mqtt.user: got characters that are not UTF-8: set the terminal to UTF-8"],
    ["mqtt.user", "\ud800", "mqtt.user: got characters that are not UTF-8: set the terminal to UTF-8"],
    ["mqtt.user", "K\ufffdche", "mqtt.user: got characters that are not UTF-8: set the terminal to UTF-8"],
    ["rooom", "x", "rooom: no such setting, did you mean room?"],
    ["qos", "x", "qos: no such setting, did you mean mqtt.qos?"],
    ["wifi.pasword", "x", "wifi.pasword: no such setting, did you mean wifi.password?"],
    ["constructor", "x", 'constructor: no such setting ("show" lists them)'],
  ];
  test.each(rows)("%s does not take %j", (key, text, message) => {
    expect(() => parseSetting(key, text)).toThrow(new SettingError(key, message.slice(key.length + 2)));
  });

  test("a long wrong text is cut, and its length reported", () => {
    expect(() => parseSetting("room", "x".repeat(65))).toThrow(`room: got "${"x".repeat(40)}…" (65 bytes), expected`);
  });
});

describe("the schema", () => {
  test("every default is a text that its setting accepts, and is printed unchanged", () => {
    for (const setting of schema) expect(parseSetting(setting.key, formatValue(setting.default))).toBe(setting.default);
  });

  test("keys are unique, and only passwords are secret", () => {
    expect(new Set(schema.map((setting) => setting.key)).size).toBe(schema.length);
    expect(schema.filter((setting) => setting.secret).map((setting) => setting.key)).toEqual([
      "wifi.password",
      "mqtt.password",
      "mqtt.key",
    ]);
  });

  test("any text is taken or refused with one line, and what is taken survives text and back", () => {
    fc.assert(
      fc.property(fc.constantFrom(...schema), fc.string({ unit: "binary", maxLength: 80 }), (setting, text) => {
        try {
          const value = parseSetting(setting.key, text);
          expect(parseSetting(setting.key, formatValue(value))).toBe(value);
        } catch (error) {
          expect(error).toBeInstanceOf(SettingError);
          expect((error as Error).message).not.toMatch(/[\r\n]/);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("any number in range is taken as its own text", () => {
    for (const { key, type } of schema) {
      if (type.kind !== "number") continue;
      const unit = 10 ** type.decimals;
      const ticks = fc.integer({ min: Math.ceil(type.min * unit), max: Math.floor(type.max * unit) });
      fc.assert(
        fc.property(ticks, (tick) => {
          expect(parseSetting(key, formatValue(tick / unit))).toBe(tick / unit);
        }),
      );
    }
  });

  test("a secret is never in a message", () => {
    const secret = fc.string({ minLength: 70, maxLength: 90, unit: "grapheme-ascii" });
    fc.assert(
      fc.property(secret, (text) => {
        expect(() => parseSetting("wifi.password", text)).toThrow(`wifi.password: got ${utf8Length(text)} bytes,`);
      }),
    );
  });
});

describe("spelling help", () => {
  const names = ["room", "id", "interval", "mqtt.host", "mqtt.qos", "setup", "set", "show", "status"];
  test.each([
    ["rom", "room"],
    ["orom", "room"],
    ["intervall", "interval"],
    ["host", "mqtt.host"],
    ["stat", "status"],
    ["SHOW", "show"],
    ["SET", "set"],
    ["shwo", "show"],
    ["banana", undefined],
    ["", undefined],
  ])("%j: %j", (name, guess) => {
    expect(nearest(name, names)).toBe(guess);
  });
});
