/*
 * The same suite against mosquitto and aedes, over real sockets: unlike the scripted peer, they prove that other software understands the client.
 * The client's packets are decoded by mqtt-packet and dissected by tshark.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { timers } from "../../boards/desktop/timers.js";
import { Client, type ClientOptions } from "../../src/mqtt/client.js";
import { type MemoryEntry, MemoryStore } from "../../src/mqtt/delivery/store.js";
import { Broker5 } from "../../src/mqtt/v5/broker5.js";
import { type Broker, startAedes, startMosquitto, Wire } from "./support/peers.js";

const LIMIT_MS = 20_000;
const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

async function until(isDone: () => boolean, what: string): Promise<void> {
  const endMs = Date.now() + LIMIT_MS;
  while (!isDone()) {
    if (Date.now() > endMs) throw new Error(`not within ${LIMIT_MS} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** A client on a recorded wire, with what it reported. */
class Device {
  readonly wire = new Wire();
  readonly store = new MemoryStore(1_000);
  readonly received: string[] = [];
  readonly subscribed: string[] = [];
  readonly errors: string[] = [];
  bytesReceived = 0;
  #text = "";
  readonly client: Client<MemoryEntry>;

  constructor(broker: Broker, id: string, options: Partial<ClientOptions<MemoryEntry>> = {}) {
    this.client = new Client<MemoryEntry>({
      socket: { io: this.wire.TCP },
      host: "127.0.0.1",
      port: broker.port,
      id,
      timers,
      uptimeMs: () => performance.now(),
      random: Math.random,
      outbound: this.store,
      render: (entry) => entry,
      backoff: { firstMs: 20, longestMs: 50 },
      onError: (error) => this.errors.push(error.message),
      onSubscribed: (filter, granted) => this.subscribed.push(`${filter} ${granted}`),
      onMessage: ({ topic, qos, retain, payload, last, offsetBytes }) => {
        this.bytesReceived += payload.length;
        const text = payload.length > 100 ? `${payload.length} bytes` : Buffer.from(payload).toString();
        this.#text = offsetBytes === 0 ? text : this.#text + text;
        if (last) this.received.push(`${topic} ${qos} ${retain ? "retained " : ""}${this.#text}`);
      },
      ...versions,
      ...options,
    });
    open.push({ close: () => this.client.close() });
    this.client.start();
  }

  async connected(): Promise<this> {
    await until(() => this.client.status().state === "connected", "connected");
    return this;
  }

  async subscribe(filter: string, qos: 0 | 1 | 2): Promise<void> {
    const before = this.subscribed.length;
    this.client.subscribe(filter, qos);
    await until(() => this.subscribed.length > before, `SUBACK for ${filter}`);
  }

  publish(topic: string, payload: string, qos: 1 | 2): void {
    this.store.append(topic, Buffer.from(payload), qos);
    this.client.wake();
  }

  async drained(): Promise<void> {
    await until(() => this.store.length === 0, "everything acknowledged");
  }
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, n) => String(n));

/** Options of all devices in a run: which versions they speak. */
let versions: Partial<ClientOptions<MemoryEntry>> = {};

