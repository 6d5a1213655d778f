/*
 * How fast a backlog drains: 20,000 queued readings to a mosquitto on the loopback, compared with MQTT.js and `mosquitto_pub -l`.
 * All run in turn in one process: the ratios are meaningful even where the times are not.
 *
 * The measured times:
 * - ours: from the call that connects to the last acknowledgement. Every entry is read from the outbox, rendered by the journal
 *   with its time, and settled, all on a flash image in a file on disk. Before it: 20,000 appends.
 * - MQTT.js, stored: the same span; all publishes were in its store before it connects. It replays them one after the
 *   other, so that one is in flight at a time. With its memory store, and its level store (where mqtt-level-store is installed).
 * - MQTT.js, connected: from the first publish to the last acknowledgement, connected before. Its window is what the
 *   broker allows. Only with its memory store: with the level store it sometimes leaves a few unsent for ever.
 * - mosquitto_pub: the whole process, from a pipe, without any store.
 * `drain5`: the same for ours and mosquitto_pub with MQTT 5, and a broker that announces Receive Maximum 20, mosquitto's default.
 * Also ours with flash in memory: the difference is the cost of the file, to which every settle is written at once.
 * The times depend on what else runs on the machine. To compare two versions of our code, use the processor time.
 * The maximum in flight is counted from the packets. Payloads are as long as ours.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import { connect, type IClientOptions, type MqttClient, type Store } from "mqtt";
import { FlashFile } from "../../boards/desktop/flash/flash-file.js";
import { TCP } from "../../boards/desktop/network/tcp.js";
import { timers, uptimeMs } from "../../boards/desktop/timers.js";
import { NorFlash } from "../../boards/parts/flash/nor-flash.js";
import { Journal } from "../../src/journal/journal.js";
import { Sticky } from "../../src/journal/sticky.js";
import { Client } from "../../src/mqtt/client.js";
import { Broker5 } from "../../src/mqtt/v5/broker5.js";
import { encodeTopicName } from "../../src/mqtt/wire/topics.js";
import { encodeUTF8 } from "../../src/mqtt/wire/utf8.js";
import { type Entry, Outbox } from "../../src/outbox/outbox.js";
import { topFolder } from "../engine/build.js";
import { Mosquitto } from "../support/processes/mosquitto.js";
import { sampleOf } from "../support/sample.js";
import { removeFolder, temporaryFolder } from "../support/temporary.js";
import { type Row, row } from "./row.js";

const READINGS = 20_000;
const ROUNDS = 3;
const ROUNDS5 = 9; // a round is short, as there are few contenders
const TOPIC = "home/livingroom/temperature";
const PAYLOAD = '{"value":21.44,"ts":"2026-06-17T09:12:00Z","seq":12345}';
const BOOT_UTC_MS = Date.UTC(2026, 5, 17, 9, 12);
const IMAGE_BYTES = 1 << 20;
const NOW_MS = 60_000;

type QoS = 1 | 2;
type Version = 4 | 5;
interface Sent {
  readonly ms: number;
  /** Maximum number of messages in flight at once; undefined: not known. */
  readonly inFlight?: number;
  /** Processor time of this process meanwhile; undefined: not measured. */
  readonly cpuMs?: number;
}
/** Sends all readings. */
type Contender = (port: number, qos: QoS, round: number) => Promise<Sent>;

