/*
 * Updates of the desktop device as a process, over a real mosquitto: killed by signal 9 at any moment of an update (announced, receiving,
 * reading back, selected, on trial), with restarts of the broker. Images are good, altered, malformed, signed with another key, or crash at
 * boot, hang, do not join the network, or find no sensor. In some rounds the outbox is full at the start.
 * Checked: the device connects to the broker again after each kill; each update ends as its image allows, with a reason in state and log;
 * each sample that was written arrives once.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { Chip } from "../../boards/desktop/chip.js";
import { type ImageFault, makeImage } from "../../boards/parts/flash/image.js";
import type { Offer } from "../../src/update/offer.js";
import { BadNetwork } from "../chaos/bad-network.js";
import { judge } from "../chaos/verdict.js";
import { type Device, UpdateLink } from "../companions/update/link.js";
import type { DeviceState } from "../companions/update/sender.js";
import { Random } from "../simulation/random.js";
import { Collector } from "../support/collector.js";
import type { Progress } from "../support/command-line/progress.js";
import { DeviceProcess } from "../support/device.js";
import { Mosquitto } from "../support/processes/mosquitto.js";
import { removeFolder, temporaryFolder } from "../support/temporary.js";
import { keyPair, offerOf } from "./support/keys.js";
import { TodaysRecorder } from "./support/recorder.js";

const KINDS = ["good", "good", "good", "changed", "noise", "unsigned", "crash", "hang", "deaf", "blind"] as const;
const FAULTS: readonly ImageFault[] = ["crash", "hang", "deaf", "blind"];
/** When the process is killed: in this state, as seen at the broker, or a little later. */
const MOMENTS = ["announced", "receiving", "receiving", "verifying", "switching", "trial"] as const;
const MOMENT_MS = 6_000;
const BOOT_MS = 60_000;
const ROUND_MS = 90_000;
const SETTLE_MS = 180_000;
const SAMPLE_S = 0.1;
const FULL_EACH = 8;

type Kind = (typeof KINDS)[number];

/** The result. */
export interface ProcessTally {
  kills: number;
  restarts: number;
  written: number;
  arrived: number;
  /** By mosquitto: acknowledged and not forwarded; forwarded twice, although sent once. */
  lostByBroker: number;
  doubledByBroker: number;
  /** By kind and result. */
  readonly ends: Record<string, number>;
  readonly violations: string[];
}

/** Runs so many updates, one after the other, of one device. `first`: number of the first; at 0 and every eighth the outbox is full. */
export async function updateProcesses(
  updates: number,
  seed: number,
  progress: Pick<Progress, "show">,
  first = 0,
): Promise<ProcessTally> {
  const folder = temporaryFolder("updates-");
  const broker = await Mosquitto.start();
  const collector = await Collector.start(broker.port, "home/kitchen/temperature");
  const wire = await BadNetwork.start(broker.port); // without faults: it only records, to attribute losses and doubles
  const house = new Run(new Random(seed), broker, wire.port, join(folder, "chip.flash"));
  const { tally } = house;
  await house.prepare();
  for (let n = 0; n < updates; n++) {
    await house.round(first + n);
    progress.show(() => `${n + 1} of ${updates}: ${JSON.stringify(tally.ends)}, ${tally.kills} kills`);
  }
  await house.settle();
  const limitMs = Date.now() + SETTLE_MS;
  const written = new Set(house.written);
  const missing = (): number[] => {
    for (const seq of collector.sequences) written.delete(seq);
    return [...written];
  };
  while (missing().length > 0 && Date.now() < limitMs) await sleep(500);
  const verdict = judge({ log: wire.log, written: [...house.written], seen: collector.sequences, qos: 2 });
  const { lost, doubled, lostByBroker, doubledByBroker } = verdict;
  if (lost.length > 0) tally.violations.push(`lost: ${lost.slice(0, 20)}`);
  if (doubled.length > 0) tally.violations.push(`doubled: ${doubled.slice(0, 20)}`);
  const byBroker = [...lostByBroker, ...doubledByBroker]; // which is never killed
  if (byBroker.length > 0) tally.violations.push(`lost or doubled by mosquitto: ${byBroker.slice(0, 20)}`);
  tally.lostByBroker = lostByBroker.length;
  tally.doubledByBroker = doubledByBroker.length;
  tally.written = house.written.size;
  tally.arrived = collector.arrivals.length;
  await collector.close();
  await wire.close();
  await broker.close();
  removeFolder(folder);
  return tally;
}