describe.each([
  ["mosquitto, 3.1.1", startMosquitto, {}, 4],
  ["mosquitto, version 5", startMosquitto, { version5: Broker5, version: 5 }, 5],
  ["mosquitto, 5 or 3.1.1", startMosquitto, { version5: Broker5 }, 5],
  ["aedes, 3.1.1", startAedes, {}, 4],
  ["aedes, which has no 5", startAedes, { version5: Broker5 }, 4],
] as const)("%s", (_name, start, spoken, version) => {
  beforeAll(() => {
    versions = spoken;
  });
  afterAll(() => {
    versions = {};
  });

  async function broker(): Promise<Broker> {
    const started = await start();
    open.push(started);
    return started;
  }

  test("receives and sends every QoS, with no extension (7.0.0-2)", async () => {
    const peer = await broker();
    const device = await new Device(peer, "one").connected();
    await device.subscribe("t/#", 2);
    device.client.publish("t/0", Buffer.from("zero"), { qos: 0 });
    device.publish("t/1", "one", 1);
    device.publish("t/2", "two", 2);
    await device.drained();
    await until(() => device.received.length === 3, "three messages");
    expect([...device.received].sort()).toEqual(["t/0 0 zero", "t/1 1 one", "t/2 2 two"]);
    expect(device.subscribed).toEqual(["t/# 2"]);
    expect(device.client.status().version).toBe(version);
    expect(device.errors).toEqual([]);
  });

  test("300 messages of QoS 1 and 300 of QoS 2 arrive in order", async () => {
    const peer = await broker();
    const reader = await new Device(peer, "reader").connected();
    await reader.subscribe("n/#", 2);
    const writer = await new Device(peer, "writer").connected();
    for (const n of numbers(300)) writer.publish("n/1", n, 1);
    for (const n of numbers(300)) writer.publish("n/2", n, 2);
    await writer.drained();
    await until(() => reader.received.length === 600, "600 messages");

    for (const qos of [1, 2])
      expect(reader.received.filter((line) => line.startsWith(`n/${qos}`))).toEqual(
        numbers(300).map((n) => `n/${qos} ${qos} ${n}`),
      );
  });

  test("the connection cut again and again: QoS 1 all arrive, QoS 2 all once and in order", async () => {
    const peer = await broker();
    const reader = await new Device(peer, "reader").connected();
    await reader.subscribe("n/#", 2);
    const writer = await new Device(peer, "writer").connected();
    await writer.subscribe("own", 0); // aedes keeps a session for those only who subscribe
    for (let block = 0; block < 10; block++) {
      for (let n = 20 * block; n < 20 * (block + 1); n++) writer.publish("n/1", String(n), 1);
      for (let n = 20 * block; n < 20 * (block + 1); n++) writer.publish("n/2", String(n), 2);
      await new Promise((resolve) => setTimeout(resolve, block % 4));
      if (writer.client.status().state === "connected") writer.wire.cut();
      await writer.connected();
    }
    await writer.drained();
    const of = (qos: number) =>
      reader.received.filter((line) => line.startsWith(`n/${qos}`)).map((line) => line.slice(6));
    await until(() => of(2).length >= 200 && new Set(of(1)).size >= 200, "all messages");
    expect(of(2)).toEqual(numbers(200));
    expect([...new Set(of(1))]).toEqual(numbers(200));
    expect(writer.client.status()).toMatchObject({ possibleDoubles: 0, deadLetters: 0 });
    expect(writer.client.status().reconnects).toBeGreaterThanOrEqual(5);
    const again = writer.wire.sent().filter((packet) => packet.cmd === "publish" && packet.dup);
    const released = writer.wire.sent().filter((packet) => packet.cmd === "pubrel").length;
    expect(again.length).toBeGreaterThan(0);
    expect(released).toBeGreaterThanOrEqual(200);
  });

  test("1,000,000 bytes are sent and received, through a buffer of 1,024, unchanged in order and length (7.1.2-1)", async () => {
    const peer = await broker();
    let at = 0;
    const payload = Buffer.from(Array.from({ length: 1_000_000 }, (_, n) => (n * 7 + (n >> 8)) & 0xff));
    let same = true;
    const device = await new Device(peer, "large", {
      onMessage: (piece) => {
        same &&= Buffer.from(piece.payload).equals(payload.subarray(at, at + piece.payload.length));
        at += piece.payload.length;
      },
    }).connected();
    await device.subscribe("large", 1);
    device.store.append("large", payload, 1);
    device.client.wake();
    await device.drained();
    await until(() => at >= 1_000_000, "the message back");
    expect([at, same]).toEqual([1_000_000, true]);
  });

  test("a will is published when the connection is cut, not after DISCONNECT; a retained message is cleared by an empty one", async () => {
    const peer = await broker();
    const reader = await new Device(peer, "reader").connected();
    await reader.subscribe("w/#", 1);
    const will = { topic: "w/status", payload: Buffer.from("gone"), qos: 1, retain: false } as const;
    const polite = await new Device(peer, "polite", { will }).connected();
    await new Promise<void>((resolve) => polite.client.stop(resolve));
    const rude = await new Device(peer, "rude", { will: { ...will, topic: "w/rude" } }).connected();
    rude.wire.cut();
    await until(() => reader.received.length > 0, "the will");
    expect(reader.received).toEqual(["w/rude 1 gone"]);
    reader.client.publish("w/kept", Buffer.from("here"), { qos: 1, retain: true });
    await until(() => reader.received.length === 2, "the live copy");
    await reader.subscribe("w/+", 1);
    await until(() => reader.received.includes("w/kept 1 retained here"), "the retained copy");
    reader.client.publish("w/kept", new Uint8Array(0), { qos: 1, retain: true });
    await until(() => reader.received.includes("w/kept 1 "), "the empty message");
    const late = await new Device(peer, "late").connected();
    await late.subscribe("w/#", 1);
    late.client.publish("w/end", Buffer.from("end"), { qos: 1 });
    await until(() => late.received.length > 0, "the end");
    expect(late.received).toEqual(["w/end 1 end"]);
  });

  test("unsubscribed: nothing arrives any more; a session that was wiped first has no filter", async () => {
    const peer = await broker();
    const first = await new Device(peer, "same").connected();
    await first.subscribe("u", 1);
    await first.subscribe("end", 1);
    first.client.unsubscribe("u");
    first.client.publish("u", Buffer.from("x"), { qos: 1 });
    first.client.publish("end", Buffer.from("y"), { qos: 1 });
    await until(() => first.received.length > 0, "the end");
    expect(first.received).toEqual(["end 1 y"]);
    first.client.close();
    const starts: boolean[] = [];
    const second = await new Device(peer, "same", {
      wipeFirst: true,
      onSession: ({ present, wiped }) => starts.push(present, wiped),
    }).connected();
    expect(starts).toEqual([false, true]);
    second.client.publish("end", Buffer.from("y"), { qos: 1 });
    await second.subscribe("other", 1);
    second.client.publish("other", Buffer.from("z"), { qos: 1 });
    await until(() => second.received.length > 0, "the other");
    expect(second.received).toEqual(["other 1 z"]);
  });

  test("keep-alive of 1 s: pings are answered, the connection holds", async () => {
    const device = await new Device(await broker(), "idle", { keepAlive: 1 }).connected();
    const pings = () => device.wire.sent().filter((packet) => packet.cmd === "pingreq").length;
    await until(() => pings() >= 3, "three pings");
    expect(device.client.status()).toMatchObject({ state: "connected", reconnects: 0 });
  });
});

