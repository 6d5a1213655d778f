/*
 * Whole devices on three nodes of RabbitMQ behind a load balancer: one node is killed, later another one is cut off. No reading that the cluster
 * has acknowledged may be missing at a persistent subscriber, and the remaining nodes must serve every device again.
 */
import { uptimeMs } from "../../../boards/desktop/timers.js";
import { Thermometer } from "../../../src/thermometer.js";
import { rabbitMQRoot } from "../../peers/debian.js";
import { Collector } from "../../support/collector.js";
import { removeFolder, temporaryFolder } from "../../support/temporary.js";
import { deviceBoard } from "../whole-device.js";
import { type Balance, Ledger } from "./ledger.js";
import { Host, OWN_ADDRESS } from "./namespaces.js";
import { Balancer, Node } from "./rabbitmq.js";

const NODES = 3;
const RELEASE = "4.";
const LIMIT_MS = 900_000; // a device's longest back-off, and an Erlang that starts on a busy machine
/** After so long without an arrival, no more is expected. */
const QUIET_MS = 180_000;
const CHECK_MS = 1_000;
const FAIR_INTERVALS = 2;
/**
 * Without discovery, so that they do not subscribe. A client that subscribes at QoS 0 in a persistent session has a queue on one node, and
 * RabbitMQ 4.3.6 does not answer its CONNECT for more than a minute while that node is down.
 */
const PUBLISHES_ALONE = { discovery: "off" };

export interface CampaignOptions {
  readonly devices: number;
  readonly intervalS: number;
  readonly roots: readonly string[];
  /** How long a node is down, at least. */
  readonly awayMs: number;
  readonly say: (line: string) => void;
  readonly show: (text: () => string) => void;
}

/** The result of a step of the campaign. */
export interface Step {
  readonly what: string;
  /** Connections by node: devices and the subscriber. */
  readonly spread: string;
  /** Seconds until every device had something acknowledged. */
  readonly servedS: number;
}

export interface CampaignResult {
  readonly version: string;
  readonly steps: readonly Step[];
  readonly balance: Balance;
  /** Every device was served after every step, and in the end all readings are acknowledged. */
  readonly isServed: boolean;
}

/** Runs in this process's own network namespace. @throws Error if RabbitMQ is not installed */
export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const { say, show, devices: count, intervalS } = options;
  const found = await rabbitMQRoot({ roots: options.roots, fetched: "" }, RELEASE);
  if (found === undefined) throw new Error("no RabbitMQ 4 is here: --root FOLDER, as `npm run peers -- --list` says");
  const folder = temporaryFolder("cluster-");
  const hosts = Host.network(NODES);
  const nodes = hosts.map((host) => new Node(found.root, folder, host, hosts));
  const balancer = new Balancer(folder, hosts);
  const devices: Thermometer[] = [];
  const endings: (() => unknown)[] = [() => removeFolder(folder)];
  try {
    say(`RabbitMQ ${found.version} on ${hosts.map(({ address }) => address).join(", ")}: starting`);
    endings.push(() => Promise.all(nodes.map((node) => node.kill())));
    await Promise.all(nodes.map((node) => node.start())); // each waits for the others
    await nodes[0].control(["await_online_nodes", `${NODES}`]); // one cluster, not three
    endings.push(() => balancer.stop());
    await balancer.start();
    const filter = "home/+/temperature";
    const observer = await Collector.start(balancer.port, filter, 1, { host: OWN_ADDRESS });
    endings.push(() => observer.close());
    const ledger = new Ledger(count, uptimeMs);
    const steps: Step[] = [];

    /** Waits until every device was served since now. */
    const step = async (what: string): Promise<void> => {
      const fromMs = uptimeMs();
      const isServed = await until(
        () => ledger.servedSince(fromMs) === count,
        () =>
          show(
            () =>
              `${what}: ${ledger.servedSince(fromMs)} of ${count} served since; ${observer.arrivals.length} arrivals`,
          ),
      );
      const servedS = isServed ? Math.round((uptimeMs() - fromMs) / 1000) : Number.POSITIVE_INFINITY;
      const spread = [...(await balancer.spread())]
        .map(([name, { connections, isUp }]) => `${name} ${isUp ? connections : "down"}`)
        .join(", ");
      steps.push({ what, spread, servedS });
      say(`${what}: all served after ${servedS} s; ${spread}`);
    };
    const areUp = async (): Promise<boolean> => {
      const found = [...(await balancer.spread()).values()];
      return found.length === NODES && found.every(({ isUp }) => isUp);
    };

    endings.push(() => devices.forEach((device) => device.close()));
    for (let index = 0; index < count; index++) {
      const where = { index, host: OWN_ADDRESS, port: balancer.port, intervalS, settings: PUBLISHES_ALONE };
      devices.push(new Thermometer(deviceBoard({ ...where, observer: ledger.observer(index) }).board));
      if (index % 20 === 19) await sleep(100); // they are not all switched on at the same moment
    }
    await step("switched on");
    await sleep(FAIR_INTERVALS * intervalS * 1000);
    await step("at work");

    const [, second, third] = nodes;
    await second.kill();
    say(`${second.host.name}: killed`);
    await step(`${second.host.name} killed`);
    await sleep(options.awayMs);
    await second.start();
    await until(areUp, () => show(() => `${second.host.name} starts`));
    await step(`${second.host.name} is back`);

    third.host.cutOff();
    say(`${third.host.name}: cut off`);
    await step(`${third.host.name} cut off`);
    await sleep(options.awayMs);
    third.host.connect();
    await until(areUp, () => show(() => `${third.host.name} comes back`));
    await step(`${third.host.name} is back`);

    for (const device of devices) device.stopSampling();
    const isDrained = await until(
      () => ledger.balance(observer.arrivals).waiting === 0,
      () => show(() => `no more readings: ${ledger.balance(observer.arrivals).waiting} to be acknowledged`),
    );
    // A quorum queue delivers its messages far more slowly than it accepts them: messages that still arrive are not lost.
    for (let seen = -1; seen < observer.arrivals.length; ) {
      seen = observer.arrivals.length;
      await until(
        () => ledger.balance(observer.arrivals).lost.length === 0,
        () => show(() => `acknowledged and not seen yet: ${ledger.balance(observer.arrivals).lost.length}`),
        QUIET_MS,
      );
    }
    return {
      version: found.version,
      steps,
      balance: ledger.balance(observer.arrivals),
      isServed: isDrained && steps.every(({ servedS }) => Number.isFinite(servedS)),
    };
  } finally {
    for (const end of endings.reverse()) await end();
  }
}

/** Whether the condition became true in time. */
async function until(
  condition: () => boolean | Promise<boolean>,
  onProgress: () => void,
  limitMs = LIMIT_MS,
): Promise<boolean> {
  for (const untilMs = uptimeMs() + limitMs; uptimeMs() < untilMs; await sleep(CHECK_MS)) {
    if (await condition()) return true;
    onProgress();
  }
  return false;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
