/*
 * Chaos: the real desktop process with a real broker, through faults that a seed determines. The process is killed by signal 9 again and
 * again, and started again with the same flash. The broker is stopped, killed
 * and restarted. A proxy between them resets, drops, delays and truncates, and leaves connections half open. An independent subscriber
 * counts. Each violation is attributed by the wire log to the device or to the broker.
 */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { IPublishPacket, Packet } from "mqtt-packet";
import { Random } from "../simulation/random.js";
import { Collector } from "../support/collector.js";
import { choice, commandLine, flag, misused, preset, seedOption, whole } from "../support/command-line/command-line.js";
import { Progress, printVerdict } from "../support/command-line/progress.js";
import { DeviceProcess } from "../support/device.js";
import { exitOnSignals, removeFolder, temporaryFolder } from "../support/temporary.js";
import { BadNetwork } from "./bad-network.js";
import { brokerAt, type RealBroker, startAedes, startMosquitto } from "./brokers.js";
import { commandsThroughChaos } from "./commands/run.js";
import { stirUp } from "./trouble.js";
import { judge } from "./verdict.js";

const SETTLE_MS = 120_000; // without faults everything is delivered in less time, or is lost
const INTERVAL_S = 0.02;
/** Interval of a device that sleeps: it does not sleep for less than half a second. */
const SLEEPER_INTERVAL_S = 1;

const { values: options } = commandLine(
  {
    program: "npm run chaos --",
    does: "Runs the desktop device with a real broker: both are killed again and again, and the network between them fails.",
    notes: ["Exit: 0 no reading lost, doubled or out of order by us; 1 some were; 2 usage."],
  },
  {
    cuts: preset("50", whole("N", "how often the device is killed", 1, 1_000_000)),
    "on-request": whole(
      "N",
      "sends commands instead of waiting for readings: each must be executed once",
      1,
      1_000_000,
    ),
    qos: preset("2", choice("of the readings", ["1", "2"])),
    v: preset("auto", choice("the version of MQTT that the device speaks", ["auto", "5", "3.1.1"])),
    broker: preset("mosquitto", choice("the broker", ["mosquitto", "aedes", "other"])),
    port: whole("N", "port of another broker, which runs on this machine and is not stopped", 1, 65_535),
    sleep: flag("a device that sleeps between readings, and is killed asleep, awake and during reports"),
    seed: seedOption(),
    json: flag("only the figures, as one line of JSON"),
  },
);
const qos = options.qos === "1" ? 1 : 2;
const progress = new Progress();
const replay = `npm run chaos -- --cuts ${options.cuts} --qos ${options.qos} --v ${options.v} --broker ${options.broker}${options.port === undefined ? "" : ` --port ${options.port}`}${options.sleep ? " --sleep" : ""} --seed ${options.seed}`;
const what = options["on-request"] === undefined ? `${options.cuts} cuts` : `${options["on-request"]} commands`;
say(`seed ${options.seed}: ${what} at QoS ${qos} on ${options.broker}, MQTT ${options.v}`);
const random = new Random(options.seed);
exitOnSignals();
const folder = temporaryFolder("chaos-");
const broker = await openBroker();
const proxy = await BadNetwork.start(broker.port);
if (options["on-request"] !== undefined) {
  if (options.sleep) misused("--on-request: not with --sleep, which takes samples at intervals");
  if (options.v === "3.1.1")
    misused("--on-request: needs MQTT 5, because commands are distinguished by their correlation data");
  const { v: version, seed, json } = options;
  await commandsThroughChaos({
    count: options["on-request"],
    qos,
    version,
    seed,
    json,
    folder,
    random,
    proxy,
    broker,
    progress,
  });
}
const collector = await Collector.start(broker.port, "home/+/temperature");
const written: number[] = [];
const kills = { asleep: 0, awake: 0 };
if (options.sleep) await prepare();

for (let cut = 1; cut <= options.cuts; cut++) {
  await oneLife();
  progress.show(
    () => `${cut} of ${options.cuts} cuts, ${written.length} readings written, ${collector.arrivals.length} arrivals`,
  );
}
progress.line("no more faults: the device delivers the rest");
await calm();
const verdict = judge({ log: proxy.log, written, seen: collector.sequences, qos });
await collector.close();
await proxy.close();
await broker.close();
removeFolder(folder);
report();

function openBroker(): Promise<RealBroker> {
  switch (options.broker) {
    case "mosquitto":
      return startMosquitto();
    case "aedes":
      return startAedes();
    case "other":
      return Promise.resolve(brokerAt(options.port ?? misused("--broker other: give its --port")));
    default:
      throw new TypeError(`broker: ${options.broker satisfies never}`);
  }
}

/** Saves settings through the prompt: a short time awake, and a report every few readings. */
async function prepare(): Promise<void> {
  const device = new DeviceProcess(["--flash", join(folder, "chip.flash"), "--interval", "60"]);
  device.write("set awake 10\nset report 0.05\nsave\nshow report\n");
  await device.until(({ stdout }) => stdout.includes("0.05 min"));
  await device.kill();
}

