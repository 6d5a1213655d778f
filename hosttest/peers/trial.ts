/*
 * One row of the table: the desktop device with one real broker that is stopped half-way, and a subscriber that counts. A proxy
 * between device and broker records every packet, so that each violation can be attributed to the device or to the broker.
 */
import { join } from "node:path";
import type { Packet } from "mqtt-packet";
import { BadNetwork, type Logged } from "../chaos/bad-network.js";
import { judge } from "../chaos/verdict.js";
import { Collector } from "../support/collector.js";
import { DeviceProcess } from "../support/device.js";
import { removeFolder, temporaryFolder } from "../support/temporary.js";
import type { PeerBroker } from "./peer.js";

/** In order and started again, or by signal 9. */
export const EVENTS = ["restart", "kill"] as const;
export type Event = (typeof EVENTS)[number];
export type QoS = 0 | 1 | 2;

export interface Trial {
  readonly qos: QoS;
  readonly event: Event;
  /** Readings. */
  readonly count: number;
}

export interface Outcome {
  /** Versions of MQTT in which the broker accepted the device's connections, in this order. */
  readonly spoken: readonly string[];
  /** The highest QoS of the readings on the wire. */
  readonly wireQos: number;
  /** Readings that the device took. At QoS 0, those that it sent: it drops and counts readings without a connection. */
  readonly taken: number;
  /** Of those, seen by the subscriber. */
  readonly seen: number;
  /** By us: settled by the device. */
  readonly lost: number;
  readonly doubled: number;
  readonly disordered: number;
  /** Not settled in the end: in flash. */
  readonly waiting: number;
  /** Acknowledged by the broker and never delivered; at QoS 0 sent and never delivered. */
  readonly lostByBroker: number;
  readonly disorderedByBroker: number;
  /** Seen again, by anyone's fault. */
  readonly repeated: number;
  /** By the broker. */
  readonly sessionsLost: number;
  /** Reason codes of the broker: packet, code, how often. */
  readonly codes: readonly string[];
  /** Its exit code; undefined: it did not end, because readings were not settled. */
  readonly exitCode: number | null | undefined;
  /** The end of its standard error. */
  readonly lastLine: string;
}

const INTERVAL_S = 0.03;
const AWAY_MS = 1_000;
const AT_WORK_MS = 30_000;
const BACK_MS = 60_000;
const END_MS = 120_000;
const LATE_MS = 1_500;
const STEP_MS = 30;

export async function runTrial(
  broker: PeerBroker,
  trial: Trial,
  onProgress: (state: string) => void,
): Promise<Outcome> {
  const folder = temporaryFolder("trial-");
  const network = await BadNetwork.start(broker.port);
  const room = `peer${process.pid}-${Math.random().toString(36).slice(2)}`;
  const observer = await Collector.start(broker.observerPort, `home/${room}/temperature`, 2, { subscribes: "always" });
  const device = start(network.port, room, join(folder, "chip.flash"), trial);
  let exitCode: number | null | undefined;
  void device.exit().then((code) => {
    exitCode = code;
  });
  try {
    const state = (what: string) => (): void =>
      onProgress(`${what}: ${observer.arrivals.length} of ${trial.count} readings have arrived`);
    await until(() => observer.arrivals.length >= trial.count / 4, AT_WORK_MS, state("fair weather"));
    await goAway(broker, network, observer, trial.event, state("the broker is away"));
    await until(() => exitCode !== undefined, END_MS, state("the broker is back"));
    await until(() => observer.arrivals.length >= trial.count, LATE_MS, state("the last readings"));
    return outcomeOf({ network, observer, device, trial, exitCode });
  } finally {
    if (exitCode === undefined) await device.kill();
    await observer.close();
    await network.close();
    removeFolder(folder);
  }
}

function start(port: number, room: string, flash: string, { qos, count }: Trial): DeviceProcess {
  const where = ["--broker", `mqtt://127.0.0.1:${port}`, "--room", room, "--flash", flash];
  return new DeviceProcess([
    "--headless",
    ...where,
    "--qos",
    `${qos}`,
    "--interval",
    `${INTERVAL_S}`,
    "--count",
    `${count}`,
  ]);
}

/**
 * The device gets no answer until the subscriber is back: messages that a broker delivers to no client, because it forgot the subscription,
 * prove nothing about the device.
 */
