/* The ESP32 board and what all boards on the SDK share, on Node with stubs for the SDK's modules. */
import { describe, expect, test } from "vitest";
import type { Board } from "../../src/board.js";
import type { Resolver } from "../../src/mqtt/wire/io.js";
import { batteryVolts } from "../../src/power/battery.js";
import { Settings } from "../../src/settings/settings.js";
import { MemoryStore } from "../settings/memory-store.js";
import { Hardware, load } from "./sdk.js";

const BOARD = "boards/esp32/board.ts";
const WRAP_MS = 2 ** 32;

async function bootOn(hardware: Hardware): Promise<Board> {
  return (await load<{ board: Board }>(BOARD, hardware)).board;
}

const callbacks = { format: "buffer", onReadable() {}, onWritable() {} } as const;

test("the board knows its name, its address, its pins, its partitions and its namespace", async () => {
  const hardware = new Hardware();
  const board = await bootOn(hardware);
  board.openFlash();
  board.openSettings();
  board.openSettingsFlash?.();
  expect(board).toMatchObject({ name: "esp32", mac: "246f28abcdef", sensor: { data: 21, clock: 22 } });
  expect(hardware.partitions).toEqual(["outbox", "nvs"]);
  expect(hardware.namespaces).toEqual(["thermometer"]);
});

test("a board with one application slot takes no updates", async () => {
  const hardware = new Hardware();
  expect((await bootOn(hardware)).update).toBeUndefined();
  const { board } = hardware.config as { board: object };
  hardware.config = { board: { ...board, hasTwoSlots: true } };
  expect((await bootOn(hardware)).update).toMatchObject({ chip: "esp32" });
});

test("TLS uses the SDK's TCP, the engine in C, and a given CA: there are no public ones", async () => {
  const hardware = new Hardware();
  const opened: unknown[][] = [];
  hardware.native.xs_tls_open = (...given: unknown[]) => {
    opened.push(given);
    return undefined; // no memory
  };
  const board = await bootOn(hardware);
  const heard: string[] = [];
  const demand = {
    ca: Uint8Array.of(1),
    certificate: undefined,
    key: undefined,
    name: "broker.test",
    fingerprint: "",
    session: undefined,
    onHandshake: () => heard.push("handshake"),
    onSecured: () => heard.push("secured"),
    onRefused: ({ kind }: { kind: string }) => heard.push(kind),
  };
  const io = board.tls!.io as unknown as new (options: object) => object;
  new io({ ...board.tls, demand, host: "broker.test", address: "10.0.0.1", port: 8883, ...callbacks, onError() {} });
  const [{ options }] = hardware.tcpSockets;
  expect(options).toMatchObject({ address: "10.0.0.1", port: 8883 });
  options.onWritable(1_000);
  expect(opened).toEqual([[demand.ca, undefined, undefined, "broker.test", "", undefined]]);
  expect([heard, hardware.tcpSockets[0].isClosed, board.tls?.hasPublicCAs]).toEqual([
    ["handshake", "noMemory"],
    true,
    false,
  ]);
});

test("a boot does not switch the radio on, not even for the address", async () => {
  const hardware = new Hardware();
  hardware.native.xs_mac_address = () => "0123456789ab";
  expect((await bootOn(hardware)).mac).toBe("0123456789ab");
  expect(hardware.radios).toBe(0);
});

test("settings given to mcconfig, drivers and address are read on first use: a wake does not need them", async () => {
  const hardware = new Hardware();
  hardware.config.drivers = { bmp280: true };
  let asked = 0;
  hardware.native.xs_mac_address = () => `${asked++}`;
  const board = await bootOn(hardware);
  expect(new Set(hardware.configReads)).toEqual(new Set(["board", "prompt"]));
  expect([asked, hardware.imports]).toEqual([0, []]);
  expect(board.defaults).toEqual({});
  expect(board.drivers).toHaveLength(1);
  expect(hardware.configReads.length).toBeGreaterThan(20);
});

