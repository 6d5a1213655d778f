/*
 * Improv on the prompt's port: every command of the protocol, and a person who types at the same time.
 */
import { describe, expect, test } from "vitest";
import { Settings } from "../../src/settings/settings.js";
import { Device } from "./support/device.js";
import { commandFrame, credentials, frame, ImprovClient, type Received, resultOf } from "./support/improv-client.js";

const READY: Received = { type: 1, data: [2] };
const PROVISIONING: Received = { type: 1, data: [3] };
const PROVISIONED: Received = { type: 1, data: [4] };
const SILENCE_MS = 1_000; // a damaged frame is over by then
const error = (code: number): Received => ({ type: 2, data: [code] });

/** A device, and a browser that reads its output. */
function connect(mode?: "lines"): { device: Device; client: ImprovClient } {
  const client = new ImprovClient();
  const device = new Device({ improv: "offered", mode, onWritten: (bytes) => client.write(bytes) });
  return { device, client };
}

describe("commands", () => {
  test("state: ready; provisioned, and then the device's page", () => {
    const { device, client } = connect();
    device.type(commandFrame(2));
    expect(client.take()).toEqual([READY]);
    device.online = true;
    device.type(commandFrame(2));
    const [state, result] = client.take();
    expect(state).toEqual(PROVISIONED);
    expect(resultOf(result)).toEqual({ command: 2, strings: ["http://192.168.1.20"] });
  });

  test("device information", () => {
    const { device, client } = connect();
    device.type(commandFrame(3));
    expect(client.take().map(resultOf)).toEqual([
      { command: 3, strings: ["home-thermometer", "1.0.0", "test board", "livingroom"] },
    ]);
  });

  test("networks, one a result, the strongest first, an empty result at the end", () => {
    const { device, client } = connect();
    device.networks = [
      { ssid: "far", rssi: -80, secured: false },
      { ssid: "Küche 😀", rssi: -40, secured: true },
    ];
    device.type(commandFrame(4));
    device.time.advance(10);
    expect(client.take().map(resultOf)).toEqual([
      { command: 4, strings: ["Küche 😀", "-40", "YES"] },
      { command: 4, strings: ["far", "-80", "NO"] },
      { command: 4, strings: [] },
    ]);
  });

  test("a scan that fails is an error, and the next command clears it", () => {
    const { device, client } = connect();
    device.networks = { failed: "busy" };
    device.type(commandFrame(4));
    device.time.advance(10);
    device.type(commandFrame(2));
    expect(client.take()).toEqual([error(0xff), error(0), READY]);
  });

  test("Wi-Fi settings: provisioning, provisioned, the device's page; kept across a boot", () => {
    const { device, client } = connect();
    device.type(commandFrame(1, credentials("My Wi-Fi", "пароль 1")));
    expect(client.take()).toEqual([PROVISIONING]);
    device.type(commandFrame(2));
    expect(client.take()).toEqual([PROVISIONING]);
    device.time.advance(10);
    const [state, result] = client.take();
    expect(state).toEqual(PROVISIONED);
    expect(resultOf(result)).toEqual({ command: 1, strings: ["http://192.168.1.20"] });
    const kept = new Settings({ store: device.store });
    expect([kept.get("wifi.ssid"), kept.get("wifi.password")]).toEqual(["My Wi-Fi", "пароль 1"]);
  });

  test("a network that refuses the device, or never answers: unable to connect, and ready again", () => {
    const { device, client } = connect();
    device.accepts = false;
    device.type(commandFrame(1, credentials("home", "wrong password")));
    device.time.advance(10);
    expect(client.take()).toEqual([PROVISIONING, error(3), READY]);
    device.answersAfterMs = undefined;
    device.type(commandFrame(1, credentials("home", "wrong password")));
    device.time.advance(28_000);
    expect(client.take()).toEqual([error(0), PROVISIONING, error(3), READY]);
  });

  test("the error of a failed join remains during scans, which clients start while they show it", () => {
    const { device, client } = connect();
    device.accepts = false;
    device.type(commandFrame(1, credentials("home", "wrong password")));
    device.time.advance(10);
    client.take();
    device.type(commandFrame(4));
    device.time.advance(10);
    expect(client.take().map(resultOf)).toEqual([{ command: 4, strings: [] }]);
    device.type(commandFrame(2));
    expect(client.take()).toEqual([error(0), READY]);
  });

  test("an invalid password: unable to connect, nothing saved", () => {
    const { device, client } = connect();
    device.type(commandFrame(1, credentials("home", "short")));
    expect(client.take()).toEqual([PROVISIONING, error(3), READY]);
    expect(new Settings({ store: device.store }).get("wifi.password")).toBe("");
  });

  test("a second attempt replaces the first one", () => {
    const { device, client } = connect();
    device.answersAfterMs = 100;
    device.type(commandFrame(1, credentials("one", "password 1")));
    device.time.advance(50);
    device.type(commandFrame(1, credentials("two", "password 2")));
    device.time.advance(60);
    expect(client.take()).toEqual([PROVISIONING, PROVISIONING]);
    device.time.advance(60);
    expect(client.take()).toHaveLength(2);
    expect(device.time.waiting).toBe(0);
  });

  test("hostname and device name, read and changed; an invalid hostname is refused", () => {
    const { device, client } = connect();
    const text = (name: string) => [...new TextEncoder().encode(name)];
    device.type(commandFrame(6));
    device.type(commandFrame(6, text("attic")));
    device.type(commandFrame(5, text("attic-1")));
    device.type(commandFrame(5));
    expect(client.take().map(resultOf)).toEqual([
      { command: 6, strings: ["livingroom"] },
      { command: 6, strings: ["attic"] },
      { command: 5, strings: ["attic-1", ""] },
      { command: 5, strings: ["attic-1", ""] },
    ]);
    device.type(commandFrame(5, text("not a host")));
    device.type(commandFrame(6, text("a/b")));
    expect(client.take()).toEqual([error(5), error(0), error(0xff)]);
  });

  test("network state", () => {
    const { device, client } = connect();
    device.online = true;
    device.type(commandFrame(7));
    expect(client.take().map(resultOf)).toEqual([{ command: 7, strings: ["3", "http://192.168.1.20"] }]);
  });

  test("an unknown command, a wrong sum, lengths that do not add up: errors with the reason", () => {
    const { device, client } = connect();
    device.type(commandFrame(99));
    expect(client.take()).toEqual([error(2)]);
    const wrongSum = commandFrame(2);
    wrongSum[wrongSum.length - 2] ^= 1;
    device.type(wrongSum);
    expect(client.take()).toEqual([error(1)]);
    device.time.advance(SILENCE_MS);
    for (const data of [[], [2], [2, 1], [2, 0, 0], [1, 0], [1, 2, 5, 0], [1, 3, 1, 65, 1], [1, 4, 1, 65, 0, 0]]) {
      device.type(frame(3, data));
      expect(client.take().at(-1), JSON.stringify(data)).toEqual(error(1));
      device.time.advance(SILENCE_MS);
    }
  });

  test("frames that are not commands are ignored: a port may echo our own", () => {
    const { device, client } = connect();
    for (const type of [1, 2, 4]) device.type(frame(type, [4]));
    expect(client.take()).toEqual([]);
  });

  test("results of every length reach the client: a length of ten would look like a line feed to it", () => {
    const { device, client } = connect();
    for (let length = 1; length <= 23; length++) {
      device.settings.set("hostname", "h".repeat(length));
      device.settings.save();
      device.type(commandFrame(5));
      expect(resultOf(client.take()[0]).strings[0]).toBe("h".repeat(length));
    }
  });

  test("a name of any length fits a frame, cut between characters", () => {
    const { device, client } = connect();
    device.networks = [{ ssid: "😀".repeat(80), rssi: -1, secured: true }];
    device.type(commandFrame(4));
    device.time.advance(10);
    expect(resultOf(client.take()[0]).strings[0]).toBe("😀".repeat(63));
  });
});

