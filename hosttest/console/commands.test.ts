/*
 * The commands of the device, at the prompt: what a person sees, and what the commands do.
 */
import { describe, expect, test } from "vitest";
import { commands } from "../../src/console/commands/all.js";
import { Settings } from "../../src/settings/settings.js";
import { Device } from "./support/device.js";

/** The rows behind the greeting. */
function rows(device: Device): string[] {
  return device.screen.rows.slice(1);
}

/** The rows of `show`, without those that continue a value. Its column depends on the longest key. */
function settingRows(device: Device): string[] {
  return rows(device)
    .slice(1, -1)
    .filter((row) => /^. \S/.test(row));
}

describe("commands of the device", () => {
  test("help lists every command on its own row, and explains one", () => {
    const device = new Device();
    device.type("help\r");
    const shown = rows(device).slice(1, -2);
    expect(shown.map((row) => row.split(" ")[0])).toEqual(commands.map(({ name }) => name));
    expect(commands.slice(0, 2).map(({ name }) => name)).toEqual(["help", "setup"]);
    for (const row of shown) expect(row.length).toBeLessThan(80);
    device.type("\x0chelp save\r");
    expect(device.screen.rows).toEqual(
      [">", "> help save", "save                         Saves the edits", ">"].slice(1),
    );
  });

  test("show lists every setting on its own row", () => {
    const device = new Device();
    device.type("show\r");
    expect(settingRows(device).map((row) => row.slice(2).split(" ")[0])).toEqual(device.settings.keys);
    for (const row of rows(device)) expect(row.length).toBeLessThan(80);
  });

  test("show key fits the row, for every key", () => {
    for (const key of new Settings({ store: new Device().store }).keys) {
      const device = new Device();
      device.type(`show ${key}\r`);
      for (const row of rows(device).slice(1)) expect(row, key).toMatch(/^(> ?|[ *] .*)$/);
    }
  });

  test("status, version", () => {
    const device = new Device();
    device.type("status; version\r");
    expect(rows(device)).toEqual([
      "> status; version",
      "sensor     21.44 °C, 2 s ago",
      "link       up, -60 dBm",
      "home-thermometer 1.0.0 (test)",
      ">",
    ]);
  });

  test("a command that takes a while: keys typed meanwhile wait until it ends", () => {
    const device = new Device();
    device.type("sample\rversion\r");
    expect(rows(device)).toEqual(["> sample"]);
    device.time.advance(10);
    expect(rows(device)).toEqual(["> sample", "21.44 °C", "> version", "home-thermometer 1.0.0 (test)", ">"]);
  });

  test("Ctrl-C ends a command that takes a while; its answer is ignored", () => {
    const device = new Device();
    device.type("sample; version\rabc\x03");
    device.time.advance(100);
    expect(rows(device)).toEqual(["> sample; version", "interrupted", ">"]);
    expect(device.time.waiting).toBe(0);
  });

  test("an answer that never comes is an error after a minute", () => {
    const device = new Device();
    device.answersAfterMs = undefined;
    device.type("sensors; version\r");
    device.time.advance(60_000);
    expect(rows(device)).toEqual(["> sensors; version", "error: no answer", "the rest of the line was not run", ">"]);
  });

  test("scan: the strongest first, each name once, names of strangers made harmless", () => {
    const device = new Device();
    device.networks = [
      { ssid: "home", rssi: -70, secured: true },
      { ssid: "caf\u001b[2Jé", rssi: -50, secured: false },
      { ssid: "home", rssi: -40, secured: true },
      { ssid: "", rssi: -30, secured: true },
    ];
    device.type("scan\r");
    device.time.advance(10);
    expect(rows(device)).toEqual(["> scan", " -40 dBm        home", " -50 dBm  open  caf\\x1b[2Jé", ">"]);
  });

  test("a scan that fails reports why", () => {
    const device = new Device();
    device.networks = { failed: "the radio is busy" };
    device.type("scan\r");
    device.time.advance(10);
    expect(rows(device)).toEqual(["> scan", "error: the radio is busy", ">"]);
  });

  test("queue: counted, shown, dropped when confirmed", () => {
    const device = new Device();
    device.type("queue\rqueue peek 2\rqueue drop\rno\rqueue drop\rdrop\rqueue peek\r");
    device.time.advance(10);
    expect(rows(device)).toEqual([
      "> queue",
      "3 readings wait",
      "> queue peek 2",
      "0 21.44",
      "1 21.45",
      "and 1 more",
      "> queue drop",
      "3 readings wait; they would never be delivered",
      "type drop to drop them: no",
      "nothing dropped",
      "> queue drop",
      "3 readings wait; they would never be delivered",
      "type drop to drop them: drop",
      "3 readings dropped",
      "> queue peek",
      "no reading waits",
      ">",
    ]);
  });

  test("queue drop of very many: a part at a time, each 5,000 reported; Ctrl-C keeps the rest", () => {
    const device = new Device();
    device.waiting = 12_100;
    device.type("queue drop\rdrop\r");
    expect(device.waiting).toBe(12_100);
    device.time.advance(600);
    expect(rows(device).slice(3)).toEqual([
      "5000 of 12100 dropped",
      "10000 of 12100 dropped",
      "12100 readings dropped",
      ">",
    ]);
    device.waiting = 12_100;
    device.type("queue drop\rdrop\r");
    device.time.advance(100);
    device.type("\x03queue\r");
    device.time.advance(600);
    expect(rows(device).slice(-4)).toEqual([
      "interrupted",
      "> queue",
      expect.stringMatching(/^9\d{3} readings wait$/),
      ">",
    ]);
    expect(device.waiting).toBeGreaterThan(9_000);
  });

  test("queue drop: readings sent or added while the question was open are not dropped", () => {
    const device = new Device();
    device.type("queue drop\r");
    device.gone = 2; // sent
    device.waiting = 1 + 8; // the third, and new ones
    device.type("drop\r");
    device.time.advance(10);
    expect(rows(device).slice(-2)).toEqual(["1 reading dropped; 2 readings settled before", ">"]);
    expect(device.waiting).toBe(8);
    device.type("queue drop\r");
    device.gone = 11;
    device.waiting = 4;
    device.type("drop\r");
    device.time.advance(10);
    expect(rows(device).slice(-2)).toEqual(["0 readings dropped; 8 readings settled before", ">"]);
    expect(device.waiting).toBe(4);
  });

  test("options of the start override settings in this run: save reports it, and show names the saved value", () => {
    const device = new Device({ overrides: { interval: "1", "mqtt.password": "given" } });
    device.type("show interval\r");
    expect(rows(device)[1]).toBe("  interval 1 s (this run only)");
    device.type("set interval 5; set room attic; save\r");
    expect(rows(device).slice(-4)).toEqual([
      "saved: room, interval",
      "in this run the command line's value stays in force: interval",
      "in force after a reboot: room",
      ">",
    ]);
    device.type("show interval; show mqtt.password\r");
    const last = rows(device);
    expect(last).toContain("  interval 1 s (this run only; saved: 5)");
    expect(last.join("\n")).not.toContain("given\n");
    expect(last).toContain("  mqtt.password ******** (this run only)");
  });

  describe("rows that are wider than the terminal", () => {
    const broker =
      "10.0.0.1:1883: tries again in 12 s; it acknowledges no reading, though it answers pings; last failure: no answer";
    const status = [["broker", broker]] as const;

    test("go on below their value, no word broken", () => {
      const device = new Device({ status });
      device.type("status\r");
      expect(rows(device).slice(3)).toEqual([
        "broker     10.0.0.1:1883: tries again in 12 s; it acknowledges no reading,",
        "           though it answers pings; last failure: no answer",
        ">",
      ]);
      device.type("set ntp a.example.org,b.example.org,c.example.org; show\r");
      expect(rows(device).join("\n")).toMatch(
        /\n\* ntp .*\(default\)\s{2,}\* edited:\s+a\.example\.org,[^*]*\n {2}log/s,
      );
      expect(device.screen.rows.every((row) => row.length < 80)).toBe(true);
    });

    test("are one line to a script", () => {
      const device = new Device({ status, mode: "lines" });
      device.port.send("status\n");
      expect(device.port.take()).toContain(`broker     ${broker}\n`);
    });
  });

  test("show: the values are in one column", () => {
    const device = new Device();
    device.type("show\r");
    const values = settingRows(device).map((row) => /^(. \S+ +)\S/.exec(row)?.[1].length);
    expect(new Set(values).size).toBe(1);
  });

  test("reboot with edits that are not saved asks first", () => {
    const device = new Device();
    device.type("set room attic\rreboot\rwhat\rreboot\rcancel\rreboot\ryes\r");
    expect(device.events).toEqual(["reboot"]);
    expect(device.settings.get("room")).toBe("attic");
    expect(rows(device).slice(1, 4)).toEqual([
      "*> reboot",
      "not saved: room",
      "save before the reboot? yes, no or cancel: what",
    ]);
    device.type("set room cellar\rreboot\rno\r");
    expect(device.settings.get("room")).toBe("attic");
  });

  test("factory-reset lists what it erases, and asks for confirmation by typing", () => {
    const device = new Device();
    device.type("set room attic; save\rfactory-reset\ryes\rfactory-reset\rerase\r");
    expect(rows(device).slice(3, -2)).toEqual([
      "> factory-reset",
      "erases all settings and 3 unsent readings; this cannot be undone",
      "type erase to go on: yes",
      "nothing erased",
      "> factory-reset",
      "erases all settings and 3 unsent readings; this cannot be undone",
      "type erase to go on: erase",
      "erasing: about 12 s per megabyte; then the device restarts",
    ]);
    expect(device.events).toEqual(["factory reset"]);
    expect(device.settings.get("room")).toBe("livingroom");
  });

  test("a reset that fails reports why, and the prompt is back", () => {
    const device = new Device();
    device.settings.factoryReset = () => {
      throw new Error("flash: erase failed");
    };
    device.type("factory-reset\rerase\rversion\r");
    expect(rows(device).slice(3)).toEqual([
      "erasing: about 12 s per megabyte; then the device restarts",
      "error: flash: erase failed",
      "> version",
      "home-thermometer 1.0.0 (test)",
      ">",
    ]);
  });
});

test("a long listing is printed line by line as the port accepts it, and later commands of the line wait for its end", () => {
  const device = new Device({ room: 64 });
  const { port, settings } = device;
  const state = settings.state.bind(settings);
  let rowsMade = 0;
  settings.state = (key) => {
    rowsMade += 1;
    return state(key);
  };
  device.type("show; version\r");
  expect(rowsMade).toBeLessThan(settings.keys.length / 2);
  for (let turns = 0; turns < 100; turns++) port.announce(64);
  expect(rowsMade).toBe(settings.keys.length);
  expect(rows(device).at(-2)).toBe("home-thermometer 1.0.0 (test)");
  expect(rows(device).at(-3)?.trim().split(" ")[0]).toBe(settings.keys[settings.keys.length - 1]);
});