test("deep sleep uses the chip's functions: cause, memory, clock, the firmware's id, the button's pin", async () => {
  const hardware = new Hardware();
  const asked: unknown[][] = [];
  const note = (name: string, answer?: unknown): void => {
    hardware.native[name] = (...given: unknown[]) => {
      asked.push([name, ...given]);
      return answer;
    };
  };
  note("xs_deep_sleep");
  note("xs_rtc_memory_read");
  note("xs_rtc_memory_write");
  note("xs_slow_clock", 1234.5);
  note("xs_firmware_id", Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8).buffer);
  const { sleep } = await bootOn(hardware);
  const sleeper = new sleep!.io(sleep!);
  const bytes = Uint8Array.of(9);
  sleeper.writeMemory(bytes);
  sleeper.readMemory(bytes);
  expect(sleeper.slowClockMs()).toBe(1234.5);
  expect([...sleeper.firmware]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  sleeper.sleep(60_000);
  new sleep!.io({}).sleep(1);
  expect(asked.filter(([name]) => !/clock|id$/.test(String(name)))).toEqual([
    ["xs_rtc_memory_write", bytes, 0],
    ["xs_rtc_memory_read", bytes, 0],
    ["xs_deep_sleep", 60_000, 0],
    ["xs_deep_sleep", 1, -1],
  ]);
});

test("a divider in the manifest: the SDK's input at its pin, whose highest value is 2.45 V; without one there is no battery", async () => {
  const hardware = new Hardware();
  expect((await bootOn(hardware)).battery).toBeUndefined();
  Object.assign(hardware.config.board as object, { battery: { pin: 2, ratio: 2, low: 3.3 } });
  const { battery } = await bootOn(hardware);
  hardware.analog = 4095;
  expect(batteryVolts(battery!)).toBe(4.9);
  expect([battery, hardware.analogPins]).toMatchObject([{ pin: 2, low: 3.3 }, []]);
  new battery!.io({ pin: battery!.pin });
  expect(hardware.analogPins).toEqual([2]);
});

test.each(["reset", "timer", "button", "other"] as const)("what woke it: %s", async (cause) => {
  const hardware = new Hardware();
  hardware.native.xs_wake_cause = () => ["reset", "timer", "button", "other"].indexOf(cause);
  const { sleep } = await bootOn(hardware);
  expect(new sleep!.io({}).cause).toBe(cause);
});

test("ticks that wrap and are negative: the uptime continues", async () => {
  const hardware = new Hardware();
  const { clock } = await bootOn(hardware);
  hardware.ticks = 0x7fff_ffff;
  expect(clock.uptimeMs()).toBe(0x7fff_ffff);
  hardware.ticks = -1; // 2^32 - 1
  expect(clock.uptimeMs()).toBe(WRAP_MS - 1);
  hardware.ticks = 5;
  expect(clock.uptimeMs()).toBe(WRAP_MS + 5);
  hardware.ticks = 4;
  expect(clock.uptimeMs()).toBe(2 * WRAP_MS + 4);
});

test("the wall clock is unknown until it is set, keeps its milliseconds, and survives a wrap of the ticks", async () => {
  const hardware = new Hardware();
  const { clock, setUtc } = await bootOn(hardware);
  expect(clock.utcMs()).toBeUndefined();
  hardware.ticks = -1000;
  setUtc(1_750_000_000_123);
  expect(hardware.seconds).toBe(1_750_000_000);
  hardware.ticks = 500;
  expect(clock.utcMs()).toBe(1_750_000_001_623);
});

test("a release build has the prompt on UART0", async () => {
  const hardware = new Hardware();
  const { serial } = await bootOn(hardware);
  new serial!.io({ ...serial, ...callbacks });
  expect(hardware.openedUARTs).toEqual([{ port: 0, baud: 115_200 }]);
});

test("a debug build, where the debugger has UART0, has it on the second one", async () => {
  const hardware = new Hardware();
  hardware.takenUARTs.add(0);
  const { serial } = await bootOn(hardware);
  new serial!.io({ ...serial, ...callbacks });
  expect(hardware.openedUARTs).toEqual([{ port: 2, baud: 115_200 }]);
});