describe("beside the prompt", () => {
  test("a frame in the middle of a line leaves the line, its cursor and the prompt alone", () => {
    const { device, client } = connect();
    device.type("set room attc\x1b[D");
    device.type(commandFrame(2));
    expect(client.take()).toEqual([READY]);
    device.type("i\r");
    expect(device.settings.state("room").staged).toBe("attic");
  });

  test("the line feed after a frame executes nothing; a real Enter a moment later does", () => {
    const { device } = connect();
    device.type("set room attic");
    device.type(commandFrame(2));
    expect(device.settings.staged()).toEqual([]);
    device.time.advance(100);
    device.type("\r");
    expect(device.settings.staged()).toEqual(["room"]);
  });

  test("a frame while a command waits is answered; keys typed around it are processed after the command", () => {
    const { device, client } = connect("lines");
    device.answersAfterMs = 1_000;
    device.type("sample\nvers");
    device.type(commandFrame(3));
    device.type("ion\n");
    expect(client.take()).toHaveLength(1);
    device.time.advance(1_000);
    expect(device.port.written).toContain("21.44 °C\nhome-thermometer 1.0.0 (test)\n");
  });

  test("a frame during the question for a password: neither disturbs the other", () => {
    const { device, client } = connect();
    device.type("set wifi.password\rhunt");
    device.type(commandFrame(3));
    device.type("er22\rsave\r");
    expect(client.take()).toHaveLength(1);
    expect(device.settings.get("wifi.password")).toBe("hunter22");
  });

  test("text that begins like a frame is text: at once when it continues differently, else after a moment", () => {
    const { device } = connect("lines");
    device.type("set room IMPROVE\nset id II\nset mqtt.user IMPRO");
    device.time.advance(60);
    device.type("\n");
    expect(["room", "id", "mqtt.user"].map((key) => device.settings.state(key).staged)).toEqual([
      "IMPROVE",
      "II",
      "IMPRO",
    ]);
  });

  test("a capital I is seen a moment later; other letters at once", () => {
    const device = new Device({ improv: "offered" });
    device.type("I");
    expect(device.screen.editedRow).toBe("> |");
    device.time.advance(60);
    expect(device.screen.editedRow).toBe("> I|");
    device.type("d");
    expect(device.screen.editedRow).toBe("> Id|");
  });

  test("half a frame times out, and the prompt continues", () => {
    const { device, client } = connect();
    for (const length of [7, 8, 9, 10]) {
      device.type(commandFrame(2).subarray(0, length));
      device.time.advance(1_000);
      device.type("version\r");
      device.type(commandFrame(2));
      expect(client.take(), `cut after ${length} bytes`).toEqual([READY]);
    }
    expect(device.port.written.split("home-thermometer 1.0.0 (test)")).toHaveLength(6);
    expect(device.time.waiting).toBeLessThanOrEqual(1);
  });

  test("a frame that arrives slowly, byte by byte, is a frame", () => {
    const { device, client } = connect();
    for (const byte of commandFrame(2)) {
      device.type(Uint8Array.of(byte));
      device.time.advance(50);
    }
    expect(client.take()).toEqual([READY]);
  });

  test("log lines and answers between frames: the client finds every frame", () => {
    const { device, client } = connect();
    for (let i = 0; i < 50; i++) {
      device.console.log("info", `reading ${i}: ${"x".repeat(i)}`);
      device.type(i % 2 === 0 ? "status\r" : "vers");
      device.type(commandFrame(2));
      expect(client.take()).toEqual([READY]);
      device.type("\x15");
    }
  });

  test("a product without Improv: the bytes are bytes like any other", () => {
    const device = new Device();
    device.type("set room IMPROV\r");
    expect(device.settings.state("room").staged).toBe("IMPROV");
  });
});