class Run {
  readonly tally: ProcessTally = {
    kills: 0,
    restarts: 0,
    written: 0,
    arrived: 0,
    lostByBroker: 0,
    doubledByBroker: 0,
    ends: {},
    violations: [],
  };
  /** Numbers of samples that are durable. */
  readonly written = new Set<number>();
  readonly #random: Random;
  readonly #broker: Mosquitto;
  /** Faults of the connection to the broker. */
  readonly #port: number;
  readonly #chip: string;
  #log = "";
  /** The running version, as far as known. */
  #version = "";

  constructor(random: Random, broker: Mosquitto, port: number, chip: string) {
    this.#random = random;
    this.#broker = broker;
    this.#port = port;
    this.#chip = chip;
  }

  /** A full outbox refuses new samples: a killed process could not always report evicted ones. */
  async prepare(): Promise<void> {
    const device = new DeviceProcess([
      "--flash",
      this.#chip,
      "--broker",
      `mqtt://127.0.0.1:${this.#port}`,
      "--qos",
      "2",
    ]);
    device.write("set outbox.full refuse\nsave\n");
    await device.until(({ stdout }) => stdout.includes("saved"));
    await device.kill();
  }

  /** Runs one update to its end. */
  async round(n: number): Promise<void> {
    const random = this.#random;
    const kind = random.pick(KINDS);
    if (n % FULL_EACH === 0) this.#fill();
    this.#log = "";
    const to = `1.0.${n}`;
    const { offer, sent } = imageOf(kind, to, random);
    let device = await this.#boot();
    const link = new UpdateLink(
      { host: "127.0.0.1", port: this.#broker.port, reconnectPeriod: 200 },
      undefined,
      () => {},
    );
    const target = await until(() => [...link.devices.values()].at(0), BOOT_MS);
    if (target === undefined) {
      this.tally.violations.push(`round ${n}: no state at the broker`);
      await this.#kill(device);
      return;
    }
    this.#version ||= target.state.version;
    let outcome: string | undefined;
    const heard = (): DeviceState | undefined => {
      const state = link.devices.get(target.id)?.state;
      return state?.id === offer.id ? state : undefined;
    };
    void link.update(target, offer, sent, () => {}).then((end) => (outcome = end));
    for (let kills = random.whole(0, 4); kills > 0 && outcome === undefined; kills--) {
      const moment = random.pick(MOMENTS);
      await until(() => outcome ?? (moment === "announced" || heard()?.state === moment || undefined), MOMENT_MS);
      await sleep(random.whole(0, random.pick([20, 100, 1_000])));
      if (random.chance(0.3)) await this.#restartBroker();
      await this.#kill(device);
      device = await this.#boot();
    }
    // A faulty image would stay on trial for ten minutes: it is killed before.
    const hasEnded = (): string | undefined => outcome;
    const isStuck = (): true | undefined =>
      heard()?.state === "trial" && (kind === "deaf" || kind === "blind") ? true : undefined;
    const endMs = Date.now() + ROUND_MS;
    while (hasEnded() === undefined && Date.now() < endMs) {
      await until(() => hasEnded() ?? isStuck() ?? this.#trialWithoutNetwork(kind, to, device), 5_000);
      if (hasEnded() !== undefined || !(isStuck() ?? this.#trialWithoutNetwork(kind, to, device))) continue;
      await sleep(random.whole(500, 2_000));
      await this.#kill(device);
      device = await this.#boot();
    }
    await link.takeBack(target);
    await link.close();
    await this.#kill(device);
    this.#judge(n, kind, to, outcome, link.devices.get(target.id));
  }

  /** Waits until all samples are sent, and the device ends by itself. */
  async settle(): Promise<void> {
    const device = this.#start("--count", "1"); // which is refused as long as it is full
    const code = await Promise.race([device.exit(), sleep(SETTLE_MS)]);
    if (code !== 0) this.tally.violations.push(`the device does not end: ${device.stdout.slice(-300)}${device.stderr}`);
    await this.#kill(device, false);
  }

  /** An image that does not join the network reports it only in its log. */
  #trialWithoutNetwork(kind: Kind, to: string, device: DeviceProcess): true | undefined {
    return kind === "deaf" && device.stderr.includes("is on trial") && this.#version !== to ? true : undefined;
  }

  #judge(n: number, kind: Kind, to: string, outcome: string | undefined, device: Device | undefined): void {
    const state = device?.state;
    const isNew = outcome === "confirmed";
    const faults = [
      outcome === undefined && "it has not ended",
      isNew && kind !== "good" && "what is no good was confirmed",
      kind === "unsigned" && outcome !== undefined && outcome !== "refused" && "another key's was not refused",
      state?.version !== (isNew ? to : this.#version) && `${state?.version} runs`,
      !isNew && !state?.reason && "no reason",
      !isNew && state?.reason && !this.#log.includes(state.reason) && "its log does not say why",
      isNew && !this.#log.includes(`${to} is being received`) && "its log does not say what came",
    ].filter((fault) => typeof fault === "string");
    for (const fault of faults)
      this.tally.violations.push(`round ${n}, ${kind}: ${fault}: ${JSON.stringify(state)}; ${newsOf(this.#log)}`);
    if (isNew) this.#version = to;
    const name = `${kind} ${outcome}`;
    this.tally.ends[name] = (this.tally.ends[name] ?? 0) + 1;
  }

  #start(...more: string[]): DeviceProcess {
    const to = ["--broker", `mqtt://127.0.0.1:${this.#port}`, "--room", "kitchen", "--qos", "2"];
    const key = Buffer.from(keyPair(1).publicKey).toString("hex");
    const options = ["--headless", ...to, "--interval", `${SAMPLE_S}`, "--flash", this.#chip, "--update-key", key];
    return new DeviceProcess([...options, ...more]);
  }

  /** Running and connected to the broker; or on trial with an image that does not join the network. */
  async #boot(): Promise<DeviceProcess> {
    const device = this.#start();
    const isThere = (): true | undefined => /connected to |is on trial/.test(device.stderr) || undefined;
    if ((await until(isThere, BOOT_MS)) === undefined)
      this.tally.violations.push(`not there after a boot: ${device.stderr.slice(-600)}`);
    return device;
  }

  async #kill(device: DeviceProcess, isCounted = true): Promise<void> {
    await device.kill();
    if (isCounted) this.tally.kills++;
    this.#log += device.stderr;
    for (const line of device.lines("reading ")) {
      const number = /^reading seq=(\d+) value=[-\d.]+/.exec(line)?.[1];
      if (number !== undefined) this.written.add(Number(number));
    }
  }

  async #restartBroker(): Promise<void> {
    this.tally.restarts++;
    await this.#broker.stop();
    await sleep(this.#random.whole(0, 500));
    await this.#broker.start();
  }

  /** Takes samples until the outbox is full. Afterwards the device is off. */
  #fill(): void {
    const chip = new Chip(this.#chip);
    const clock = { uptimeMs: () => this.written.size * 1_000, utcMs: () => undefined };
    const recorder = new TodaysRecorder({ flash: chip.outboxFlash(), whenFull: "refuse", clock }, false);
    for (let n = 0; ; n++) {
      const sequence = recorder.take(20 + ((n * 7) % 1_000) / 100, 40 + (n % 97) / 10);
      if (sequence < 0) break;
      this.written.add(sequence);
    }
    chip.close();
  }
}

/** The announcement, and the bytes that are sent. */
function imageOf(kind: Kind, version: string, random: Random): { offer: Offer; sent: Uint8Array } {
  const fault = FAULTS.find((each) => each === kind);
  const length = random.whole(30_000, 250_000);
  const image =
    kind === "noise"
      ? new Uint8Array(length).fill(random.whole(0, 255))
      : makeImage({ version, chip: "desktop", fault }, length);
  const id = createHash("sha256").update(`${version} ${length}`).digest("hex").slice(0, 8);
  const offer = offerOf(image, { id, version, chip: "desktop", key: keyPair(kind === "unsigned" ? 2 : 1) });
  const sent = kind === "changed" ? image.map((byte, at) => (at === length >> 1 ? byte ^ 1 : byte)) : image;
  return { offer, sent };
}

function newsOf(log: string): string {
  return log
    .split("\n")
    .filter((line) => /update|connected/.test(line))
    .slice(-12)
    .join(" | ");
}

/** The result of `look`; undefined: none within that time. */
async function until<T>(look: () => T | undefined, limitMs: number): Promise<T | undefined> {
  const endMs = Date.now() + limitMs;
  for (;;) {
    const found = look();
    if (found !== undefined || Date.now() >= endMs) return found;
    await sleep(5);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