function ours(window: number, version: Version = 4, medium: "file" | "memory" = "file"): Contender {
  return async (port, qos, round) => {
    const folder = temporaryFolder("drain-");
    const file = new FlashFile(join(folder, "image"), IMAGE_BYTES);
    const inFile = file.partition(0, IMAGE_BYTES);
    const flash = medium === "file" ? inFile : new NorFlash({ blocks: inFile.status().blocks });
    const outbox = new Outbox({ flash });
    const topic = encodeTopicName(TOPIC);
    const clock = { uptimeMs: () => NOW_MS, utcMs: () => BOOT_UTC_MS };
    const room = encodeUTF8("livingroom");
    const journal = new Journal({
      store: outbox,
      notes: new Sticky(outbox),
      clock,
      boot: 1,
      isEach: false,
      room,
      format: "json",
      intervalMs: 10_000,
      topicOf: () => topic,
    });
    const sample = sampleOf({ temperature: 21.44 });
    for (let i = 0; i < READINGS; i++) journal.append(sample, qos);
    const client = new Client<Entry>({
      ...(version === 5 ? { version5: Broker5, version } : {}),
      socket: { io: TCP },
      host: "127.0.0.1",
      port,
      id: `ours${version}${qos}${window}${medium}${round}`,
      timers,
      uptimeMs,
      random: Math.random,
      outbound: outbox,
      window,
      render: (entry) => journal.render(entry),
      onSettled: () => {
        if (outbox.entries === 0) client.stop();
      },
      onState: (state) => {
        if (state === "stopped") ended();
      },
    });
    let ended = (): void => {};
    const end = new Promise<void>((resolve) => {
      ended = resolve;
    });
    const start = performance.now();
    const before = process.cpuUsage();
    client.start();
    await end;
    const ms = performance.now() - start;
    const { user, system } = process.cpuUsage(before);
    file.close();
    removeFolder(folder);
    return { ms, inFlight: window, cpuMs: (user + system) / 1000 };
  };
}

/** `when`: "stored": all messages are in its store before it connects. */
function mqttJS(
  when: "stored" | "connected",
  options: () => IClientOptions,
  cleanUp: () => void = () => {},
): Contender {
  return async (port, qos, round) => {
    const client = connect({
      host: "127.0.0.1",
      port,
      manualConnect: true,
      clean: false,
      clientId: `theirs${qos}${Math.random().toString(36).slice(2, 8)}${round}`,
      protocolVersion: 4,
      reconnectPeriod: 0,
      ...options(),
    });
    const maxInFlight = watchInFlight(client);
    if (when === "connected") {
      const connected = new Promise<void>((resolve) => client.once("connect", () => resolve()));
      client.connect();
      await connected;
    }
    const start = performance.now();
    const acknowledged: Promise<unknown>[] = [];
    const stored = new Promise<void>((resolve) => {
      let missing = READINGS;
      const cbStorePut = (): void => {
        if (--missing === 0) resolve();
      };
      for (let i = 0; i < READINGS; i++) acknowledged.push(client.publishAsync(TOPIC, PAYLOAD, { qos, cbStorePut }));
    });
    let beganMs = start;
    if (when === "stored") {
      await stored;
      beganMs = performance.now();
      client.connect();
    }
    await Promise.all(acknowledged);
    const ms = performance.now() - beganMs;
    await client.endAsync();
    cleanUp();
    return { ms, inFlight: maxInFlight() };
  };
}

/** Counts PUBLISH packets that have no PUBACK or PUBCOMP yet; returns the highest count. */
function watchInFlight(client: MqttClient): () => number {
  const open = new Set<number>();
  let maxInFlight = 0;
  client.on("packetsend", (packet) => {
    if (packet.cmd !== "publish" || packet.messageId === undefined) return;
    open.add(packet.messageId);
    maxInFlight = Math.max(maxInFlight, open.size);
  });
  client.on("packetreceive", (packet) => {
    if ((packet.cmd === "puback" || packet.cmd === "pubcomp") && packet.messageId !== undefined)
      open.delete(packet.messageId);
  });
  return () => maxInFlight;
}

function mosquittoPub(version: Version): Contender {
  return async (port, qos) => {
    const start = performance.now();
    const flags = ["-V", version === 5 ? "5" : "311", "-h", "127.0.0.1", "-p", String(port), "-t", TOPIC];
    const pub = spawn("mosquitto_pub", [...flags, "-q", String(qos), "-l"], { stdio: ["pipe", "ignore", "inherit"] });
    pub.stdin.end(`${PAYLOAD}\n`.repeat(READINGS));
    const [status] = await once(pub, "close");
    if (status !== 0) throw new Error(`mosquitto_pub ended with ${status}`);
    return { ms: performance.now() - start };
  };
}

/** The level store is a separate package, which may be missing. */
function levelStores(): ((folder: string) => { incoming: Store; outgoing: Store }) | undefined {
  try {
    return createRequire(join(topFolder, "package.json"))("mqtt-level-store");
  } catch {
    return undefined;
  }
}

