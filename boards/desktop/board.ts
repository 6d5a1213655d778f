/*
 * The desktop board: the unchanged firmware on Node, with simulated parts on a simulated bus, its flash in a file, TCP
 * through Node, the terminal as its serial port. `npm start` bundles src/main.ts with this as its `board`.
 * Reads the command line when it is imported, because the firmware starts when it is imported, as on a chip.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Board, Firmware, ResetCause } from "../../src/board.js";
import { messageOf } from "../../src/common/message-of.js";
import { printable } from "../../src/console/port/printable.js";
import { referenceTo } from "../../src/settings/long-values.js";
import { Settings } from "../../src/settings/settings.js";
import { brokerPort } from "../../src/thermometer/broker/address.js";
import { fromPEM, type PEMKind } from "../../src/tls/pem.js";
import { VERSION } from "../../src/version.js";
import { I2CBus } from "../parts/i2c-bus.js";
import { wander } from "../parts/wander.js";
import { Chip } from "./chip.js";
import { DeviceClock } from "./device-clock.js";
import { ImageError } from "./flash/flash-file.js";
import { ImageBoot } from "./image-boot.js";
import { DeafTCP } from "./network/deaf-tcp.js";
import { type BrokerAddress, Subscriber } from "./network/subscriber.js";
import { TCP } from "./network/tcp.js";
import { checkCredentials, TLS } from "./network/tls.js";
import { bootOnXS } from "./on-xs.js";
import { parseOptions, USAGE, UsageError } from "./options/options.js";
import { updateKeyOf } from "./options/update-key.js";
import { Run } from "./run.js";
import { simulatedParts } from "./simulated-parts.js";
import { Sleeping } from "./sleeping.js";
import { openPseudoTerminal } from "./terminal/pty.js";
import { terminal } from "./terminal/terminal.js";
import { timers } from "./timers.js";

const DEFAULT_IMAGE = "thermometer.flash";
/** Somebody is watching: a reading a minute, as on a wall, would look like none; a report an hour as well. */
const DEFAULTS = Object.freeze({ interval: "5", sensor: "tmp117", report: "0.5", awake: "10" });

const CHIP_CHECK_MS = 1_000;
const CLOCK_CHECK_MS = 1_000;

const options = orExit(() => parseOptions(process.argv.slice(2)));
if (options.help) {
  console.log(USAGE);
  process.exit(0);
}
const credentials = orExit(readCredentials);
// A headless run without --flash is a new chip each time, so that scripts do not meet what an earlier run left behind.
const temporary =
  options.flash === undefined && options.headless ? mkdtempSync(join(tmpdir(), "thermometer-")) : undefined;
const chip = orExit(() => new Chip(options.flash ?? join(temporary ?? "", DEFAULT_IMAGE)));
const images = orExit(() =>
  options.updateKey === undefined ? undefined : new ImageBoot(chip, updateKeyOf(options.updateKey)),
);
const pty = options.serial === "pty" ? await openPseudoTerminal().catch(exitOf) : undefined;
const embedded = namesBroker() ? undefined : await embeddedBroker();

const clock = new DeviceClock();
const uptimeMs = (): number => clock.uptimeMs();
const run = new Run({
  headless: options.headless,
  count: options.count,
  durationMs: options.durationMs,
  onCountedAsleep: () => sleeping.press(),
  whenShown: (newest, done) => subscriber.whenShown(newest, done),
  atEnd,
});
const subscriber = new Subscriber((line) => run.print(line));
watchChip();
watchClock();
let boots: { wake(): void };
const sleeping = new Sleeping({
  hasKeys: !options.headless && options.serial === "terminal",
  onSleep: (ms) => run.slept(ms),
  onWake: () => boots.wake(),
  onQuit: () => run.end(),
});
export const board = makeBoard();
if (!options.headless) introduce();