describe.each([
  ["3.1.1", {}],
  ["version 5", { version5: Broker5 }],
])("the bytes on the wire, %s", (_name, spoken) => {
  /** A run that has every packet that a client can send. */
  async function everything(): Promise<Wire> {
    const peer = await startMosquitto();
    open.push(peer);
    const device = await new Device(peer, "all", {
      user: "me",
      password: "secret",
      keepAlive: 1,
      will: { topic: "w", payload: Buffer.from("gone"), qos: 2, retain: true },
      ...spoken,
    }).connected();
    await device.subscribe("é/#", 2);
    device.client.publish("é/0", Buffer.from("0"), { qos: 0, retain: true });
    device.publish("é/1", "x".repeat(200), 1);
    for (const n of numbers(20)) device.publish("é/2", n, 2);
    await device.drained();
    await until(() => device.received.length === 22, "all back");
    device.client.unsubscribe("é/#");
    await until(() => device.wire.sent().some((packet) => packet.cmd === "pingreq"), "a ping");
    await new Promise<void>((resolve) => device.client.stop(resolve));
    return device.wire;
  }

  const EXPECTED = {
    connect: 1,
    publish: 22,
    puback: 1,
    pubrec: 20,
    pubrel: 20,
    pubcomp: 20,
    subscribe: 1,
    unsubscribe: 1,
    disconnect: 1,
  };
  const TYPES =
    "0 connect connack publish puback pubrec pubrel pubcomp subscribe suback unsubscribe unsuback pingreq pingresp disconnect";

  test("mqtt-packet decodes all of it, packet by packet", async () => {
    const counts: Record<string, number> = {};
    for (const packet of (await everything()).sent()) counts[packet.cmd] = (counts[packet.cmd] ?? 0) + 1;
    const { pingreq, ...others } = counts;
    expect(others).toEqual(EXPECTED);
    expect(pingreq).toBeGreaterThanOrEqual(1);
  });

  test("tshark's dissector finds nothing malformed, and no field against the standard", async () => {
    const wire = await everything();
    const rows = dissect(wire.capture());
    expect(rows.filter((row) => row.isMalformed)).toEqual([]);
    const sent = rows.filter((row) => row.isFromClient);
    const counts: Record<string, number> = {};
    for (const { type } of sent) counts[TYPES.split(" ")[type]] = (counts[TYPES.split(" ")[type]] ?? 0) + 1;
    const { pingreq, ...others } = counts;
    expect(others).toEqual(EXPECTED);
    expect(pingreq).toBeGreaterThanOrEqual(1);
    for (const { type, flags, qos, id, topic } of sent) {
      if (type === 3) {
        expect(qos).toBeLessThanOrEqual(2);
        expect(topic).toMatch(/^[^+#]+$/);
        if (qos === 0) expect(flags & 8).toBe(0);
      } else expect(flags).toBe([6, 8, 10].includes(type) ? 2 : 0);
      if ((type === 3 && qos > 0) || (type >= 4 && type <= 11)) expect(id).toBeGreaterThan(0);
    }
  });

  test("the dissector does find malformed packets", () => {
    const wire = new Wire();
    wire.pieces.push({ connection: 1, from: "client", bytes: Uint8Array.of(0x32, 4, 0, 9, 0x61, 0) });
    expect(dissect(wire.capture()).some((row) => row.isMalformed)).toBe(true);
  });
});

interface Row {
  readonly isFromClient: boolean;
  readonly isMalformed: boolean;
  readonly type: number;
  readonly flags: number;
  readonly qos: number;
  readonly id: number;
  readonly topic: string;
}

/** Every MQTT packet of a capture, as tshark sees it. @throws Error that says what to install */
function dissect(capture: Buffer): Row[] {
  const folder = mkdtempSync(join(tmpdir(), "capture-"));
  try {
    const file = join(folder, "mqtt.pcap");
    writeFileSync(file, capture);
    const run = spawnSync("tshark", ["-r", file, "-T", "json", "--no-duplicate-keys"], {
      encoding: "utf8",
      maxBuffer: 1 << 28,
    });
    if (run.error) throw new Error("tshark is not installed: apt-get install tshark, or run hosttest/setup.sh");
    if (run.status !== 0) throw new Error(`tshark: ${run.stderr}`);
    return (JSON.parse(run.stdout) as { _source: { layers: Layers } }[]).flatMap(({ _source }) =>
      rowsOf(_source.layers),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

type Layer = Record<string, string | Record<string, string>>;
interface Layers {
  readonly mqtt?: Layer | readonly Layer[];
  readonly ip: Record<string, string>;
  readonly "_ws.malformed"?: unknown;
}

function rowsOf(layers: Layers): Row[] {
  const isMalformed =
    layers["_ws.malformed"] !== undefined || JSON.stringify(layers.mqtt ?? "").includes("_ws.malformed");
  const isFromClient = layers.ip["ip.src"] === "10.0.0.1";
  const packets: readonly Layer[] =
    layers.mqtt === undefined ? [] : Array.isArray(layers.mqtt) ? layers.mqtt : [layers.mqtt as Layer];
  const rows = packets.map((packet) => {
    const header = Number(packet["mqtt.hdrflags"]);
    return {
      isFromClient,
      isMalformed,
      type: header >> 4,
      flags: header & 15,
      qos: (header >> 1) & 3,
      id: Number(packet["mqtt.msgid"] ?? 0),
      topic: String(packet["mqtt.topic"] ?? ""),
    };
  });
  return rows.length || !isMalformed
    ? rows
    : [{ isFromClient, isMalformed, type: 0, flags: 0, qos: 0, id: 0, topic: "" }];
}
