/*
 * Commands through chaos: a client sends them to the real desktop device, which takes readings only on request, while the device is killed, the
 * broker is restarted, and the network fails. Each command must be executed once: a reading in the subscriber's log for each `sample`, the last
 * value of each setting in force. At intervals the run waits until all is settled, and counts, so that a lost command and a doubled one do not
 * cancel out. A command that is executed twice because the broker forgot an acknowledgement is the broker's fault.
 */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mqtt, { type MqttClient } from "mqtt";
import type { Packet } from "mqtt-packet";
import { Collector } from "../../support/collector.js";
import { type Progress, printVerdict } from "../../support/command-line/progress.js";
import { DeviceProcess } from "../../support/device.js";
import { removeFolder } from "../../support/temporary.js";
import { type Stage, sleep, stirUp } from "../trouble.js";
import { judge } from "../verdict.js";
import { type Change, expected, inForce, tally } from "./tally.js";
import { breachesOf, eventsOf, isSubscribed } from "./wire.js";

/** Commands between two counts. */
const BATCH = 50;
const REST_MS = 90_000;
/** A sample takes about 130 ms, and at most 16 may wait: more at once would be refused. */
const PACE_MS = [100, 500] as const;
/** Samples that may wait in the device. */
const MAX_WAITING = 16;
/** Maximum number of commands that the device has not acknowledged: in flight, or refused. */
const MAX_OPEN = 8;
const ROOM = "chaos";
/** For the device to reach its broker: a busy machine takes seconds to start it. */
const PATIENCE_MS = 30_000;
/** A command that the connected device has not acknowledged by then was lost by a killed broker. */
const FORGOTTEN_MS = 10_000;
/** Waits for late samples, so that one too many at the end is seen. */
const LATE_MS = 3_000;
/** The settings that are changed. */
const KEYS = ["report", "offset", "deadband"];
const ANSWERS = "chaos/answers";
const MAX_SHOWN = 20;

export interface CommandsRun extends Stage {
  readonly count: number;
  readonly qos: 1 | 2;
  readonly version: string;
  readonly seed: number;
  readonly json: boolean;
  readonly folder: string;
  readonly progress: Progress;
}

/** A command that was sent. */
interface Sent {
  /** Correlation data; where `hasId`, also the id in its JSON. */
  readonly name: string;
  readonly line: string;
  readonly hasId: boolean;
}

/** Sends the commands, kills, counts, and ends the process: 0 if the device executed each once. */
export async function commandsThroughChaos(run: CommandsRun): Promise<never> {
  const chaos = new Commands(run);
  await chaos.prepare();
  while (chaos.sent.length < run.count) {
    await chaos.batch();
    await chaos.rest();
  }
  await chaos.end();
  return chaos.report();
}

class Commands {
  readonly sent: Sent[] = [];
  readonly #run: CommandsRun;
  /** Names of the commands that the broker has acknowledged to their sender. */
  readonly #accepted = new Set<string>();
  readonly #answers = new Map<string, string>();
  #client!: MqttClient;
  #readings!: Collector;
  #device: DeviceProcess | undefined;
  #topic = "";
  #kills = 0;
  /** Lines of the device's log that report a changed setting. */
  #settingsDone = 0;
  #isAway = false;
  readonly #complaints: string[] = [];
  #lost = 0;
  #doubled = 0;

  constructor(run: CommandsRun) {
    this.#run = run;
  }

