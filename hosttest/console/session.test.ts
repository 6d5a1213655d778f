/*
 * Sessions at the prompt: what a person sees on the screen, and what the device keeps.
 */
import { describe, expect, test } from "vitest";
import { Settings } from "../../src/settings/settings.js";
import { Device } from "./support/device.js";
import { GREETING, rows } from "./support/session.js";

describe("a session", () => {
  test("first boot: a greeting and a prompt", () => {
    const device = new Device();
    expect(device.screen.rows).toEqual([GREETING, ">"]);
    expect(device.screen.editedRow).toBe("> |");
  });

  test("an edit is marked until it is saved, and is in force after the reboot", () => {
    const device = new Device();
    device.type("set room attic\rshow room\rsave\rreboot\rset interval 5; save; show interval\r");
    expect(device.screen.rows).toEqual([
      GREETING,
      "> set room attic",
      "*> show room",
      "* room livingroom (default)  * edited: attic",
      "  Readings go to home/<room>/temperature.",
      "  Expects one topic level: 1 to 64 bytes, without / + # and control characters.",
      "  In force after a reboot.",
      "*> save",
      "saved: room",
      "in force after a reboot: room",
      "> reboot",
      "rebooting",
      GREETING,
      "> set interval 5; save; show interval",
      "saved: interval",
      "  interval 5 s",
      "  Time between two readings.",
      "  Expects a number from 0.01 to 86400 (s).",
      ">",
    ]);
    expect(device.settings.get("room")).toBe("attic");
  });

  test("setup asks for the settings of a new device, refuses invalid values, saves and reboots", () => {
    const device = new Device();
    device.type("setup\r");
    for (const answer of ["kitchen/1", "kitchen", "My Wi-Fi", "short", "correct horse", "broker.local", "", "", ""]) {
      device.type(`${answer}\r`);
    }
    device.type("3\r2\r\ry\r");
    expect(rows(device)).toEqual([
      "> setup",
      "Enter keeps the value in brackets, - empties it, Ctrl-C ends.",
      "Readings go to home/<room>/temperature.",
      "room [livingroom]: kitchen/1",
      'error: room: got "kitchen/1", expected one topic level: 1 to 64 bytes, without /',
      " + # and control characters",
      "Readings go to home/<room>/temperature.",
      "room [livingroom]: kitchen",
      "Name of the Wi-Fi network.",
      "wifi.ssid []: My Wi-Fi",
      "Password of the Wi-Fi network; empty: an open network.",
      "wifi.password []:",
      "error: wifi.password: got 5 bytes, expected 8 to 63 bytes, or 64 hexadecimal dig",
      "its, or nothing for an open network",
      "Password of the Wi-Fi network; empty: an open network.",
      "wifi.password []:",
      "The MQTT broker.",
      "mqtt.host []: broker.local",
      "The broker's TCP port; 0: 1883, with mqtt.tls 8883.",
      "mqtt.port [0]:",
      "User name at the broker; empty: none.",
      "mqtt.user []:",
      "Password at the broker; empty: none.",
      "mqtt.password []:",
      "0: may be lost, 1: arrives, perhaps twice, 2: arrives once.",
      "mqtt.qos (0, 1, 2) [1]: 3",
      'error: mqtt.qos: got "3", expected 0, 1 or 2',
      "0: may be lost, 1: arrives, perhaps twice, 2: arrives once.",
      "mqtt.qos (0, 1, 2) [1]: 2",
      "Time between two readings.",
      "interval [60]:",
      "  room            kitchen",
      "  wifi.ssid       My Wi-Fi",
      "  wifi.password   ********",
      "  mqtt.host       broker.local",
      "  mqtt.qos        2",
      "save, and reboot? yes or no: y",
      "saved; rebooting",
      GREETING,
      ">",
    ]);
    const kept = new Settings({ store: device.store });
    expect([kept.get("room"), kept.get("wifi.password"), kept.get("mqtt.qos")]).toEqual([
      "kitchen",
      "correct horse",
      2,
    ]);
  });

  test("a log line in the middle of typing appears above the line, which stays whole", () => {
    const device = new Device();
    device.type("set room att");
    device.console.log("warn", "wifi: connection lost");
    expect(rows(device)).toEqual(["warn: wifi: connection lost", "> set room att"]);
    expect(device.screen.editedRow).toBe("> set room att|");
    device.type("ic\r");
    expect(device.settings.staged()).toEqual(["room"]);
  });

  test("log lines beyond the level are not shown; log changes it for this run", () => {
    const device = new Device();
    device.console.log("debug", "unseen");
    device.type("log debug\r");
    device.console.log("debug", "seen");
    device.type("log off\r");
    device.console.log("error", "unseen");
    expect(rows(device)).toEqual(["> log debug", "debug: seen", "> log off", ">"]);
  });
});