describe("a damaged frame with a password", () => {
  const PASSWORD = "correct horse";
  const join = commandFrame(1, credentials("home", PASSWORD));

  /** Whether any of it is shown, at once or from the line or the history, on a terminal or without one. */
  function leaks(bytes: Uint8Array): boolean {
    return [connect(), connect("lines")].some(({ device }) => {
      device.type(bytes);
      device.time.advance(SILENCE_MS);
      device.type("\x01\x05\r\x1b[A\x1b[A");
      return /correct|horse/.test(device.port.written);
    });
  }

  const changed = (at: number, ...bytes: number[]) =>
    Uint8Array.of(...join.subarray(0, at), ...bytes, ...join.subarray(at + 1));

  test("a byte changed in every way, lost or doubled anywhere: no letter of it is shown or in the line", () => {
    for (let at = 0; at < join.length; at++) {
      for (let bit = 0; bit < 8; bit++)
        expect(leaks(changed(at, join[at] ^ (1 << bit))), `bit ${bit} of ${at}`).toBe(false);
      expect(leaks(changed(at)), `without ${at}`).toBe(false);
      expect(leaks(changed(at, join[at], join[at])), `twice ${at}`).toBe(false);
    }
  });

  test("the beginning lost: not shown as long as type and command are there", () => {
    for (let lost = 1; lost <= 7; lost++) expect(leaks(join.subarray(lost)), `${lost} bytes`).toBe(false);
  });

  test("a good frame right after a damaged one is lost with it, and not shown; after a pause frames are answered again", () => {
    for (let length = 7; length < join.length; length++) {
      const { device, client } = connect();
      device.type(join.subarray(0, length));
      device.type(join);
      device.time.advance(SILENCE_MS);
      expect(device.port.written).not.toMatch(/correct|horse/);
      client.take();
      device.type(commandFrame(2));
      expect(client.take(), `cut after ${length}`).toContainEqual(length === join.length - 1 ? PROVISIONED : READY);
    }
  });

  test("half of it, while the port takes no answer: the wait is no silence, the rest is still its own", () => {
    const device = new Device({ improv: "offered", room: 64 });
    device.type(Uint8Array.of(...join.subarray(0, 16)));
    for (let i = 0; i < 20; i++) device.console.log("info", "a line that is not taken");
    device.type(join.subarray(16));
    device.time.advance(3_000);
    for (let i = 0; i < 100; i++) device.port.announce(64);
    device.time.advance(SILENCE_MS);
    for (let i = 0; i < 100; i++) device.port.announce(64);
    expect(device.port.written).not.toMatch(/correct|horse/);
    expect(device.settings.get("wifi.ssid")).toBe("home");
  });

  test("letters typed by hand, and Ctrl-C behind them, are keys", () => {
    const { device } = connect("lines");
    device.type("set room attic\rset room IMPRO");
    device.time.advance(120);
    device.type("\x03version\r");
    expect(device.port.written).toContain("home-thermometer 1.0.0");
    expect(device.settings.state("room").staged).toBe("attic");
  });
});