function makeBoard(): Board {
  const bus = new I2CBus();
  const celsius = wander({ uptimeMs, random: Math.random });
  // One is asked for by default, the others by `--sensor sht3x`, `--sensor auto`.
  for (const { address, Part } of simulatedParts) bus.attach(address, new Part({ uptimeMs, celsius }));
  let start: () => Firmware;
  let firmware: Firmware;
  let bootedMs = 0;
  let resetCause: ResetCause = "power"; // a process that was killed is a chip without power
  let lastWords = (_line: string): void => {};
  const begins = (): void => {
    bootedMs = uptimeMs();
    if (!options.headless) subscriber.follow(brokerInForce());
  };
  /** What runs is an image, where the chip's can be replaced. */
  const boot = (): void => {
    const begin = (cause?: ResetCause): void => {
      if (cause !== undefined) resetCause = cause;
      bootedMs = uptimeMs();
      firmware = start();
    };
    if (images === undefined) begin();
    else orExit(() => images.boot(begin));
  };
  process.on("uncaughtExceptionMonitor", (error) => lastWords(String(error)));
  boots = {
    wake: () => {
      chip.reset();
      resetCause = "sleep";
      bootedMs = uptimeMs();
      run.woke();
      boot();
    },
  };
  return {
    name: "desktop",
    mac: chip.mac,
    timers,
    clock: { uptimeMs: () => uptimeMs() - bootedMs, utcMs: () => clock.utcMs() },
    random: () => Math.random(),
    setUtc: () => {}, // the computer's clock is for others to set
    openFlash: () => chip.outboxFlash(),
    openSettings: () => chip.settings(),
    openSettingsFlash: () => chip.settingsFlash(),
    sensor: { io: bus.SMBus, digital: bus.Digital, data: bus.data, clock: bus.clock },
    tcp: {
      get io() {
        return images?.isDeaf ? DeafTCP : TCP;
      },
    },
    update: images?.port,
    get version() {
      return images?.version;
    },
    tls: { io: TLS, hasPublicCAs: true },
    sleep: sleeping.port,
    credentials,
    serial: options.headless ? undefined : (pty?.serial ?? terminal(run.terminal)),
    defaults: DEFAULTS,
    get overrides() {
      return overrides();
    },
    observer: run,
    trace: (line) => console.error(printable(line)),
    heap: () => ({ usedBytes: process.memoryUsage().heapUsed }),
    boot: (begin) => {
      if (options.engine === "xs") {
        bootOnXS(board, begins, () => run.fail("--engine xs: the engine has ended; start the device again")).catch(
          exitOf,
        );
        return;
      }
      start = begin;
      boot();
    },
    restart: () => {
      firmware.close();
      chip.reset();
      sleeping.reset();
      resetCause = "restart";
      setImmediate(() => {
        begins();
        boot();
      });
    },
    get resetCause() {
      return resetCause;
    },
    onUncaught: (record) => {
      lastWords = record;
    },
  };
}

/** What the command line's files hold. @throws UsageError */
function readCredentials(): NonNullable<Board["credentials"]> {
  const read = (option: "ca" | "cert" | "key", kind: PEMKind): Uint8Array | undefined => {
    const path = options[option];
    try {
      return path === undefined ? undefined : fromPEM(readFileSync(path, "latin1"), kind);
    } catch (error) {
      throw new UsageError(`--${option} ${path}: ${messageOf(error)}`);
    }
  };
  const given = {
    ca: read("ca", "CERTIFICATE"),
    certificate: read("cert", "CERTIFICATE"),
    key: read("key", "PRIVATE KEY"),
  };
  try {
    checkCredentials(given);
  } catch (error) {
    throw new UsageError(`--ca, --cert, --key: cannot be used: ${messageOf(error)}`);
  }
  return given;
}

/** Whether the command line or the chip names a broker. */
function namesBroker(): boolean {
  return options.overrides["mqtt.host"] !== undefined || settingsNow({}).get("mqtt.host") !== "";
}

/** The settings that lead to an embedded broker, and why its port is not the usual one. */
async function embeddedBroker(): Promise<{ settings: Record<string, string>; whyOther: string | undefined }> {
  const { startBroker } = await import("./network/broker.js");
  const { host, port, whyOther } = await startBroker();
  return {
    settings: { "mqtt.host": host, "mqtt.port": String(port), "mqtt.user": "", "mqtt.password": "", "mqtt.tls": "off" },
    whyOther,
  };
}