/** As `oneLife`, for a device that sleeps: killed while it sleeps, measures or reports; mostly after it has slept. */
async function oneSleepersLife(): Promise<void> {
  const device = start(["--sleep"]);
  const trouble = random.chance(0.6) ? stirUp({ random, proxy, broker }, random.whole(300, 15_000)) : Promise.resolve();
  const sleeps = random.pick([0, 1, 1, 2, 4, 8]);
  await device.until((one) => one.lines("asleep ").length >= sleeps && one.lines("reading ").length > 0);
  await sleep(random.whole(0, 3000));
  kills[device.lines("asleep ").length > device.lines("awake").length ? "asleep" : "awake"]++;
  await device.kill();
  takeDown(device);
  await trouble;
}

/** From power on to power cut. */
async function oneLife(): Promise<void> {
  if (options.sleep) {
    await oneSleepersLife();
    return;
  }
  const device = start([]);
  const lifeMs = random.whole(0, random.pick([100, 500, 2000]));
  const trouble = random.chance(0.6)
    ? stirUp({ random, proxy, broker }, random.whole(300, lifeMs + 300))
    : Promise.resolve();
  // Mostly it is killed while it works, sometimes while it boots.
  if (random.chance(0.9)) await device.until((one) => one.lines("reading ").length > 0);
  await sleep(lifeMs);
  await device.kill();
  takeDown(device);
  await trouble;
}

/** Without faults: the device delivers its entries and ends by itself. */
async function calm(): Promise<void> {
  proxy.weather = { kind: "fair" };
  const device = start(["--count", "1"]);
  const code = await Promise.race([device.exit(), sleep(SETTLE_MS)]);
  if (code !== 0) {
    say(`the device did not settle within ${SETTLE_MS / 1000} s: ${device.stderr.slice(-500)}`);
    await device.kill();
  }
  takeDown(device);
  const sent = new Set(written);
  const limitMs = Date.now() + 10_000;
  while (Date.now() < limitMs) {
    for (const seq of collector.sequences) sent.delete(seq);
    if (sent.size === 0) return;
    await sleep(100);
  }
}

function start(more: readonly string[]): DeviceProcess {
  const url = `mqtt://127.0.0.1:${proxy.port}`;
  const common = [
    "--headless",
    "--broker",
    url,
    "--room",
    "chaos",
    "--qos",
    `${options.qos}`,
    "--mqtt-version",
    options.v,
  ];
  const interval = options.sleep ? SLEEPER_INTERVAL_S : INTERVAL_S;
  return new DeviceProcess([...common, "--interval", `${interval}`, "--flash", join(folder, "chip.flash"), ...more]);
}

/** The readings that a device reported as written to flash. */
function takeDown(device: DeviceProcess): void {
  for (const line of device.lines("reading ")) {
    const number = /^reading seq=(\d+) value=[-\d.]+$/.exec(line)?.[1]; // whole lines only: the last may be cut off
    if (number !== undefined) written.push(Number(number));
  }
}

function report(): void {
  const { lost, lostByBroker, doubled, doubledByBroker, disordered, disorderedByBroker, sessionsLost } = verdict;
  const figures = {
    seed: options.seed,
    cuts: options.cuts,
    readings: written.length,
    arrivals: collector.arrivals.length,
    lost: lost.length,
    doubled: doubled.length,
    disordered: disordered.length,
    lostByBroker: lostByBroker.length,
    doubledByBroker: doubledByBroker.length,
    disorderedByBroker: disorderedByBroker.length,
    sessionsLostByBroker: sessionsLost,
    ...(options.sleep ? { killedAsleep: kills.asleep, killedAwake: kills.awake } : {}),
  };
  if (options.json) console.log(JSON.stringify(figures));
  else for (const [name, value] of Object.entries(figures)) console.log(`${name}: ${value}`);
  const failed = lost.length + doubled.length + disordered.length > 0;
  if (failed) {
    say(`lost: ${some(lost)}; doubled: ${some(doubled)}; out of order: ${some(disordered)}`);
    say(`to repeat, with other timing: ${replay}`);
  }
  if (failed || lostByBroker.length + doubledByBroker.length + disorderedByBroker.length > 0) {
    say(
      `by the broker: lost ${some(lostByBroker)}; doubled ${some(doubledByBroker)}; out of order ${some(disorderedByBroker)}`,
    );
    say(`packets recorded in ${writeLog()}`);
  }
  printVerdict(
    `${failed ? "BROKEN" : "kept"}: ${lost.length} lost, ${doubled.length} doubled, ${disordered.length} out of order ` +
      `of ${written.length} readings in ${options.cuts} cuts`,
    options.json,
  );
  process.exit(failed ? 1 : 0);
}

function some(numbers: readonly (number | string)[]): string {
  return numbers.length === 0 ? "none" : numbers.slice(0, 20).join(", ");
}

/** The wire log as lines of text: connection, sender, packet. Returns the file's name. */
function writeLog(): string {
  const file = join(mkdtempSync(join(tmpdir(), "chaos-")), "wire.txt");
  const lines = proxy.log.map(({ connection, from, packet }) => {
    const {
      cmd,
      reasonCode = "",
      messageId = "",
      dup = false,
      payload = "",
      sessionPresent = "",
    } = packet as Partial<IPublishPacket> & Packet & { sessionPresent?: boolean; reasonCode?: number };
    return `${connection} ${from} ${cmd} ${messageId} ${reasonCode} ${dup ? "dup " : ""}${payload}${sessionPresent}`;
  });
  writeFileSync(file, `${lines.join("\n")}\nseen: ${collector.sequences.join(" ")}\n`);
  return file;
}

/** Progress, beside the figures. */
function say(text: string): void {
  progress.line(text);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