test("prompt=PORT,RECEIVE,TRANSMIT, given to mcconfig, is tried first; unavailable or invalid UARTs are skipped", async () => {
  for (const [given, port] of [
    ["1,32,33", 1],
    ["0,3,1", 2],
    ["2,16", 2],
    ["screen", 2],
  ] as const) {
    const hardware = new Hardware();
    hardware.takenUARTs.add(0);
    Object.assign(hardware.config, { prompt: given });
    const { serial } = await bootOn(hardware);
    new serial!.io({ ...serial, ...callbacks });
    expect(hardware.openedUARTs).toEqual([{ port, baud: 115_200 }]);
    const traced = [`prompt=${given}: expected PORT,RECEIVE,TRANSMIT\n`];
    expect(hardware.traced).toEqual(/^\d,\d+,\d+$/.test(given) ? [] : traced);
  }
});

test("no UART can be opened: the last one's error is thrown", async () => {
  const hardware = new Hardware();
  hardware.takenUARTs.add(0).add(2);
  const { serial } = await bootOn(hardware);
  expect(() => new serial!.io({ ...serial, ...callbacks })).toThrow(/^port in use$/);
});

test.each([
  [1, "power"],
  [2, "power"],
  [3, "restart"],
  [4, "crash"],
  [5, "watchdog"],
  [6, "watchdog"],
  [7, "watchdog"],
  [8, "sleep"],
  [9, "brownout"],
  [11, "power"],
  [12, "power"],
  [14, "brownout"],
  [15, "crash"],
  [0, "unknown"],
  [99, "unknown"],
])("esp_reset_reason %d is %s", async (reason, cause) => {
  const hardware = new Hardware();
  hardware.resetReason = reason;
  expect((await bootOn(hardware)).resetCause).toBe(cause);
});

test("what ends the machine reaches the recorder in one line", async () => {
  const lines: string[] = [];
  const board = await bootOn(new Hardware());
  board.onUncaught?.((line) => lines.push(line));
  const machine = globalThis as { abort?: (reason: string, exception: unknown) => void } & typeof globalThis;
  machine.abort?.("unhandled exception", new TypeError("no such thing"));
  machine.abort?.("memory full", undefined);
  delete machine.abort;
  expect(lines).toEqual(["unhandled exception: TypeError: no such thing", "memory full"]);
});

test("restart prints the reason, and restarts the chip", async () => {
  const hardware = new Hardware();
  (await bootOn(hardware)).restart("asked at the prompt");
  expect(hardware.restarts).toBe(1);
  expect(hardware.traced).toEqual(["restart: asked at the prompt\n"]);
});

test("settings given to mcconfig: those of the schema, by name or by the SDK's usual one, and no others", async () => {
  const hardware = new Hardware();
  const given = {
    room: "kitchen",
    "mqtt.port": "1884",
    ssid: "home",
    password: "secret99",
    sntp: "pool.ntp.org",
    rotation: 0,
  };
  Object.assign(hardware.config, given);
  const { defaults } = await bootOn(hardware);
  expect(defaults).toEqual({ room: "kitchen", "mqtt.port": "1884", "wifi.ssid": "home", "wifi.password": "secret99" });
});

test("a misspelt one is reported, with what was meant", async () => {
  const hardware = new Hardware();
  const sdk = { sntp: "time.example", Screen: "ls013b4dn04", touch: "", driver: "spi", timezone: "UTC", board: "x" };
  const misspelt = { "mqtt.prot": "3", "mqqt.host": "10.0.0.2", "outbox.size": "9", rom: "kitchen", qos: "2" };
  Object.assign(hardware.config, sdk, misspelt);
  const problems: string[] = [];
  const { defaults } = await bootOn(hardware);
  const settings = new Settings({ store: new MemoryStore(), defaults, onProblem: (text) => problems.push(text) });
  expect(problems).toEqual([
    expect.stringContaining("mqtt.prot: no such setting, did you mean mqtt.port?"),
    expect.stringContaining("mqqt.host: no such setting, did you mean mqtt.host?"),
    expect.stringContaining("outbox.size: no such setting"),
    expect.stringContaining("rom: no such setting, did you mean room?"),
    expect.stringContaining("qos: no such setting, did you mean mqtt.qos?"),
  ]);
  expect(settings.get("mqtt.port")).toBe(0);
});