/** What wins over saved settings in the life that begins: the embedded broker only until somebody has saved another. */
function overrides(): Record<string, string> {
  return { ...(namesBroker() ? {} : embedded?.settings), ...options.overrides, ...givenCredentials() };
}

/** The files of the command line, as the settings refer to them. */
function givenCredentials(): Record<string, string> {
  const { ca, certificate, key } = credentials;
  const given = Object.entries({ "mqtt.ca": ca, "mqtt.cert": certificate, "mqtt.key": key });
  return Object.fromEntries(
    given.flatMap(([name, bytes]) => (bytes === undefined ? [] : [[name, referenceTo(bytes)]])),
  );
}

function settingsNow(overrides: Record<string, string>): Settings {
  const { ca, certificate, key } = credentials;
  const given = { "mqtt.ca": ca, "mqtt.cert": certificate, "mqtt.key": key };
  return new Settings({ store: chip.settings(), overrides, given: (name) => given[name] });
}

function brokerInForce(): BrokerAddress {
  const settings = settingsNow(overrides());
  const host = settings.get("mqtt.host");
  const demand = {
    get ca() {
      return settings.bytes("mqtt.ca");
    },
    get certificate() {
      return settings.bytes("mqtt.cert");
    },
    get key() {
      return settings.bytes("mqtt.key");
    },
    fingerprint: settings.get("mqtt.fingerprint"),
    name: settings.get("mqtt.name") || host,
    session: undefined,
    onHandshake: () => {},
    onSecured: () => {},
    onRefused: () => {}, // the thermometer itself reports the broker
  };
  return {
    host,
    port: brokerPort(settings),
    demand: settings.get("mqtt.tls") ? demand : undefined,
    credentials: `${settings.get("mqtt.ca")}, ${settings.get("mqtt.cert")}, ${settings.get("mqtt.key")}`,
    user: settings.get("mqtt.user"),
    password: settings.get("mqtt.password"),
  };
}

/** What a person sees first, and then whatever a subscriber sees. */
function introduce(): void {
  const broker = brokerInForce();
  const why = embedded?.whyOther === undefined ? "" : `: ${embedded.whyOther}`;
  const origin = namesBroker() ? "" : ` (embedded${why})`;
  console.log(printable(`home-thermometer ${VERSION} on a simulated device; its flash is ${chip.path}`));
  console.log(printable(`broker ${broker.host}:${broker.port}${origin}. Type help.`));
  if (pty !== undefined)
    console.log(printable(`the prompt is at ${pty.path}: picocom ${pty.path}, or screen ${pty.path}`));
  subscriber.follow(broker);
}

/** A file that was removed or replaced under us is said once: what is kept in it ends with this run. */
function watchChip(): void {
  const look = (): void => {
    if (!chip.noticesLoss()) return;
    const text = `${chip.path}: was deleted or replaced; this run goes on without it, and what it keeps is lost at its end`;
    if (options.headless) console.error(printable(text));
    else run.print(text);
  };
  setInterval(look, CHIP_CHECK_MS).unref();
}

/** The computer's clock may be set while the device runs: what is not sent yet is dated by the new one. */
function watchClock(): void {
  const look = (): void => {
    if (clock.noticesStep()) run.clockChanged();
  };
  setInterval(look, CLOCK_CHECK_MS).unref();
}

function atEnd(unsettled: number): void {
  const fate = chip.isReachable
    ? `they are kept in ${chip.path}, and sent by the next run with it`
    : `they are lost: ${chip.path} was deleted or replaced`;
  const kept = unsettled > 0 ? `: ${fate}` : "";
  if (!options.headless && process.stdout.isTTY) console.log(); // leave the prompt's line
  console.error(printable(`unsettled readings: ${unsettled}${kept}`));
  chip.close();
  if (temporary !== undefined && unsettled === 0) rmSync(temporary, { recursive: true });
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
