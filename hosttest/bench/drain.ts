/*
 * How fast a backlog leaves: 20,000 queued readings to a mosquitto on the loopback, beside MQTT.js with its memory store
 * and its level store (where mqtt-level-store is installed), and `mosquitto_pub -l`. All in one run, turn and turn about,
 * so that the ratios mean something where the times do not. A time is from the call that connects to the last
 * acknowledgement; ours reads and settles each entry on (simulated) flash. The message is the same for all.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type IClientOptions, type Store } from "mqtt";
import { TCP } from "../../boards/desktop/tcp.js";
import { timers, uptimeMs } from "../../boards/desktop/timers.js";
import { topFolder } from "../../boards/xs/engine/build.js";
import { Client } from "../../src/mqtt/client.js";
import { encodeTopicName } from "../../src/mqtt/topics.js";
import { encodeUTF8 } from "../../src/mqtt/utf8.js";
import { type Entry, Outbox } from "../../src/outbox/outbox.js";
import { Mosquitto } from "../support/mosquitto.js";
import { PlainFlash } from "./plain-flash.js";
import { type Row, row } from "./row.js";

const READINGS = 20_000;
const ROUNDS = 3;
const TOPIC = "home/livingroom/temperature";
const PAYLOAD = '{"value":21.44,"seq":123456789}';
const RECORD = Uint8Array.of(8, 1, 0, 0, 1, 2, 3, 4, 0x30, 0xd8, 0, 0);

type QoS = 1 | 2;
/** Sends all readings; milliseconds. */
type Contender = (port: number, qos: QoS, round: number) => Promise<number>;

function ours(window: number): Contender {
  return async (port, qos, round) => {
    const outbox = new Outbox({ flash: new PlainFlash(256) });
    for (let i = 0; i < READINGS; i++) outbox.append(RECORD, qos);
    const payload = encodeUTF8(PAYLOAD);
    const message = { topic: encodeTopicName(TOPIC), payload, payloadLength: payload.length, retain: false };
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
      render: () => message,
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
    return performance.now() - start;
  };
}

/**
 * MQTT.js with 20,000 publishes, all in its store before it connects: connected while the level store still writes, it
 * now and then leaves a few of them unsent for ever.
 */
function mqttJS(options: () => IClientOptions, cleanUp: () => void = () => {}): Contender {
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
    const acknowledged: Promise<unknown>[] = [];
    await new Promise<void>((stored) => {
      let missing = READINGS;
      const cbStorePut = (): void => {
        if (--missing === 0) stored();
      };
      for (let i = 0; i < READINGS; i++) acknowledged.push(client.publishAsync(TOPIC, PAYLOAD, { qos, cbStorePut }));
    });
    const start = performance.now();
    client.connect();
    await Promise.all(acknowledged);
    const ms = performance.now() - start;
    await client.endAsync();
    cleanUp();
    return ms;
  };
}

const mosquittoPub: Contender = async (port, qos) => {
  const start = performance.now();
  const pub = spawn("mosquitto_pub", ["-h", "127.0.0.1", "-p", String(port), "-t", TOPIC, "-q", String(qos), "-l"], {
    stdio: ["pipe", "ignore", "inherit"],
  });
  pub.stdin.end(`${PAYLOAD}\n`.repeat(READINGS));
  const [status] = await once(pub, "close");
  if (status !== 0) throw new Error(`mosquitto_pub ended with ${status}`);
  return performance.now() - start;
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
    () => {
      folder = mkdtempSync(join(tmpdir(), "level-"));
      const { incoming, outgoing } = (manager as NonNullable<typeof manager>)(folder);
      return { incomingStore: incoming, outgoingStore: outgoing };
    },
    () => rmSync(folder, { recursive: true, force: true }),
  );
  return {
    "MQTT.js, memory store": mqttJS(() => ({})),
    ...(manager === undefined ? {} : { "MQTT.js, level store": level }),
    "mosquitto_pub -l": mosquittoPub,
  };
}

/** Times and ratios; a ratio below 1 says that we are ahead. */
export async function drainRows(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const qos of [1, 2] as const) {
    const times = new Map<string, number[]>();
    const field = { "ours, window 8": ours(8), "ours, window 64": ours(64), ...contenders() };
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, contender] of Object.entries(field)) {
        const broker = await Mosquitto.start();
        const ms = await contender(broker.port, qos, round);
        times.set(name, [...(times.get(name) ?? []), ms]);
        console.error(`drain QoS ${qos}, round ${round + 1} of ${ROUNDS}: ${name}: ${Math.round(ms)} ms`);
        await broker.close();
      }
    }
    const median = (name: string): number => (times.get(name) ?? []).sort((a, b) => a - b)[Math.floor(ROUNDS / 2)];
    for (const name of times.keys()) rows.push(row(`drain QoS ${qos}: ${name}`, Math.round(median(name)), "ms"));
    for (const name of Object.keys(contenders())) {
      const goal = name.includes("level") ? undefined : 1;
      rows.push(
        row(`drain QoS ${qos}: our time by that of ${name}`, median("ours, window 8") / median(name), "ratio", goal),
      );
    }
  }
  return rows;
}
