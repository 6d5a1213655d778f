/*
 * A whole session on an independent terminal: xterm.js renders the bytes as a person would see them.
 */
import { expect, test } from "vitest";
import { Device } from "./support/device.js";
import { Xterm } from "./support/xterm.js";

/** A device, and the terminal in front of it. */
class Desk {
  readonly #terminal = new Xterm();
  readonly device = new Device({ onWritten: (bytes) => this.#terminal.write(bytes) });

  /** Types, and looks at the screen. */
  async screen(text: string): Promise<string> {
    this.device.type(text);
    this.device.time.advance(100);
    await this.#terminal.drawn();
    return this.#terminal.text;
  }
}

const GREETING = "home-thermometer 1.0.0 (test). Type help for the commands.";

const screen = (...rows: string[]) => rows.join("\n");

test("first boot, setup with a wrong room and a typo, edits, log lines while typing, save, reboot: the settings are there", async () => {
  const desk = new Desk();
  expect(await desk.screen("")).toBe(screen(GREETING, "> |"));

  const asked = [
    GREETING,
    "> setup",
    "Enter keeps the value in brackets, - empties it, Ctrl-C ends.",
    "Readings go to home/<room>/temperature.",
    "room [livingroom]: kitchen/1",
    'error: room: got "kitchen/1", expected one topic level: 1 to 64 bytes, without /',
    " + # and control characters",
    "Readings go to home/<room>/temperature.",
  ];
  expect(await desk.screen("setup\rkitchen/1\r")).toBe(screen(...asked, "room [livingroom]: |"));
  await desk.screen("kitchen\rMy Wi-Fi\rcorrect horse\r");
  const setUp = [
    ...asked,
    "room [livingroom]: kitchen",
    "Name of the Wi-Fi network.",
    "wifi.ssid []: My Wi-Fi",
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
    "mqtt.qos (0, 1, 2) [1]: 2",
    "Time between two readings.",
    "interval [60]:",
    "  room            kitchen",
    "  wifi.ssid       My Wi-Fi",
    "  wifi.password   ********",
    "  mqtt.host       broker.local",
    "  mqtt.qos        2",
  ];
  expect(await desk.screen("broker.locla\x7f\x7fal\r\r\r\r2\r\r")).toBe(
    screen(...setUp, "save, and reboot? yes or no: |"),
  );
  expect(await desk.screen("no\r")).toBe(
    screen(...setUp, "save, and reboot? yes or no: no", "not saved; save or revert", "*> |"),
  );

  const edited = [
    "*> set room attic",
    "*> set intervall 5",
    "error: no such setting, did you mean interval?",
    "*> set interval fast",
    'error: interval: got "fast", expected a number from 0.01 to 86400 (s)',
  ];
  expect(await desk.screen("\x0cset romo\x7f\x7fom attic\rset intervall 5\rset interval fast\rset interval 5")).toBe(
    screen(...edited, "*> set interval 5|"),
  );
  desk.device.console.log("info", "home/livingroom/temperature 21.44");
  edited.push("home/livingroom/temperature 21.44");
  expect(await desk.screen("\x1b[D")).toBe(screen(...edited, "*> set interval |5"));
  desk.device.console.log("warn", "broker 10.0.0.1:1883: connection refused");
  edited.push("warn: broker 10.0.0.1:1883: connection refused");
  expect(await desk.screen("1")).toBe(screen(...edited, "*> set interval 1|5"));
  expect(await desk.screen("\rsave\r")).toBe(
    screen(
      ...edited,
      "*> set interval 15",
      "*> save",
      "saved: room, wifi.ssid, wifi.password, mqtt.host, mqtt.qos, interval",
      "in force after a reboot: room, mqtt.host, mqtt.qos",
      "> |",
    ),
  );

  const booted = ["> reboot", "rebooting", GREETING];
  expect(await desk.screen("\x0creboot\r")).toBe(screen(...booted, "> |"));
  // The column of the values depends on the longest key.
  const shown = (await desk.screen("show\r")).split("\n").map((row) => row.replace(/(?<=\S) {2,}/, "  "));
  const at = shown.indexOf("> show");
  expect(shown.slice(at, at + 3)).toEqual(["> show", "  room  attic", "  id  - (default)"]);
  for (const row of [
    "  wifi.ssid  My Wi-Fi",
    "  wifi.password  ********",
    "  mqtt.host  broker.local",
    "  mqtt.qos  2",
    "  interval  15 s",
  ]) {
    expect(shown).toContain(row);
  }
});
