import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Chip } from "../../boards/desktop/chip.js";
import { Configuration } from "../../boards/desktop/configuration.js";
import { parseOptions, USAGE, UsageError } from "../../boards/desktop/options/options.js";
import { simulatedParts } from "../../boards/desktop/simulated-parts.js";
import { I2CBus } from "../../boards/parts/i2c/i2c-bus.js";
import { drivers } from "../../src/sensor/drivers.js";
import { SensorBus } from "../../src/sensor/probe.js";
import { Settings } from "../../src/settings/settings.js";
import { namesOf } from "../sensor/bench.js";
import { MemoryStore } from "../settings/memory-store.js";

const parse = (line: string) => parseOptions(line === "" ? [] : line.split(" "));
const refusal = (line: string): string => {
  try {
    parse(line);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  throw new Error(`${line}: was taken`);
};

describe("the desktop's command line", () => {
  test("the page lists every option that --help lists", () => {
    const page = readFileSync(new URL("../../boards/desktop/README.md", import.meta.url), "utf8");
    const names = [...USAGE.matchAll(/^ +(?:-\w, )?(--[\w-]+)/gm)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => !new RegExp(`${name}\\b`).test(page))).toEqual([]);
  });

  test("turns options into settings for this run", () => {
    const options = parse("--room kitchen --broker mqtt://ann:p%40ss@10.0.0.2:1884 --qos 2 --interval 0.05 --headless");
    expect(options.overrides).toEqual({
      room: "kitchen",
      "mqtt.host": "10.0.0.2",
      "mqtt.port": "1884",
      "mqtt.tls": "off",
      "mqtt.user": "ann",
      "mqtt.password": "p@ss",
      "mqtt.fingerprint": "",
      "mqtt.name": "",
      "mqtt.ca": "",
      "mqtt.cert": "",
      "mqtt.key": "",
      "mqtt.qos": "2",
      interval: "0.05",
    });
    expect(options.headless).toBe(true);
  });

  test("reports nothing about options that were not given", () => {
    expect(parse("")).toEqual({
      overrides: {},
      flash: undefined,
      ca: undefined,
      cert: undefined,
      key: undefined,
      count: undefined,
      onRequest: false,
      durationMs: undefined,
      headless: false,
      serial: "terminal",
      engine: "node",
      devices: 1,
      page: { port: 8419, isChosen: false },
      help: false,
    });
  });

  test("the page: its port, none, and what needs it", () => {
    expect(parse("--port 9000").page).toEqual({ port: 9000, isChosen: true });
    expect(parse("--no-page").page).toBeUndefined();
    expect(parse("--headless").page).toBeUndefined();
    expect(parse("--devices 3").devices).toBe(3);
  });

  test("takes the broker's usual port", () => {
    expect(parse("--broker mqtt://nas").overrides).toMatchObject({ "mqtt.host": "nas", "mqtt.port": "1883" });
    expect(parse("--broker mqtts://nas").overrides).toMatchObject({ "mqtt.port": "8883", "mqtt.tls": "on" });
  });

  test("with TLS: files for it, but not if they contradict --broker", () => {
    const files = { ca: "a.pem", cert: "b.pem", key: "c.pem" };
    expect(parse("--broker mqtts://nas --ca a.pem --cert b.pem --key c.pem")).toMatchObject(files);
    expect(parse("--ca a.pem")).toMatchObject({ ca: "a.pem" }); // mqtt.tls may be saved
  });

  test("takes a list of sensors, with blanks beside the commas as at the prompt", () => {
    const { overrides } = parseOptions(["--sensor", "sht3x, tmp117"]);
    expect(new Settings({ store: new MemoryStore(), overrides }).get("sensor")).toBe("sht3x,tmp117");
  });

  test("--help names every driver that there is, and which of them are simulated: each of these answers where it is", () => {
    const row = USAGE.split("\n").findIndex((line) => line.includes("--sensor"));
    const [, all, simulated] = /of (.*); simulated: (.*?) \(/.exec(
      USAGE.split("\n")
        .slice(row, row + 2)
        .join(" "),
    )!;
    expect(all.split(", ")).toEqual(drivers.map(({ name }) => name));
    const bus = new I2CBus();
    for (const { address, Part } of simulatedParts)
      bus.attach(address, new Part({ uptimeMs: () => 0, celsius: () => 20 }));
    const port = { io: bus.SMBus, data: bus.data, clock: bus.clock };
    expect(simulated.split(", ")).toEqual(simulatedParts.map(({ name }) => name));
    for (const name of simulated.split(", ")) {
      const { driver, sensor } = new SensorBus(port, name).open(name, []);
      sensor.close();
      expect(driver.name).toBe(name);
    }
  });

  test("counts, durations, and readings by request alone", () => {
    expect(parse("--on-request").onRequest).toBe(true);
    expect(parse("--count 100 --duration 2.5")).toMatchObject({ count: 100, durationMs: 2500 });
  });

  test.each([
    ["--qos 3", "--qos:"],
    ["--room a/b", "--room:"],
    ["--room +", "--room:"],
    ["--interval fast", "--interval:"],
    ["--sensor dht22", `--sensor: got "dht22", expected auto, ${namesOf()}`],
    ["--sensor ,", '--sensor: got ",", expected auto, or drivers'],
    ["--interval 0", "--interval:"],
    ["--broker mqtt://[::1]", "--broker: got "],
    ["--broker localhost", "--broker localhost: expected mqtt[s]://"],
    ["--broker http://localhost", "--broker http://localhost: expected mqtt[s]://"],
    ["--broker mqtt://localhost --ca a.pem", "--ca: needs TLS: --broker mqtts://"],
    ["--broker mqtts://localhost --cert a.pem", "--cert and --key: expected both, or none of them"],
    ["--ca=", "--ca: expected the name of a file"],
    ["--broker mqtt://host:99999", "--broker mqtt://host:99999: expected"],
    ["--broker mqtt://a%zz@host", "--broker mqtt://a%zz@host: expected"],
    ["--broker mqtt://host/topic", "--broker mqtt://host/topic: expected"],
    ["--engine v8", "--engine v8: expected node or xs"],
    ["--serial com1", "--serial com1: expected terminal or pty"],
    ["--serial pty --headless", "--serial pty: a headless run has no prompt"],
    ["--port 9000 --headless", "--port: this run has no page"],
    ["--port 0", "--port 0: expected a whole number from 1 to 65535"],
    ["--on-request --sleep", "--on-request: not with --sleep, which samples at intervals"],
    ["--devices 2 --no-page", "--devices: more than one device needs the page"],
    ["--devices 2 --engine xs", "--devices: only one with --engine xs"],
    ["--devices 9", "--devices 9: expected a whole number from 1 to 8"],
    ["--count 0", "--count 0: expected a whole number"],
    ["--count 1.5", "--count 1.5: expected a whole number"],
    ["--duration soon", "--duration soon: expected seconds"],
    ["--count -1", "--count -1: expected a whole number from 1"],
    ["--count=-1", "--count -1: expected a whole number from 1"],
    ["--interval -5", '--interval: got "-5", expected a number from 0.01'],
    ["--room --qos 1", "--room: expected a value"],
    ["--room", "--room: expected a value"],
    ["--headless=yes", "--headless: takes no value"],
    ["--rooom kitchen", "--rooom: no such option, did you mean --room?; --help lists the options"],
    ["--constructor 1", "--constructor: no such option; --help"],
    ["-x", "-x: no such option"],
    ["kitchen", "kitchen: expected an option"],
    ["--headless -- kitchen", "kitchen: expected an option"],
  ])("%s gives one clear line", (line, expected) => {
    const message = refusal(line);
    expect(message).toContain(expected);
    expect(message).not.toContain("\n");
  });

  test("an equals sign, the last of two, a value that begins with a dash, the short form", () => {
    expect(parse("--room=kitchen --qos=2 --qos 0").overrides).toEqual({ room: "kitchen", "mqtt.qos": "0" });
    expect(parse("--room=--attic --flash -x.flash")).toMatchObject({
      overrides: { room: "--attic" },
      flash: "-x.flash",
    });
    expect(parse("-h").help).toBe(true);
  });

  test("a wrong password is not repeated", () => {
    expect(refusal(`--broker mqtt://ann:${"x".repeat(200)}@host`)).not.toContain("xxx");
    expect(refusal("--broker http://ann:secret@host")).not.toContain("secret");
    expect(refusal("mqtt://ann:secret@host")).not.toContain("secret");
  });
});

describe("what is in force, while the power is cut", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "configuration-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test.each([
    { saved: "", names: false },
    { saved: "10.0.0.2", names: true },
  ])(
    "whether a broker is named (saved: '$saved') is still known: the page asks when its broker is stopped",
    ({ saved, names }) => {
      const chip = new Chip(join(folder, "a.flash"));
      const none = { ca: undefined, certificate: undefined, key: undefined };
      const configuration = new Configuration(chip, none, {}, {});
      const settings = new Settings({ store: chip.settings() });
      settings.set("mqtt.host", saved);
      settings.save();
      expect(configuration.namesBroker).toBe(names);
      chip.supply.off();
      chip.reset();
      expect(configuration.namesBroker).toBe(names);
      chip.close();
    },
  );
});