describe("errors at the prompt", () => {
  test.each([
    ["sohw", "error: no such command, did you mean show?"],
    ["banana", "error: no such command"],
    ["set romo x", "error: no such setting, did you mean room?"],
    ["set room", 'error: room: expected a value ("show room" describes it)'],
    ["set room living room", 'error: room: a value with blanks needs quotes: set room "living room"'],
    ["set sensor tmp117, sht3x", 'error: sensor: a value with blanks needs quotes: set sensor "tmp117, sht3x"'],
    [
      "set sensor tmp117 sht3x",
      'error: sensor: got "tmp117 sht3x", expected auto, or drivers\' names (see sensors) with commas',
    ],
    ["set ntp a.b, c.d", 'error: ntp: a value with blanks needs quotes: set ntp "a.b, c.d"'],
    ["set ntp a.b c.d", 'error: ntp: got "a.b c.d", expected host names or IP addresses with commas between'],
    ["set interval 5 s", 'error: interval: got "5 s", expected a number from 0.01 to 86400 (s)'],
    ["set romo living room", "error: no such setting, did you mean room?"],
    ["set", "error: usage: set key [value]"],
    ['set room "attic', "error: a quote is not closed; nothing was done"],
    ["set room attic\\", "error: nothing follows the last backslash; nothing was done"],
    ["show qos", "error: no such setting, did you mean mqtt.qos?"],
    ["log loud", "error: no such level, expected off, error, warn, info, debug"],
    ["log debugg", "error: no such level, did you mean debug?"],
    ["queue peek 0", 'error: queue peek "0": expected 1 to 50'],
    ["help sett", "error: no such command, did you mean set?"],
    ["status now", "error: usage: status"],
    ["HELP SETT", "error: no such command, did you mean set?"],
    ["restart", "error: no such command, did you mean reboot?"],
    ["reset", "error: no such command, did you mean reboot, or factory-reset?"],
    ["ls", "error: no such command, did you mean show?"],
    ["constructor", "error: no such command"],
  ])("%s: %s", (line, message) => {
    const device = new Device();
    device.type(`${line}\r`);
    expect(device.screen.rows.join("")).toContain(`> ${line}${message}`);
  });

  test("commands, keys, levels and actions are taken in any case", () => {
    const device = new Device();
    device.type("SET Room attic; Set INTERVAL 5; LOG Debug; log; QUEUE Count; Show ROOM; Help SAVE\r");
    expect(device.settings.staged()).toEqual(["room", "interval"]);
    expect(rows(device).slice(1, -1)).toEqual([
      "debug",
      "3 readings wait",
      "* room livingroom (default)  * edited: attic",
      "  Readings go to home/<room>/temperature.",
      "  Expects one topic level: 1 to 64 bytes, without / + # and control characters.",
      "  In force after a reboot.",
      "save                         Saves the edits",
    ]);
    device.type("\x0cSHO\tROOM\t");
    expect(device.screen.editedRow).toMatch(/^\*> SHOW ROOM/i);
  });

  test("? is help; leaving is explained", () => {
    const device = new Device();
    device.type("help\r");
    const help = rows(device).slice(1);
    device.type("\x0c?\r");
    expect(device.screen.rows.slice(-help.length)).toEqual(help);
    for (const word of ["exit", "quit", "QUIT", "logout"]) {
      device.type(`\x0c${word}\r`);
      expect(device.screen.rows.join("")).toContain("error: nothing to exit, the device keeps running: close the");
    }
  });

  test("a password with blanks and no quotes: the remedy does not repeat it", () => {
    const device = new Device();
    device.type("set wifi.password correct horse battery\r\x1b[A");
    expect(rows(device).slice(1)).toEqual([
      'error: wifi.password: a value with blanks needs quotes: set wifi.password "…"',
      ">",
    ]);
    device.type("set wifi.pasword correct horse battery\r\x1b[A");
    expect(device.screen.editedRow).toBe("> |");
  });

  test("the first command that fails ends the line: nothing is saved behind a refused set", () => {
    const device = new Device();
    device.type("set interval 5; set room a/b; save\r");
    expect(rows(device).slice(-3)).toEqual(["nd control characters", "the rest of the line was not run", "*>"]);
    expect(device.store.writes).toBe(0);
  });

  test("a store that cannot save: save reports it, and the edit stays", () => {
    const device = new Device();
    device.store.write = () => {
      throw new Error("no space");
    };
    device.type("set room attic; save\r");
    expect(rows(device)).toEqual(["> set room attic; save", "error: no space", "*>"]);
  });
});