async function goAway(
  broker: PeerBroker,
  network: BadNetwork,
  observer: Collector,
  event: Event,
  onProgress: () => void,
): Promise<void> {
  const before = observer.subscriptions;
  network.weather = { kind: "blackHole" };
  await (event === "restart" ? broker.stop() : broker.kill());
  await sleep(AWAY_MS);
  await broker.start();
  await until(() => observer.subscriptions > before, BACK_MS, onProgress);
  network.resetAll();
  network.weather = { kind: "fair" };
}

interface Evidence {
  readonly network: BadNetwork;
  readonly observer: Collector;
  readonly device: DeviceProcess;
  readonly trial: Trial;
  readonly exitCode: number | null | undefined;
}

function outcomeOf({ network: { log }, observer, device, trial: { qos }, exitCode }: Evidence): Outcome {
  const sent = log.filter(({ from, packet }) => from === "device" && isReading(packet));
  const wireQos = Math.max(0, ...sent.map(({ packet }) => (packet.cmd === "publish" ? packet.qos : 0)));
  const lastLine = device.stderr.trimEnd().split("\n").at(-1) ?? "";
  const common = { spoken: spokenIn(log), wireQos, codes: codesIn(log), exitCode, lastLine };
  if (qos === 0) {
    const seen = observer.arrivals.length;
    const none = {
      waiting: 0,
      lost: 0,
      doubled: 0,
      disordered: 0,
      disorderedByBroker: 0,
      repeated: 0,
      sessionsLost: 0,
    };
    return { ...common, ...none, taken: sent.length, seen, lostByBroker: Math.max(0, sent.length - seen) };
  }
  const written = device.lines("reading ").flatMap((line) => /^reading seq=(\d+) /.exec(line)?.[1] ?? []);
  const { sequences } = observer;
  const verdict = judge({ log, written: written.map(Number), seen: sequences, qos: wireQos === 2 ? 2 : 1 });
  const seen = new Set(sequences).size;
  const settled = new Set(device.lines("settled ").flatMap((line) => /^settled seq=(\d+)/.exec(line)?.[1] ?? []));
  return {
    ...common,
    taken: written.length,
    seen,
    waiting: written.filter((seq) => !settled.has(seq)).length,
    lost: verdict.lost.filter((seq) => settled.has(`${seq}`)).length,
    doubled: verdict.doubled.length,
    disordered: verdict.disordered.length,
    lostByBroker: verdict.lostByBroker.length,
    disorderedByBroker: verdict.disorderedByBroker.length,
    repeated: sequences.length - seen,
    sessionsLost: verdict.sessionsLost,
  };
}

function isReading(packet: Packet): boolean {
  return packet.cmd === "publish" && packet.topic.endsWith("/temperature");
}

/** Of the connections that were accepted. */
function spokenIn(log: readonly Logged[]): string[] {
  const levels = new Map<number, number>();
  const spoken: string[] = [];
  for (const { connection, from, packet } of log) {
    if (packet.cmd === "connect") levels.set(connection, packet.protocolVersion ?? 4);
    if (from !== "broker" || packet.cmd !== "connack" || (packet.reasonCode ?? packet.returnCode) !== 0) continue;
    const version = levels.get(connection) === 5 ? "5" : "3.1.1";
    if (spoken.at(-1) !== version) spoken.push(version);
  }
  return spoken;
}

/** Codes above 0 in what the broker sent, but "no matching subscribers". */
function codesIn(log: readonly Logged[]): string[] {
  const counts = new Map<string, number>();
  for (const { from, packet } of log) {
    const { reasonCode, returnCode } = packet as { reasonCode?: number; returnCode?: number };
    const code = reasonCode ?? returnCode ?? 0;
    if (from !== "broker" || code === 0 || code === 0x10) continue;
    const name = `${packet.cmd} 0x${code.toString(16).padStart(2, "0")}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, count]) => `${count} x ${name}`);
}

/** At most for `limitMs`. */
async function until(condition: () => boolean, limitMs: number, onProgress: () => void): Promise<void> {
  for (const untilMs = Date.now() + limitMs; !condition() && Date.now() < untilMs; await sleep(STEP_MS)) onProgress();
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
