/*
 * The desktop board: the unchanged firmware on Node, with simulated parts on a simulated bus, its flash in a file, TCP
 * through Node, the terminal as its serial port. `npm start` bundles src/main.ts with this as its `board`.
 * Reads the command line when it is imported, because the firmware, too, starts when it is imported, as on a chip.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { printable } from "../../src/console/port/printable.js";
import { startFirmware } from "../../src/firmware.js";
import { VERSION } from "../../src/version.js";
import type { FirmwareOnXS } from "../xs/run.js";
import { readCredentials } from "./configuration.js";
import { DesktopDevice, type DeviceListener } from "./device.js";
import { DeviceClock } from "./device-clock.js";
import { ImageError } from "./flash/flash-file.js";
import type { EmbeddedBroker } from "./network/broker.js";
import { Subscriber } from "./network/subscriber.js";
import { bootOnXS, type Elsewhere } from "./on-xs.js";
import { parseOptions, USAGE, UsageError } from "./options/options.js";
import { Run } from "./run.js";
import { openPseudoTerminal } from "./terminal/pty.js";
import { terminal } from "./terminal/terminal.js";
import { openUnits, type Unit } from "./units.js";

const DEFAULT_IMAGE = "thermometer.flash";
/** Shorter than on a wall, for a person who watches: a reading each minute and a report each hour would be too rare. */
const DEFAULTS = Object.freeze({ interval: "5", sensor: "tmp117", report: "0.5", awake: "10" });

const CHIP_CHECK_MS = 1_000;
const CLOCK_CHECK_MS = 1_000;

const options = orExit(() => parseOptions(process.argv.slice(2)));
if (options.help) {
  console.log(USAGE);
  process.exit(0);
}
const credentials = orExit(() => readCredentials(options));
// A headless run without --flash is a new chip each time, so that scripts do not find data of an earlier run.
const temporary =
  options.flash === undefined && options.headless ? mkdtempSync(join(tmpdir(), "thermometer-")) : undefined;
const image = options.flash ?? join(temporary ?? "", DEFAULT_IMAGE);
const units = orExit(() => openUnits(options, image, credentials, DEFAULTS));
const [{ chip, configuration }] = units;
const pty = options.serial === "pty" ? await openPseudoTerminal().catch(exitOf) : undefined;
const subscriber = new Subscriber((line) => run.print(line));
const embedded = units.every((unit) => unit.configuration.namesBroker) ? undefined : await embeddedBroker();
const clock = new DeviceClock();
const run = new Run({
  headless: options.headless,
  count: options.count,
  onRequest: options.onRequest,
  durationMs: options.durationMs,
  onCountedAsleep: () => device.sleeping.press(),
  whenShown: (newest, done) => subscriber.whenShown(newest, done),
  stopOthers,
  atEnd,
});
/** For scripts, the network is always up: `setup` does not ask about Wi-Fi, and the log has no line about it. */
const hasPerson = options.serial === "pty" || (process.stdin.isTTY && process.stdout.isTTY);
const page = options.page && (await (await import("./page/server/page-run.js")).preparePage(units));
const devices = units.map((unit, at) => makeDevice(unit, at));
const [device] = devices;
export const board = device.board;
watchChips();
watchClock();
if (!options.headless) await introduce();
for (const { board } of devices.slice(1)) board.boot(() => startFirmware(board));

function makeDevice(unit: Unit, at: number): DesktopDevice {
  const isFirst = at === 0;
  const own = isFirst && !options.headless ? (pty?.serial ?? terminal(run.terminal)) : undefined;
  const model = page?.models[at];
  const follow = (): void => {
    if (isFirst && !options.headless) subscriber.follow(unit.configuration.broker());
  };
  const made: DesktopDevice = new DesktopDevice({
    chip: unit.chip,
    clock,
    listener: listenerOf([{ booting: follow }, isFirst ? run : {}, model ?? {}]),
    serial: model?.line.over(own, () => made.isOn) ?? own,
    hasWiFi: model !== undefined && hasPerson && options.engine === "node",
    hasKeys: isFirst && !options.headless && options.serial === "terminal",
    defaults: DEFAULTS,
    credentials,
    overrides: () => unit.configuration.overrides(),
    images: unit.images,
    elsewhere: options.engine === "xs" ? onXS() : undefined,
    onNoImage: exitOf,
    trace: (line) => console.error(printable(line)),
    onQuit: () => run.end(),
  });
  model?.watch(made);
  return made;
}

function onXS(): Elsewhere {
  const events: Parameters<typeof bootOnXS>[1] = {
    onReset: () => device.restarted(),
    select: (start) => device.select(start),
    onDead: () => run.fail("--engine xs: the engine has ended; start the device again"),
  };
  let booted: Promise<FirmwareOnXS>;
  return {
    boot: () => {
      booted = bootOnXS(board, events);
      booted.catch(exitOf);
    },
    wake: () => void booted.then((firmware) => firmware.wake(), exitOf),
  };
}