describe("secrets", () => {
  test("a password is asked for without echo, checked, kept, and never shown", () => {
    const device = new Device();
    device.type("set wifi.password\rhun");
    expect(device.screen.editedRow).toBe("wifi.password: |");
    device.type("ter2\rset wifi.password\rhunter22\rsave; show wifi.password\r\x1b[A\x1b[A\x1b[A");
    expect(rows(device).join("\n")).not.toContain("hunter");
    expect(rows(device)).toContain("  wifi.password ********");
    expect(device.screen.editedRow).toBe("> set wifi.password|");
    expect(device.settings.get("wifi.password")).toBe("hunter22");
  });

  test.each([
    "set wifi.password hunter22",
    "set  WIFI.password 'hunter22'",
    "wifi.password=hunter22",
    "set wifi.password=hunter22",
    "show wifi.password=hunter22",
    "version; set mqtt.password hunter22",
  ])("typed inline: %s: masked while it is typed, and in no history", (line) => {
    const device = new Device();
    for (const character of `version\r${line}`) device.type(character);
    expect(device.screen.rows.join("\n")).not.toMatch(/hunt/);
    device.type("\x1b[A\x1b[B\r\x1b[A");
    expect(device.screen.editedRow).toMatch(/^\*?> version\|$/);
    expect(device.port.written).not.toContain("hunter22");
  });

  test("a misspelt password key is in no history either", () => {
    const device = new Device();
    device.type("version\rset wifi.pasword hunter22\r\x1b[A");
    expect(device.screen.editedRow).toBe("> version|");
  });

  test("Ctrl-C ends the question and discards the input", () => {
    const device = new Device();
    device.type("set wifi.password\rhunter22\x03\r");
    expect(rows(device)).toEqual(["> set wifi.password", "wifi.password: ^C", ">", ">"]);
    expect(device.settings.staged()).toEqual([]);
  });
});

describe("without a terminal", () => {
  test("lines are run without echo, prompt or control character; questions take lines too", () => {
    const device = new Device({ mode: "lines" });
    device.type("set room attic\nset wifi.password\nhunter22\nsave\nreboot\nshow room\n\nbogus\n");
    expect(device.port.written).toBe(
      [
        "saved: room, wifi.password",
        "in force after a reboot: room",
        "rebooting",
        "  room attic",
        "  Readings go to home/<room>/temperature.",
        "  Expects one topic level: 1 to 64 bytes, without / + # and control characters.",
        "  In force after a reboot.",
        "error: no such command",
        "",
      ].join("\n"),
    );
    expect(device.settings.get("wifi.password")).toBe("hunter22");
  });

  test("log lines are printed in between", () => {
    const device = new Device({ mode: "lines" });
    device.type("vers");
    device.console.log("info", "reading 0: 21.44");
    device.type("ion\n");
    expect(device.port.written).toBe("reading 0: 21.44\nhome-thermometer 1.0.0 (test)\n");
  });
});
