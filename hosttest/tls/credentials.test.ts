/*
 * CA, client certificate and key at the prompt of a device: pasted, stored, and used by TLS; the key and the password never leave
 * the device. To check this, a recognisable secret is set, and everything that leaves the device is searched for it.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { MAX_LINE } from "../../src/console/terminal/line.js";
import type { TLSDemand, TLSFacts } from "../../src/tls/io.js";
import { fromPEM } from "../../src/tls/pem.js";
import { SimulatedDevice } from "../support/device-board.js";
import { House, START_UTC_MS } from "../support/house.js";
import { Certificates } from "./support/certificates.js";
import { pretendedTLS } from "./support/pretended.js";

const MINUTE = 60_000;
const certificates = new Certificates();
const root = certificates.make("Test Root", { isCA: true });
const device = certificates.make("device", { by: root, usage: "clientAuth" });
const PEM = {
  "mqtt.ca": readFileSync(root.certificate, "latin1"),
  "mqtt.cert": readFileSync(device.chain, "latin1"),
  "mqtt.key": readFileSync(device.key, "latin1"),
};
const PASSWORD = "tainted-password-of-the-broker";
const FACTS: TLSFacts = {
  version: "TLSv1.3",
  cipher: "TLS_AES_128_GCM_SHA256",
  name: "broker.test",
  endsMs: START_UTC_MS + 300 * 86_400_000,
  isResumed: false,
};

function tlsDevice(hasPublicCAs = true) {
  const demands: Pick<TLSDemand, "ca" | "certificate" | "key">[] = [];
  const one = new SimulatedDevice({
    house: new House(),
    defaults: { "mqtt.tls": "on", log: "debug" },
    hasPublicCAs,
    tls: (tcp) =>
      pretendedTLS(
        tcp,
        () => FACTS,
        ({ ca, certificate, key }) => demands.push({ ca, certificate, key }),
      ),
  });
  one.powerOn();
  one.house.time.advance(MINUTE);
  return { one, demands, time: one.house.time };
}

/** Pastes at the prompt; returns what the prompt prints. */
function paste(one: SimulatedDevice, key: string, pem: string): string {
  one.port.take();
  one.port.send(`set ${key}\n${pem}\n`);
  return one.port.take();
}

describe("pasted at the prompt", () => {
  test("TLS uses them from the next connection on, also after a reboot, and no longer when they are emptied", () => {
    const { one, demands, time } = tlsDevice();
    expect(demands.at(-1)).toEqual({ ca: undefined, certificate: undefined, key: undefined });
    for (const [key, pem] of Object.entries(PEM)) {
      const der = fromPEM(pem, key === "mqtt.key" ? "PRIVATE KEY" : "CERTIFICATE");
      const digest = createHash("sha256").update(der).digest("hex").slice(0, 16);
      expect(paste(one, key, pem)).toContain(`${key}: ${der.length} bytes, sha256 ${digest}\n`);
    }
    expect(one.type("save")).toContain("saved: mqtt.ca, mqtt.cert, mqtt.key");
    const wanted = {
      ca: fromPEM(PEM["mqtt.ca"], "CERTIFICATE"),
      certificate: fromPEM(PEM["mqtt.cert"], "CERTIFICATE"),
      key: fromPEM(PEM["mqtt.key"], "PRIVATE KEY"),
    };
    one.house.network.resetAll();
    time.advance(MINUTE);
    expect(demands.at(-1)).toEqual(wanted);
    one.reboot();
    time.advance(MINUTE);
    expect(demands.at(-1)).toEqual(wanted);
    expect(one.status("broker")).toContain("connected");
    one.set({ "mqtt.ca": "", "mqtt.cert": "", "mqtt.key": "" });
    one.house.network.resetAll();
    time.advance(MINUTE);
    expect(demands.at(-1)).toEqual({ ca: undefined, certificate: undefined, key: undefined });
  });

  test("on a terminal no pasted line is shown; after Ctrl-C, the next line is a command again", () => {
    const one = new SimulatedDevice({
      serial: { mode: "terminal" },
      tls: (tcp) => pretendedTLS(tcp, () => FACTS),
    }).powerOn();
    const lines = PEM["mqtt.key"].split("\n");
    one.port.send("set mqtt.key\r");
    for (const byte of lines.slice(0, 3).join("\r")) one.port.send(byte); // as a slow terminal sends them
    one.port.send("\r");
    one.port.send("\x03version\r");
    const printed = one.port.take();
    expect(printed).toContain("mqtt.key: paste it now; an empty line ends it, Ctrl-C cancels");
    expect(printed.replaceAll(/[ \b]+/g, " ")).toContain("mqtt.key: 0 lines 1 line 2 lines 3 lines ^C");
    expect(printed).toContain("home-thermometer 0.");
    for (const line of lines.slice(1, 3)) expect(printed).not.toContain(line.slice(0, 6));
    expect(one.firmware.settings.staged()).toEqual([]);
  });

  test("a paste with a line that is too long or not Base64 is refused, and its other lines are not run as commands", () => {
    const { one } = tlsDevice();
    const [begin, ...rest] = PEM["mqtt.ca"].split("\n");
    const long = paste(one, "mqtt.ca", [begin, "A".repeat(2 * MAX_LINE), ...rest].join("\n"));
    expect(long).toContain(`error: mqtt.ca: a pasted line is longer than ${MAX_LINE} characters`);
    const wrong = paste(one, "mqtt.ca", [begin, "reboot!", ...rest].join("\n"));
    expect(wrong).toContain("error: mqtt.ca: the PEM block is not valid Base64");
    expect(long + wrong).not.toMatch(/no such command|rebooting/);
    expect(one.firmware.settings.staged()).toEqual([]);
  });

  test("a board without TLS refuses them, and mqtt.tls", () => {
    const one = new SimulatedDevice().powerOn();
    expect(paste(one, "mqtt.ca", "")).toContain("error: mqtt.ca: is of no use, simulated has no TLS");
    expect(one.type("set mqtt.tls on")).toContain('mqtt.tls: got "on", but simulated has no TLS; leave it off');
  });

  test("a board without public CAs makes no connection before it has a CA or a pinned key, nor with a certificate without its key", () => {
    const { one, demands, time } = tlsDevice(false);
    expect(one.status("broker")).toContain("no CA is set: set mqtt.ca to the broker's CA, or mqtt.fingerprint");
    expect(demands).toEqual([]);
    paste(one, "mqtt.ca", PEM["mqtt.ca"]);
    paste(one, "mqtt.cert", PEM["mqtt.cert"]);
    one.type("save");
    time.advance(10 * MINUTE);
    expect(one.status("broker")).toContain("mqtt.cert and mqtt.key belong together: set both, or none");
    expect(one.house.messages).toEqual([]);
    paste(one, "mqtt.key", PEM["mqtt.key"]);
    one.type("save");
    time.advance(10 * MINUTE);
    expect(one.status("broker")).toContain("connected");
  });

  test("a factory reset leaves no byte of them on flash", () => {
    const { one, time } = tlsDevice();
    paste(one, "mqtt.key", PEM["mqtt.key"]);
    one.type("save");
    const secret = Buffer.from(fromPEM(PEM["mqtt.key"], "PRIVATE KEY")).subarray(40, 56);
    const isOnFlash = (): boolean => Buffer.from(one.settingsFlash.bytes).includes(secret);
    expect(isOnFlash()).toBe(true);
    one.type("factory-reset");
    one.type("erase");
    time.advance(MINUTE);
    expect(isOnFlash()).toBe(false);
  });
});