  /** Writes the device's settings, and connects the observers. */
  async prepare(): Promise<void> {
    const { broker, folder } = this.#run;
    const device = new DeviceProcess(["--no-page", "--flash", join(folder, "chip.flash"), "--interval", "86400"]);
    device.write("set remote on\nsave\nshow remote\nshow id\n");
    await device.until(({ stdout }) => /remote +on/.test(stdout) && /client id.*\n/.test(stdout));
    await device.kill();
    this.#readings = await Collector.start(broker.port, `home/${ROOM}/temperature`);
    this.#client = mqtt.connect({
      host: "127.0.0.1",
      port: broker.port,
      protocolVersion: 5,
      clientId: `commander${this.#run.seed}`,
      clean: false,
      properties: { sessionExpiryInterval: 86_400 },
      reconnectPeriod: 100,
      resubscribe: false,
    });
    this.#client.on("error", () => {}); // it reconnects by itself
    this.#client.on("message", (_topic, payload, { properties }) => {
      const name = properties?.correlationData?.toString();
      if (name !== undefined) this.#answers.set(name, JSON.parse(payload.toString()).answer);
    });
    await this.#client.subscribeAsync(ANSWERS, { qos: 2 });
    // The status topic contains its id. The device subscribes after the first answer on its connection: a command sent before that is lost.
    const status = await Collector.start(broker.port, `home/${ROOM}/+/status`);
    this.#start();
    await status.until(1);
    this.#topic = status.arrivals[0].topic.replace(/status$/, "command");
    await status.close();
    while (!isSubscribed(this.#run.proxy.log, this.#topic)) await sleep(50);
  }

  /** Sends so many commands while the device is killed again and again. */
  async batch(): Promise<void> {
    const { random, count } = this.#run;
    const end = Math.min(count, this.sent.length + BATCH);
    let isSending = true;
    const killing = (async () => {
      while (isSending) {
        const trouble = random.chance(0.5) ? stirUp(this.#run, random.whole(300, 2_500)) : Promise.resolve();
        await sleep(random.whole(0, random.pick([100, 500, 1_500])));
        await this.#kill();
        this.#start();
        await trouble;
        // In most lives it connects to its broker.
        if (random.chance(0.7)) await Promise.race([this.#untilHeard(), sleep(PATIENCE_MS)]);
      }
    })();
    let sentMs = Date.now();
    while (this.sent.length < end) {
      await sleep(random.whole(...PACE_MS));
      if (this.#open < MAX_OPEN) {
        this.#send();
        sentMs = Date.now();
      } else if (Date.now() - sentMs > FORGOTTEN_MS) this.#forgotten = this.#unacknowledged;
    }
    isSending = false;
    await killing;
  }

  /** Stops the faults, waits until all is settled, and counts. */
  async rest(): Promise<void> {
    const { proxy, progress, count } = this.#run;
    proxy.weather = { kind: "fair" };
    await this.#kill(); // it may wait long for its next attempt
    this.#start();
    const limitMs = Date.now() + REST_MS;
    await Promise.race([this.#untilHeard(), sleep(PATIENCE_MS)]);
    await this.#untilStill(() => this.#open === 0, FORGOTTEN_MS, limitMs);
    // The last one may still be measuring, and then be in flight.
    await this.#untilStill(() => this.#distinct >= this.#expected.least - this.#lost, FORGOTTEN_MS, limitMs);
    if (this.sent.length >= count) await sleep(LATE_MS);
    this.#count();
    await this.#checkSettings();
    progress.show(
      () => `${this.sent.length} commands, ${this.#kills} kills, ${this.#readings.arrivals.length} samples seen`,
    );
  }

  /** Waits until `isSo` returns true, or nothing has arrived for `stillMs`. */
  async #untilStill(isSo: () => boolean, stillMs: number, limitMs: number): Promise<void> {
    const { proxy } = this.#run;
    let length = -1;
    let sinceMs = Date.now();
    while (!isSo() && Date.now() < limitMs && Date.now() - sinceMs < stillMs) {
      const now = proxy.log.length + this.#readings.arrivals.length;
      if (now !== length) sinceMs = Date.now();
      length = now;
      await sleep(100);
    }
  }

  async end(): Promise<void> {
    this.#takeDown();
    await this.#device?.kill();
    await this.#client.endAsync(true);
    await this.#readings.close();
    await this.#run.proxy.close();
    await this.#run.broker.close();
    removeFolder(this.#run.folder);
  }

  report(): never {
    const { seed, json, qos, progress, proxy } = this.#run;
    const events = eventsOf(proxy.log, nameOf);
    const delivered = [...tally(events).values()];
    const breaches = breachesOf(events, { qos, accepted: this.#accepted });
    const samples = this.sent.filter(({ line }) => line === "sample");
    const settings = this.sent.filter(({ line }) => changeOf(line) !== undefined);
    const refused = this.sent.filter(({ name }) => this.#answers.get(name)?.startsWith("error"));
    const figures = {
      seed,
      qos,
      commands: this.sent.length,
      kills: this.#kills,
      samples: samples.length,
      samplesSeen: this.#distinct,
      samplesLostByBroker: this.#lostByBroker.length,
      settings: settings.length,
      settingsDone: this.#settingsDone,
      answered: this.#answers.size,
      refused: refused.length,
      lost: this.#lost,
      doubled: this.#doubled,
      deliveredAgain: delivered.reduce((sum, { again }) => sum + again, 0),
      maskedByBroker: delivered.reduce((sum, { masked }) => sum + masked, 0),
      neverDelivered: this.sent.length - delivered.length,
      breachesOfBroker: breaches.length,
    };
    if (json) console.log(JSON.stringify(figures));
    else for (const [name, value] of Object.entries(figures)) console.log(`${name}: ${value}`);
    for (const one of refused.slice(0, MAX_SHOWN))
      progress.line(`refused: ${one.line}: ${this.#answers.get(one.name)}`);
    for (const breach of breaches.slice(0, MAX_SHOWN)) progress.line(`by the broker: ${breach}`);
    for (const complaint of this.#complaints) progress.line(complaint);
    const failed = this.#complaints.length > 0;
    if (failed) progress.line(`packets recorded in ${this.#writeLog()}`);
    const verdict = failed ? `BROKEN: ${this.#complaints.length} complaints` : "kept: each executed once";
    printVerdict(`${verdict}, of ${this.sent.length} commands through ${this.#kills} kills`, json);
    process.exit(failed ? 1 : 0);
  }

  /** Commands that the device has not acknowledged. */
  get #open(): number {
    return this.#unacknowledged - this.#forgotten;
  }

  get #unacknowledged(): number {
    const delivered = tally(eventsOf(this.#run.proxy.log, nameOf));
    return this.sent.filter(({ name }) => (delivered.get(name)?.acknowledged ?? 0) === 0).length;
  }

  /** How many of the unacknowledged commands a broker has forgotten: they will not arrive. */
  #forgotten = 0;

  get #distinct(): number {
    return new Set(this.#readings.sequences).size;
  }

  /** Readings that the broker has acknowledged to the device, and not delivered: their samples were taken. */
  get #lostByBroker(): readonly number[] {
    const seen = this.#readings.sequences;
    const count = Math.max(-1, ...seen) + 1 + MAX_WAITING; // the newest may be among them
    const written = Array.from({ length: count }, (_, seq) => seq);
    return judge({ log: this.#run.proxy.log, written, seen, qos: 2 }).lostByBroker;
  }

  #send(): void {
    const { random, qos } = this.#run;
    const n = this.sent.length;
    const line = random.pick([
      () => "sample",
      () => "sample",
      () => `report ${1 + (n % 1_000)}`,
      () => `offset ${((n % 90) / 10).toFixed(1)}`,
      () => `deadband ${((n % 50) / 10).toFixed(1)}`,
      () => "identify",
    ])();
    const command = { name: `${n}`, line, hasId: random.chance(0.3) };
    this.sent.push(command);
    const payload = command.hasId ? JSON.stringify({ command: line, id: command.name }) : line;
    const properties = { responseTopic: ANSWERS, correlationData: Buffer.from(command.name) };
    // Resolves when the broker has it; the broker may be down.
    this.#client.publishAsync(this.#topic, payload, { qos, properties }).then(
      () => this.#accepted.add(command.name),
      () => {},
    );
  }

  /** How many samples the subscriber should see. */
  get #expected(): ReturnType<typeof expected> {
    const samples = this.sent.filter(
      ({ line, name }) => line === "sample" && !this.#answers.get(name)?.startsWith("error"),
    );
    return expected(samples, tally(eventsOf(this.#run.proxy.log, nameOf)));
  }

  /** Compares the commands that the broker delivered with the samples that the subscriber has seen. */
  #count(): void {
    const { least, most } = this.#expected;
    const seen = this.#distinct + this.#lostByBroker.length;
    if (seen < least - this.#lost) {
      this.#complaints.push(`behind command ${this.sent.length}: ${least - this.#lost - seen} samples lost`);
      this.#lost = least - seen;
    }
    if (seen > most + this.#doubled) {
      this.#complaints.push(`behind command ${this.sent.length}: ${seen - most - this.#doubled} samples too many`);
      this.#doubled = seen - most;
    }
    this.#forgotten = this.#unacknowledged;
  }

  /** Each setting has a value that the delivered commands allow. */
  async #checkSettings(): Promise<void> {
    const { sent } = this;
    const wanted = inForce(eventsOf(this.#run.proxy.log, nameOf), (name) => changeOf(sent[Number(name)].line));
    for (const key of KEYS) {
      const values = wanted.get(key);
      if (values === undefined) continue;
      const name = `show ${key} ${sent.length}`;
      const properties = { responseTopic: ANSWERS, correlationData: Buffer.from(name) };
      await this.#client.publishAsync(this.#topic, `show ${key}`, { qos: 1, properties });
      for (let n = 0; n < 100 && !this.#answers.has(name); n++) await sleep(100);
      const answer = this.#answers.get(name) ?? "no answer";
      this.#answers.delete(name);
      const value = new RegExp(`^ *${key} +(\\S+)`, "m").exec(answer)?.[1];
      if ([...values].some((one) => Number(one) === Number(value))) continue;
      const may = [...values].join(" or ");
      this.#complaints.push(`behind command ${sent.length}: ${key} is to be ${may} by what was delivered: ${answer}`);
    }
  }

  #start(): void {
    const { proxy, version, folder } = this.#run;
    this.#isAway = false;
    this.#device = new DeviceProcess([
      "--headless",
      "--on-request",
      "--broker",
      `mqtt://127.0.0.1:${proxy.port}`,
      "--room",
      ROOM,
      "--qos",
      "2",
      "--mqtt-version",
      version,
      "--flash",
      join(folder, "chip.flash"),
    ]);
  }

  async #kill(): Promise<void> {
    this.#isAway = true;
    await this.#device?.kill();
    this.#kills++;
    this.#takeDown();
  }

  /** The settings that the device reported as changed. */
  #takeDown(): void {
    const output = `${this.#device?.stdout}\n${this.#device?.stderr}`;
    this.#settingsDone += [...output.matchAll(new RegExp(`command (?:${KEYS.join("|")}): done`, "g"))].length;
  }

  /** The device's connection is in use: a packet other than CONNECT has arrived from it. */
  async #untilHeard(): Promise<void> {
    const { log } = this.#run.proxy;
    const from = log.length;
    while (!this.#isAway && !log.slice(from).some((one) => one.from === "broker" && one.packet.cmd !== "connack"))
      await sleep(50);
  }

  #writeLog(): string {
    const file = join(mkdtempSync(join(tmpdir(), "chaos-")), "wire.txt");
    const lines = this.#run.proxy.log.map(({ connection, from, packet }) => {
      const { cmd, messageId = "", dup = false, payload = "" } = packet as Packet & { dup?: boolean; payload?: Buffer };
      return `${connection} ${from} ${cmd} ${messageId} ${dup ? "dup " : ""}${nameOf(packet) ?? ""} ${payload}`;
    });
    writeFileSync(file, `${lines.join("\n")}\nseen: ${this.#readings.sequences.join(" ")}\n`);
    return file;
  }
}

/** Of a line that changes a setting. */
function changeOf(line: string): Change | undefined {
  const [key, value] = line.split(" ");
  return KEYS.includes(key) ? { key, value } : undefined;
}

/** Of a command, its correlation data. */
function nameOf(packet: Packet): string | undefined {
  if (packet.cmd !== "publish" || !packet.topic.endsWith("/command")) return undefined;
  const name = packet.properties?.correlationData?.toString();
  return name?.startsWith("show") ? undefined : name;
}