function contenders(): Record<string, Contender> {
  const manager = levelStores();
  let folder = "";
  const level = mqttJS(
    "stored",
    () => {
      folder = temporaryFolder("level-");
      const { incoming, outgoing } = (manager as NonNullable<typeof manager>)(folder);
      return { incomingStore: incoming, outgoingStore: outgoing };
    },
    () => removeFolder(folder),
  );
  return {
    "MQTT.js, memory store, stored": mqttJS("stored", () => ({})),
    "MQTT.js, memory store, connected": mqttJS("connected", () => ({})),
    ...(manager === undefined ? {} : { "MQTT.js, level store, stored": level }),
    "mosquitto_pub -l": mosquittoPub(4),
  };
}

const medianOf = (all: readonly number[]): number => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)];

/** The times of all contenders at one QoS, measured in turn, each with its own broker. */
class Race {
  readonly rows: Row[] = [];
  private readonly title: string;
  private readonly medians = new Map<string, number>();

  constructor(title: string) {
    this.title = title;
  }

  /** `port`: of a broker that runs already; undefined: one is started each time. `extra`: lines of its configuration. */
  async run(field: Record<string, Contender>, qos: QoS, rounds: number, port?: number, extra?: string): Promise<void> {
    const times = new Map<string, number[]>(Object.keys(field).map((name) => [name, []]));
    const cpuTimes = new Map<string, number[]>();
    const inFlight = new Map<string, number>();
    for (let round = 0; round < rounds; round++) {
      for (const [name, contender] of Object.entries(field)) {
        const broker = port === undefined ? await Mosquitto.start(extra) : undefined;
        const { ms, inFlight: maxInFlight, cpuMs } = await contender(broker?.port ?? (port as number), qos, round);
        if (maxInFlight !== undefined) inFlight.set(name, Math.max(maxInFlight, inFlight.get(name) ?? 0));
        times.get(name)?.push(ms);
        if (cpuMs !== undefined) cpuTimes.set(name, [...(cpuTimes.get(name) ?? []), cpuMs]);
        console.error(`${this.title}, round ${round + 1} of ${rounds}: ${name}: ${Math.round(ms)} ms`);
        await broker?.close();
      }
    }
    for (const [name, all] of times) {
      const median = medianOf(all);
      this.medians.set(name, median);
      this.rows.push(row(`${this.title}: ${name}`, Math.round(median), "ms"));
    }
    for (const [name, all] of cpuTimes)
      this.rows.push(row(`${this.title}: ${name}: processor time of this process`, Math.round(medianOf(all)), "ms"));
    for (const [name, count] of inFlight)
      this.rows.push(row(`${this.title}: ${name}: maximum in flight`, count, "messages"));
  }

  /** Adds our time divided by another's; below 1: ours is faster. */
  compare(ours: string, name: string, goal?: number): void {
    const ratio = (this.medians.get(ours) as number) / (this.medians.get(name) as number);
    this.rows.push(row(`${this.title}: the time of ${ours} divided by that of ${name}`, ratio, "ratio", goal));
  }
}

export async function drainRows(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const qos of [1, 2] as const) {
    const race = new Race(`drain QoS ${qos}`);
    const others = contenders();
    await race.run({ "ours, window 8": ours(8), "ours, window 64": ours(64), ...others }, qos, ROUNDS);
    for (const name of Object.keys(others))
      race.compare("ours, window 8", name, name.includes("level") ? undefined : 1);
    rows.push(...race.rows);
  }
  return rows;
}

/** `port`: of a broker that runs already. */
export async function drain5Rows(port?: number): Promise<Row[]> {
  const rows: Row[] = [];
  const theirs = "mosquitto_pub -V 5 -l";
  for (const qos of [1, 2] as const) {
    const race = new Race(`drain at MQTT 5, QoS ${qos}`);
    const inMemory = "ours, window 8, flash in memory";
    const field = {
      "ours, window 8": ours(8, 5),
      [inMemory]: ours(8, 5, "memory"),
      [theirs]: mosquittoPub(5),
      "ours, 3.1.1, window 8": ours(8),
    };
    await race.run(field, qos, ROUNDS5, port, "max_inflight_messages 20");
    race.compare("ours, window 8", theirs, 0.75);
    race.compare(inMemory, theirs);
    race.compare("ours, window 8", "ours, 3.1.1, window 8");
    rows.push(...race.rows);
  }
  return rows;
}