describe("a CA given at build time", () => {
  const DER = Uint8Array.of(0x30, 3, 1, 2, 3);
  const PEM = `-----BEGIN CERTIFICATE-----\n${Buffer.from(DER).toString("base64")}\n-----END CERTIFICATE-----`;

  async function settingsWith(text: string): Promise<{ settings: Settings; board: Board; problems: string[] }> {
    const hardware = new Hardware();
    const problems: string[] = [];
    hardware.config["mqtt.ca"] = text;
    const board = await bootOn(hardware);
    const settings = new Settings({
      store: new MemoryStore(),
      defaults: board.defaults,
      given: () => board.credentials?.ca,
      onProblem: (problem) => problems.push(problem),
    });
    return { settings, board, problems };
  }

  test.each([1, 2])("%d of them, as in their file: the broker's certificate is checked by them", async (count) => {
    const { settings, board, problems } = await settingsWith(Array(count).fill(PEM).join("\n"));
    expect(settings.bytes("mqtt.ca")).toEqual(
      Uint8Array.from(
        Array(count)
          .fill([...DER])
          .flat(),
      ),
    );
    expect([problems, board.credentials?.key]).toEqual([[], undefined]);
  });

  test("what is none is refused, and named by its length alone", async () => {
    const { settings, problems } = await settingsWith(PEM.replace("MA", "M*"));
    expect(problems).toEqual([expect.stringMatching(/board default: mqtt\.ca: got \d+ bytes, expected PEM/)]);
    expect(settings.bytes("mqtt.ca")).toBeUndefined();
  });
});

test("drivers that a manifest names are imported", async () => {
  const hardware = new Hardware();
  hardware.config.drivers = { bmp280: true };
  expect((await bootOn(hardware)).drivers).toEqual(["boards/drivers/bmp280"]);
});

test("a malformed packet, or one that cannot be sent, ends in the socket: the SDK's clients throw over such", async () => {
  const hardware = new Hardware();
  const { LossyUDP } = await load<{ LossyUDP: new (options: object) => { write(): void } }>(
    "boards/moddable/sockets.ts",
    hardware,
  );
  let packets = 0;
  const socket = new LossyUDP({
    onReadable(count: number) {
      packets += count;
      throw new RangeError("out of range buffer");
    },
  });
  expect(() => hardware.udpSockets[0].onReadable(3)).not.toThrow();
  expect(packets).toBe(3);
  hardware.udpWrite = () => {
    throw new Error("UDP send failed");
  };
  expect(() => socket.write()).not.toThrow();
});

async function namesOn(hardware: Hardware): Promise<Required<Resolver>> {
  return new (await load<{ Names: new () => Required<Resolver> }>("boards/moddable/names.ts", hardware)).Names();
}

test("a name is asked of the servers that DHCP named by then; the answer closes the resolver", async () => {
  const hardware = new Hardware();
  const names = await namesOn(hardware);
  hardware.dnsServers = ["192.168.1.1", "fe80::1", "9.9.9.9"];
  const answers: string[] = [];
  names.resolve({ host: "broker", onResolved: (host, address) => answers.push(`${host} ${address}`), onError() {} });
  const [resolver] = hardware.resolvers;
  expect(resolver.servers).toEqual(["192.168.1.1", "9.9.9.9"]);
  resolver.question!.onResolved("broker", "192.168.1.5");
  expect(answers).toEqual(["broker 192.168.1.5"]);
  expect(resolver.isClosed).toBe(true);
});

test("DHCP names no server: one that never answers, so that the question ends", async () => {
  const hardware = new Hardware();
  hardware.dnsServers = undefined;
  (await namesOn(hardware)).resolve({ host: "broker", onResolved() {}, onError() {} });
  expect(hardware.resolvers[0].servers).toEqual(["0.0.0.0"]);
});

test("a second question, or close: the first one is not answered any more", async () => {
  const hardware = new Hardware();
  const names = await namesOn(hardware);
  const heard: string[] = [];
  const ask = (host: string): void =>
    names.resolve({ host, onResolved: (name) => heard.push(name), onError: () => heard.push(`${host} failed`) });
  ask("first");
  ask("second");
  names.close();
  ask("third");
  for (const { question } of hardware.resolvers) question!.onResolved(question!.host, "192.0.2.1");
  hardware.resolvers[2].question!.onError();
  expect(heard).toEqual(["third"]);
  expect(hardware.resolvers.map(({ isClosed }) => isClosed)).toEqual([true, true, true]);
});