/** All observers get all events, in order. */
function listenerOf(all: readonly DeviceListener[]): Required<DeviceListener> {
  return {
    booting: (cause) => all.forEach((one) => one.booting?.(cause)),
    started: (firmware) => all.forEach((one) => one.started?.(firmware)),
    reading: (sample, sequence) => all.forEach((one) => one.reading?.(sample, sequence)),
    settled: (sequence, outcome) => all.forEach((one) => one.settled?.(sequence, outcome)),
    evicted: (first, end) => all.forEach((one) => one.evicted?.(first, end)),
    slept: (ms) => all.forEach((one) => one.slept?.(ms)),
    woke: () => all.forEach((one) => one.woke?.()),
    powerLost: (place) => all.forEach((one) => one.powerLost?.(place)),
    changed: () => all.forEach((one) => one.changed?.()),
  };
}

/** Until another one is saved. */
async function embeddedBroker(): Promise<EmbeddedBroker> {
  const { startBroker } = await import("./network/broker.js");
  const broker = await startBroker(options.headless ? undefined : subscriber.id);
  const { host, port } = broker;
  for (const unit of units) {
    unit.configuration.embedded = {
      "mqtt.host": host,
      "mqtt.port": String(port),
      "mqtt.user": "",
      "mqtt.password": "",
      "mqtt.tls": "off",
    };
  }
  return broker;
}

/** Prints the greeting, and then all messages that the subscriber receives. */
async function introduce(): Promise<void> {
  const broker = configuration.broker();
  const why = embedded?.whyOther === undefined ? "" : `: ${embedded.whyOther}`;
  const origin = configuration.namesBroker ? "" : ` (embedded${why})`;
  console.log(printable(`home-thermometer ${VERSION} on a simulated device; its flash is the file ${chip.path}`));
  console.log(printable(`broker ${broker.host}:${broker.port}${origin}`));
  if (pty !== undefined)
    console.log(printable(`the prompt is at ${pty.path}: picocom ${pty.path}, or screen ${pty.path}`));
  subscriber.follow(broker);
  if (page === undefined || options.page === undefined) return;
  const line = await page
    .open({
      ...options.page,
      subscriber,
      embedded: () => (configuration.namesBroker ? undefined : embedded),
      print: (text) => run.print(text),
    })
    .catch(exitOf);
  console.log(printable(line));
}

/** Reports once that the file was removed or replaced: its content is lost at the end of this run. */
function watchChips(): void {
  const look = (): void => {
    for (const { chip } of units) {
      if (!chip.noticesLoss()) continue;
      const text = `${chip.path}: was deleted or replaced; this run continues without it, and its readings and settings are lost at the end`;
      if (options.headless) console.error(printable(text));
      else run.print(text);
    }
  };
  setInterval(look, CHIP_CHECK_MS).unref();
}

/** The computer's clock may be set while the device runs: samples not sent yet are dated by the new time. */
function watchClock(): void {
  const look = (): void => {
    if (!clock.noticesStep()) return;
    for (const { firmware, knowsTime } of devices) if (knowsTime) firmware?.clockChanged();
  };
  setInterval(look, CLOCK_CHECK_MS).unref();
}

function stopOthers(done: () => void): void {
  let left = 1;
  const one = (): void => {
    if (--left === 0) done();
  };
  for (const { firmware, isOn, sleeping } of devices.slice(1)) {
    if (firmware === undefined || !isOn || sleeping.isAsleep) continue;
    left++;
    firmware.stop(one);
  }
  one();
}

function atEnd(unsettled: number): void {
  const others = devices.slice(1).map(({ firmware, isOn }) => (isOn ? (firmware?.unsettled ?? 0) : 0));
  const count = others.reduce((sum, one) => sum + one, unsettled);
  const files = units.map((unit) => unit.chip.path).join(", ");
  const lost = units.filter((unit) => !unit.chip.isReachable).map((unit) => unit.chip.path);
  const fate =
    lost.length === 0
      ? `they are kept in ${files}, and the next run with it sends them`
      : `they are lost: ${lost.join(", ")} was deleted or replaced`;
  if (!options.headless && process.stdout.isTTY) console.log(); // leave the prompt's line
  console.error(printable(`unsettled readings: ${count}${count > 0 ? `: ${fate}` : ""}`));
  for (const unit of units) unit.chip.close();
  if (temporary !== undefined && count === 0) rmSync(temporary, { recursive: true });
}

/** The user's mistakes are one line on standard error, and exit code 2. */
function orExit<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    exitOf(error);
  }
}

function exitOf(error: unknown): never {
  if (!(error instanceof UsageError || error instanceof ImageError)) throw error;
  console.error(printable(error.message));
  process.exit(2);
}
