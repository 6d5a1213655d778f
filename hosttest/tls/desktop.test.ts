/* The desktop device, started by its command line, over TLS with a real mosquitto; a proxy in between records all bytes. */
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { workerProgram } from "../engine/build.js";
import { Collector } from "../support/collector.js";
import { DeviceProcess } from "../support/device.js";
import { Mosquitto } from "../support/processes/mosquitto.js";
import { freePort } from "../support/processes/ports.js";
import { temporaryFolder } from "../support/temporary.js";
import { Certificates, fingerprintOf } from "./support/certificates.js";
import { Wire } from "./support/wire.js";

const certificates = new Certificates();
const root = certificates.make("Root", { isCA: true });
const server = certificates.make("broker", { by: root, names: "IP:127.0.0.1", usage: "serverAuth" });
const client = certificates.make("kitchen", { by: root, usage: "clientAuth" });
const folder = temporaryFolder("thermometer-tls-");

/** On XS this is the device's own TLS, on mbedTLS (Debian: libmbedtls-dev). Where that is not installed, XS is left out, except on CI. */
const hasXS = (await workerProgram("tls")).kind === "built" || process.env.CI !== undefined;
const ENGINES: readonly (readonly string[])[] = hasXS ? [[], ["--engine", "xs"]] : [[]];

let broker: Mosquitto;
let port: number;
/** Port of a listener that requires a client certificate. */
let wanting: number;
let wire: Wire;
let image: string;
let chips = 0;
let device: DeviceProcess | undefined;

beforeAll(async () => {
  chmodSync(certificates.folder, 0o755);
  chmodSync(server.key, 0o644);
  port = await freePort();
  wanting = await freePort();
  const secured = `certfile ${server.chain}\nkeyfile ${server.key}\n`;
  const wants = `${secured}cafile ${root.certificate}\nrequire_certificate true\n`;
  broker = await Mosquitto.start(`listener ${port} 127.0.0.1\n${secured}listener ${wanting} 127.0.0.1\n${wants}`);
  wire = await Wire.to(port);
});

beforeEach(() => {
  image = join(folder, `${chips++}.flash`);
});

afterEach(async () => {
  await device?.kill();
  device = undefined;
});

afterAll(async () => {
  wire?.close();
  await broker?.close();
});

const start = (...options: string[]): DeviceProcess => {
  device = new DeviceProcess(["--flash", image, "--interval", "0.1", ...options]);
  return device;
};
const headless = (room: string, qos: number): string[] => [
  "--headless",
  "--broker",
  address(),
  "--ca",
  root.certificate,
  "--room",
  room,
  "--qos",
  `${qos}`,
];
const address = (): string => `mqtts://ann:secret-word@127.0.0.1:${wire.port}`;
const SECRETS = ["MQTT", "ann", "secret-word", "livingroom", "attic", "temperature"];