describe("what leaves the device", () => {
  const key = Buffer.from(fromPEM(PEM["mqtt.key"], "PRIVATE KEY"));
  /** What is searched for: 16 bytes of the key from every eighth byte on, in the forms in which they may be printed; and the password. */
  const forms = [PASSWORD, Buffer.from(PASSWORD).toString("base64").slice(0, 24)];
  for (let at = 36; at + 16 <= key.length; at += 8) {
    const part = key.subarray(at, at + 16);
    forms.push(part.toString("latin1"), part.toString("hex"));
  }
  for (const line of PEM["mqtt.key"].split("\n").slice(2, -2)) forms.push(line.slice(0, 20), line.slice(20, 40));

  /** Uses all secrets, and returns everything that leaves the device meanwhile. `leak`: an action in between that leaks one. */
  function allThatLeft(leak: (one: SimulatedDevice) => void = () => {}): string {
    const { one, time } = tlsDevice();
    const out: string[] = [];
    const take = (): void => void out.push(one.port.take());
    take();
    for (const [name, pem] of Object.entries(PEM)) out.push(paste(one, name, pem));
    out.push(paste(one, "mqtt.key", PEM["mqtt.key"].replace("\n", "\n*"))); // refused
    out.push(paste(one, "mqtt.ca", PEM["mqtt.key"])); // in the wrong place
    out.push(paste(one, "mqtt.key", PEM["mqtt.key"]));
    out.push(one.type(`set mqtt.user ann`), one.type(`set mqtt.password ${PASSWORD}`));
    out.push(one.type("show"), one.type("show mqtt.key"), one.type("save"), one.type("show"), one.type("status"));
    one.house.network.resetAll();
    leak(one);
    time.advance(5 * MINUTE);
    take();
    one.crash(new Error("something of the firmware"));
    time.advance(5 * MINUTE);
    out.push(one.type("status"), one.type("show mqtt.key"));
    one.reboot();
    time.advance(5 * MINUTE);
    take();
    expect(one.house.readings().length).toBeGreaterThan(10);
    const mqtt = one.house.messages.map(({ topic, payload }) => `${topic} ${payload}`);
    return [...out, ...one.traces, ...mqtt, ...one.house.retained.values(), ...one.restarts].join("\n");
  }
  const found = (text: string): string[] => forms.filter((form) => text.includes(form));

  test("contains neither key nor password: prompt, log, status, MQTT, crash note", () => {
    expect(found(allThatLeft())).toEqual([]);
  });

  test.each<[string, (one: SimulatedDevice) => void]>([
    ["a log line", (one) => one.firmware.log("debug", `key ${key.toString("hex")}`)],
    ["a crash note", (one) => one.crash(new Error(PEM["mqtt.key"].split("\n")[2].slice(0, 30)))],
    ["a topic", (one) => one.set({ room: PASSWORD, "mqtt.tls": "on" })],
  ])("a leak by %s would be found", (_what, leak) => {
    expect(found(allThatLeft(leak))).not.toEqual([]);
  });
});
