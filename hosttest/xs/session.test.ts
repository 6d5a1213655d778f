/*
 * A whole session at the prompt of the unchanged firmware on XS: xterm.js renders the bytes, and the screens are what a
 * person sees.
 */
import { afterEach, expect } from "vitest";
import { VERSION } from "../../src/version.js";
import { Xterm } from "../console/support/xterm.js";
import { xsTest as test } from "./available.js";
import { Device } from "./device.js";

const LIMIT_MS = 20_000;

/** A device, and the terminal in front of it. */
class Desk {
  readonly #terminal = new Xterm();
  readonly device = new Device({ interval: "3600" });

  async open(): Promise<void> {
    this.device.typist.onWritten = (bytes) => this.#terminal.write(bytes);
    await this.device.start();
  }

  type(keys: string): void {
    this.device.typist.type(keys);
  }

  /** Waits until the screen shows these rows, and fails after LIMIT_MS. `|` is the cursor. */
  async shows(...rows: readonly string[]): Promise<void> {
    const wanted = rows.join("\n");
    const endMs = performance.now() + LIMIT_MS;
    while (this.#terminal.text !== wanted && performance.now() < endMs) {
      if (this.device.troubles.length > 0) throw new Error(this.device.troubles.join("; "));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(this.#terminal.text).toBe(wanted);
  }
}

const NAME = `home-thermometer ${VERSION} (bench on XS)`;
const GREETING = `${NAME}. Type help for the commands.`;
const NO_BROKER = "warn: no broker: set mqtt.host, save, reboot; readings are kept until then";

let desk: Desk;

afterEach(() => desk?.device.end());

test("first boot, setup with a wrong room, a typo, a wrong value, a log line while typing, save, reboot: the settings are there", async () => {
  desk = new Desk();
  await desk.open();
  await desk.shows(GREETING, NO_BROKER, "> |");

  desk.type("\x0csetup\rkitchen/1\rKüche\r\r1\ranna\rcorrect horse\r2\r\rno\r");
  await desk.shows(
    "> setup",
    "Enter keeps the value in brackets, - empties it, Ctrl-C ends.",
    "Readings go to home/<room>/temperature.",
    "room [livingroom]: kitchen/1",
    'error: room: got "kitchen/1", expected one topic level: 1 to 64 bytes, without /',
    " + # and control characters",
    "Readings go to home/<room>/temperature.",
    "room [livingroom]: Küche",
    "The MQTT broker.",
    "mqtt.host []:",
    "The broker's TCP port; 0: 1883, with mqtt.tls 8883.",
    "mqtt.port [0]: 1",
    "User name at the broker; empty: none.",
    "mqtt.user []: anna",
    "Password at the broker; empty: none.",
    "mqtt.password []:",
    "0: may be lost, 1: arrives, perhaps twice, 2: arrives once.",
    "mqtt.qos (0, 1, 2) [1]: 2",
    "Time between two readings.",
    "interval [3600]:",
    "  room            Küche",
    "  mqtt.port       1",
    "  mqtt.user       anna",
    "  mqtt.password   ********",
    "  mqtt.qos        2",
    "save, and reboot? yes or no: no",
    "not saved; save or revert",
    "*> |",
  );

  desk.type("\x0cset intervall 5\rset interval fast\rset romo\x7f\x7fom attic\rset interval 5");
  const edited = [
    "*> set intervall 5",
    "error: no such setting, did you mean interval?",
    "*> set interval fast",
    'error: interval: got "fast", expected a number from 0.01 to 86400 (s)',
    "*> set room attic",
  ];
  await desk.shows(...edited, "*> set interval 5|");
  desk.device.firmware.print("home/Küche/temperature 21.44");
  edited.push("home/Küche/temperature 21.44");
  await desk.shows(...edited, "*> set interval 5|");
  desk.type("\x1b[D1\rsave\r");
  await desk.shows(
    ...edited,
    "*> set interval 15",
    "*> save",
    "saved: room, mqtt.port, mqtt.user, mqtt.password, mqtt.qos, interval",
    "in force after a reboot: room, mqtt.port, mqtt.user, mqtt.password, mqtt.qos",
    "> |",
  );

  desk.type("\x0creboot\r");
  await desk.shows("> reboot", "rebooting", GREETING, NO_BROKER, "> |");
  desk.type("\x0cshow room; show interval; show mqtt.password\r");
  await desk.shows(
    "> show room; show interval; show mqtt.password",
    "  room attic",
    "  Readings go to home/<room>/temperature.",
    "  Expects one topic level: 1 to 64 bytes, without / + # and control characters.",
    "  In force after a reboot.",
    "  interval 15 s",
    "  Time between two readings.",
    "  Expects a number from 0.01 to 86400 (s).",
    "  mqtt.password ********",
    "  Password at the broker; empty: none.",
    "  Expects 128 bytes at most.",
    "  In force after a reboot.",
    "> |",
  );

  // The first letter of an Improv frame, and none follows: it was typed.
  desk.type("\x0cI");
  await desk.shows("> I|");
  desk.type("\x7fversion\r");
  await desk.shows("> version", NAME, "> |");
  expect(desk.device.typist.shown).not.toContain("correct horse");
});
