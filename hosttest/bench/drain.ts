/*
 * How fast a backlog leaves: 20,000 queued readings to a mosquitto on the loopback, beside MQTT.js and `mosquitto_pub -l`.
 * All in one run, turn and turn about, so that the ratios mean something where the times do not.
 *
 * What is in a time:
 * - ours: from the call that connects to the last acknowledgement. Every entry is read from the outbox, rendered by the journal
 *   with its time, and settled, all on a flash image in a file on disk. Before it: 20,000 appends.
 * - MQTT.js, stored: the same span; all publishes were in its store before it connects. It replays them one after the
 *   other, so that one is in flight at a time. With its memory store, and its level store (where mqtt-level-store is installed).
 * - MQTT.js, connected: from the first publish to the last acknowledgement, connected before. It has all that the broker
 *   lets it in flight. With its memory store alone: with the level store it now and then leaves a few unsent for ever.
 * - mosquitto_pub: the whole process, from a pipe, without any store.
 * The most that was in flight at once is counted at the packets. Payloads are as long as ours.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import { connect, type IClientOptions, type MqttClient, type Store } from "mqtt";
import { FlashFile } from "../../boards/desktop/flash/flash-file.js";
import { TCP } from "../../boards/desktop/network/tcp.js";
import { timers, uptimeMs } from "../../boards/desktop/timers.js";
import { topFolder } from "../../boards/xs/engine/build.js";
import { Journal } from "../../src/journal/journal.js";
import { Sticky } from "../../src/journal/sticky.js";
import { Client } from "../../src/mqtt/client.js";
import { encodeTopicName } from "../../src/mqtt/wire/topics.js";
import { encodeUTF8 } from "../../src/mqtt/wire/utf8.js";
import { type Entry, Outbox } from "../../src/outbox/outbox.js";
import { Mosquitto } from "../support/processes/mosquitto.js";
import { sampleOf } from "../support/sample.js";
import { removeFolder, temporaryFolder } from "../support/temporary.js";
import { type Row, row } from "./row.js";

const READINGS = 20_000;
const ROUNDS = 3;
const TOPIC = "home/livingroom/temperature";
const PAYLOAD = '{"value":21.44,"ts":"2026-06-17T09:12:00Z","seq":12345}';
const BOOT_UTC_MS = Date.UTC(2026, 5, 17, 9, 12);
const IMAGE_BYTES = 1 << 20;
const NOW_MS = 60_000;

type QoS = 1 | 2;
interface Sent {
  readonly ms: number;
  /** The most messages that were in flight at once; undefined: not known. */
  readonly inFlight?: number;
}
/** Sends all readings. */
type Contender = (port: number, qos: QoS, round: number) => Promise<Sent>;

function ours(window: number): Contender {
  return async (port, qos, round) => {
    const folder = temporaryFolder("drain-");
    const file = new FlashFile(join(folder, "image"), IMAGE_BYTES);
    const outbox = new Outbox({ flash: file.partition(0, IMAGE_BYTES) });
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
      socket: { io: TCP },
      host: "127.0.0.1",
      port,
      id: `ours${qos}${window}x${round}`,
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
    client.start();
    await end;
    const ms = performance.now() - start;
    file.close();
    removeFolder(folder);
    return { ms, inFlight: window };
  };
}

/** `when`: whether all is in the store before it connects. */
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
    const most = watchInFlight(client);
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
    return { ms, inFlight: most() };
  };
}

/** Counts PUBLISH packets that have no PUBACK or PUBCOMP yet; what the highest count was. */
function watchInFlight(client: MqttClient): () => number {
  const open = new Set<number>();
  let most = 0;
  client.on("packetsend", (packet) => {
    if (packet.cmd !== "publish" || packet.messageId === undefined) return;
    open.add(packet.messageId);
    most = Math.max(most, open.size);
  });
  client.on("packetreceive", (packet) => {
    if ((packet.cmd === "puback" || packet.cmd === "pubcomp") && packet.messageId !== undefined)
      open.delete(packet.messageId);
  });
  return () => most;
}

const mosquittoPub: Contender = async (port, qos) => {
  const start = performance.now();
  const pub = spawn("mosquitto_pub", ["-h", "127.0.0.1", "-p", String(port), "-t", TOPIC, "-q", String(qos), "-l"], {
    stdio: ["pipe", "ignore", "inherit"],
  });
  pub.stdin.end(`${PAYLOAD}\n`.repeat(READINGS));
  const [status] = await once(pub, "close");
  if (status !== 0) throw new Error(`mosquitto_pub ended with ${status}`);
  return { ms: performance.now() - start };
};

/** The level store is a package of its own, which not everybody has. */
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
    "mosquitto_pub -l": mosquittoPub,
  };
}

/** Times and ratios; a ratio below 1 says that we are ahead. */
export async function drainRows(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const qos of [1, 2] as const) {
    const times = new Map<string, number[]>();
    const inFlight = new Map<string, number>();
    const field = { "ours, window 8": ours(8), "ours, window 64": ours(64), ...contenders() };
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, contender] of Object.entries(field)) {
        const broker = await Mosquitto.start();
        const { ms, inFlight: most } = await contender(broker.port, qos, round);
        if (most !== undefined) inFlight.set(name, Math.max(most, inFlight.get(name) ?? 0));
        times.set(name, [...(times.get(name) ?? []), ms]);
        console.error(`drain QoS ${qos}, round ${round + 1} of ${ROUNDS}: ${name}: ${Math.round(ms)} ms`);
        await broker.close();
      }
    }
    const median = (name: string): number => (times.get(name) ?? []).sort((a, b) => a - b)[Math.floor(ROUNDS / 2)];
    for (const name of times.keys()) rows.push(row(`drain QoS ${qos}: ${name}`, Math.round(median(name)), "ms"));
    for (const [name, most] of inFlight)
      rows.push(row(`drain QoS ${qos}: ${name}: in flight at most`, most, "messages"));
    for (const name of Object.keys(contenders())) {
      const goal = name.includes("level") ? undefined : 1;
      rows.push(
        row(`drain QoS ${qos}: our time by that of ${name}`, median("ours, window 8") / median(name), "ratio", goal),
      );
    }
  }
  return rows;
}