describe.each(ENGINES.map((engine) => ({ engine })))("over TLS $engine", ({ engine }) => {
  test.each([1, 2] as const)(
    "QoS %i: nothing is lost, nor doubled at 2, through kills of the device and restarts of the broker",
    async (qos) => {
      const room = `attic${qos}${engine.length}`;
      const collector = await Collector.start(broker.port, `home/${room}/temperature`);
      const options = [...headless(room, qos), ...engine];
      const arrived = (): number => new Set(collector.sequences).size;
      for (const count of [5, 10]) {
        const one = start(...options);
        await collector.untilTrue(() => arrived() >= count);
        await one.kill();
      }
      const one = start(...options);
      await collector.untilTrue(() => arrived() >= 15);
      await broker.stop();
      const taken = one.lines("reading").length;
      await one.until((it) => it.lines("reading").length >= taken + 5);
      await broker.start();
      await collector.untilTrue(() => arrived() >= 25);
      one.terminate();
      expect(await one.exit()).toBe(0);
      const last = start(...options, "--count", "1");
      expect(await last.exit()).toBe(0);
      const [next] = last.lines("reading seq=").map((line) => Number(/seq=(\d+)/.exec(line)?.[1]));
      await collector.untilTrue(() => arrived() > next);
      const sequences = [...new Set(collector.sequences)].sort((one, other) => one - other);
      expect(sequences).toEqual(Array.from({ length: next + 1 }, (_, at) => at));
      if (qos === 2) expect(collector.sequences).toHaveLength(next + 1);
      await collector.close();
      expect(wire.sentUp.length).toBeGreaterThan(4);
      expect(wire.clearText(SECRETS)).toEqual([]);
    },
  );

  test("QoS 0: readings arrive; the subscriber of the desktop uses TLS, too; status shows version, cipher and certificate", async () => {
    const one = start("--broker", address(), "--ca", root.certificate, "--qos", "0", ...engine);
    await one.until((it) => it.lines("home/livingroom/temperature ").length > 2);
    one.write("status\n");
    await one.until((it) => it.lines("uptime").length > 0);
    expect(one.lines("encryption")[0]).toMatch(
      /^encryption +TLSv1\.[23], TLS_\w+, certificate "broker" until \d{4}-\d\d-\d\d$/,
    );
    expect(wire.clearText(SECRETS)).toEqual([]);
  });

  test("QoS 0: at most once, through a kill of the device and a restart of the broker, after which it connects again", async () => {
    const room = `cellar${engine.length}`;
    const collector = await Collector.start(broker.port, `home/${room}/temperature`);
    const options = [...headless(room, 0), ...engine];
    const first = start(...options);
    await collector.untilTrue(() => collector.arrivals.length >= 3);
    await first.kill();
    const one = start(...options);
    await collector.untilTrue(() => collector.arrivals.length >= 6);
    await broker.stop();
    const taken = one.lines("reading").length;
    await one.until((it) => it.lines("reading").length >= taken + 3);
    const before = collector.arrivals.length;
    await broker.start();
    await collector.untilTrue(() => collector.arrivals.length >= before + 3);
    await one.kill();
    const readings = first.lines("reading").length + one.lines("reading").length;
    expect(collector.arrivals.length).toBeLessThanOrEqual(readings - 3); // those of the outage are dropped
    await collector.close();
    expect(wire.clearText(SECRETS)).toEqual([]);
  });

  test("with a pinned key; device and subscriber refuse another key, and none of their data is sent", async () => {
    const address = `127.0.0.1:${wire.port}`;
    const setup = (pin: string): string =>
      `set mqtt.host 127.0.0.1\nset mqtt.port ${wire.port}\nset mqtt.tls on\nset mqtt.fingerprint ${pin}\nset mqtt.user ann\nsave\nreboot\n`;
    const one = start(...engine);
    await one.until((it) => it.stdout.includes("subscribed to"));
    one.write(setup(fingerprintOf(root)));
    await one.until((it) => it.stdout.includes("TLS: its key is not the pinned one"));
    expect(one.stdout).toContain(`broker ${address}: TLS: its key is not the pinned one: another server answers`);
    one.write(setup(fingerprintOf(server)));
    await one.until((it) => it.stdout.includes(`connected to ${address}`) && it.stdout.includes(`at ${address}`));
    expect(wire.clearText(SECRETS)).toEqual([]);
  });

  test("CA, certificate and key pasted at the prompt: kept over a kill; for a wrong certificate the reason is shown", async () => {
    const at = `127.0.0.1:${wanting}`;
    const none = "-----BEGIN CERTIFICATE-----\nMAMCAQA=\n-----END CERTIFICATE-----\n";
    const paste = (key: string, pem: string): string => `set mqtt.${key}\n${pem}\n`;
    const file = (path: string): string => readFileSync(path, "latin1");
    const one = start(...engine);
    await one.until((it) => it.stdout.includes("subscribed to"));
    const where = `set mqtt.host 127.0.0.1\nset mqtt.port ${wanting}\nset mqtt.tls on\n`;
    one.write(`${where}${paste("ca", none)}save\nreboot\n`);
    await one.until((it) =>
      it.stdout.includes(`broker ${at}: TLS: the CA, certificate or key given here cannot be used`),
    );
    one.write(`${paste("ca", file(root.certificate))}save\n`);
    await one.until((it) => it.stdout.includes(`broker ${at}: TLS: the broker refuses this device's certificate`));
    one.write(`${paste("cert", file(client.chain))}${paste("key", file(client.key))}save\n`);
    await one.until((it) => it.stdout.includes(`connected to ${at}`));
    await one.kill();
    const two = start(...engine);
    await two.until((it) => it.stdout.includes(`connected to ${at}`) && it.stdout.includes(`at ${at}`));
    two.write("show mqtt.key\n");
    await two.until((it) => /mqtt\.key +\d+ bytes, sha256 [0-9a-f]{16}\n/.test(it.stdout));
    for (const line of file(client.key).split("\n").slice(1, -2))
      expect(one.stdout + two.stdout).not.toContain(line.slice(0, 20));
  });
});

describe("a file that cannot be used", () => {
  test.each([
    ["--ca", "nowhere.pem", /^--ca nowhere\.pem: ENOENT/],
    ["--ca", "key", /^--ca .*: got PRIVATE KEY, expected PEM: a block "-----BEGIN CERTIFICATE-----"/],
    ["--ca", "no certificate", /^--ca, --cert, --key: cannot be used: /],
  ])("%s %s: one line, exit code 2", async (option, what, message) => {
    const other = join(folder, "other.pem");
    writeFileSync(other, "-----BEGIN CERTIFICATE-----\nMAMCAQA=\n-----END CERTIFICATE-----\n");
    const file = what === "key" ? server.key : what === "no certificate" ? other : what;
    const one = start("--broker", address(), option, file);
    expect(await one.exit()).toBe(2);
    expect(one.stderr).toMatch(message);
    expect(one.stderr.trim().split("\n")).toHaveLength(1);
  });
});
