/*
 * The desktop's command line; scripts rely on it.
 * Options that are also settings (room, QoS, interval, broker) are checked by the setting's rule, so that the prompt and
 * the command line refuse the same values. No I/O.
 */
import { messageOf } from "../../../src/common/message-of.js";
import { drivers } from "../../../src/sensor/drivers.js";
import { sensorFlaw } from "../../../src/sensor/probe.js";
import { parseSetting } from "../../../src/settings/parse.js";
import { normalizeList } from "../../../src/settings/texts.js";
import { simulatedParts } from "../simulated-parts.js";
import {
  choice,
  flag,
  helpText,
  masked,
  parseCommandLine,
  positive,
  preset,
  text,
  UsageError,
  whole,
} from "./command-line.js";

export { UsageError };

export interface Options {
  /** Settings for this run, as typed texts by key. */
  readonly overrides: Readonly<Record<string, string>>;
  /** The chip's image; undefined: the default one, or a new chip in a headless run. */
  readonly flash: string | undefined;
  /** Files in PEM: CAs, the client's certificate, its key. */
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** Stop sampling after so many readings of this run, and end when all are settled. */
  readonly count: number | undefined;
  /** Only readings on request. */
  readonly onRequest: boolean;
  /** End after so many milliseconds. */
  readonly durationMs: number | undefined;
  readonly headless: boolean;
  /** Public key of firmware images, or the name of a file with it; it enables updates. */
  readonly updateKey: string | undefined;
  /** Where the prompt is: this terminal, or a pseudo terminal for another program to open. */
  readonly serial: "terminal" | "pty";
  /** The engine of the firmware: Node itself, or XS, as on the device (an older release), in a child process. */
  readonly engine: "node" | "xs";
  /** Devices in this process, a room each. */
  readonly devices: number;
  /** Port of the page, on the loopback interface; undefined: no page. */
  readonly page: { readonly port: number; readonly isChosen: boolean } | undefined;
  readonly help: boolean;
}

const PAGE_PORT = 8419;
const MAX_DEVICES = 8;

const DRIVERS = drivers.map(({ name }) => name).join(", ");
const SIMULATED = simulatedParts.map(({ name }) => name).join(", ");

const OPTIONS = {
  room: text("NAME", "where the device hangs: the topic is home/NAME/temperature"),
  broker: text(
    "mqtt[s]://[user:pass@]host[:port]",
    "the broker (default: the saved one, or one of its own); mqtts: with TLS",
  ),
  ca: text("FILE", "for TLS: certificates of CAs, PEM (default: the public ones)"),
  cert: text("FILE", "for TLS: this device's certificate, PEM"),
  key: text("FILE", "for TLS: its private key, PEM"),
  "mqtt-version": text("auto|5|3.1.1", "version of MQTT (default: the saved one, or auto)"),
  qos: text("0|1|2", "QoS of new readings (default: the saved one, or 1)"),
  interval: text("SECONDS", "between readings (default: the saved one, or 5)"),
  sensor: text("auto|NAME[,NAME]", `of ${DRIVERS}; simulated: ${SIMULATED} (default: the saved one, or TMP117)`),
  flash: text("FILE", "the chip's image, settings included (default: thermometer.flash; headless: a new chip)"),
  "update-key": text("HEX|FILE", "public key for firmware images; enables updates (npm run update)"),
  count: whole("N", "end after N readings of this run, once all are settled", 1, Number.MAX_SAFE_INTEGER),
  "on-request": flag("only readings on request: sample, at the prompt or as a command over MQTT"),
  duration: positive("SECONDS", "end after this time", 1e9, "seconds"),
  serial: preset(
    "terminal",
    choice("where the prompt is: here, or a pseudo terminal for another program", ["terminal", "pty"]),
  ),
  engine: preset(
    "node",
    choice("what runs the firmware; xs is the device's engine and needs a C compiler", ["node", "xs"]),
  ),
  sleep: flag("sleep between readings; a key wakes it; report every half minute (see `set report`)"),
  port: whole("N", `the page is at http://localhost:N (default: ${PAGE_PORT}, or any that is free)`, 1, 65_535),
  "no-page": flag("no page"),
  devices: preset("1", whole("N", "number of devices, each in its own room, side by side on the page", 1, MAX_DEVICES)),
  headless: flag("no prompt and no page: one line for each reading"),
};

/** The output of `--help`. */
export const USAGE = helpText(
  { program: "npm start --", does: "A simulated thermometer, the device's own firmware, with its prompt." },
  OPTIONS,
);

/** @throws UsageError with one clear line */
export function parseOptions(argv: readonly string[]): Options {
  const { values, help } = parseCommandLine(argv, OPTIONS);
  const overrides: Record<string, string> = {};
  take(overrides, "room", "--room", values.room);
  take(overrides, "mqtt.qos", "--qos", values.qos);
  take(overrides, "mqtt.version", "--mqtt-version", values["mqtt-version"]);
  take(overrides, "interval", "--interval", values.interval);
  if (values.sleep) take(overrides, "sleep", "--sleep", "on");
  takeSensor(overrides, values.sensor);
  if (values.broker !== undefined) takeBroker(overrides, values.broker);
  const { ca, cert, key } = values;
  checkFiles({ ca, cert, key }, overrides["mqtt.tls"]);
  if (values.flash === "") throw new UsageError("--flash: expected the name of a file");
  if (values.serial === "pty" && values.headless) throw new UsageError("--serial pty: a headless run has no prompt");
  const hasPage = !values.headless && !values["no-page"];
  if (values.port !== undefined && !hasPage) throw new UsageError("--port: this run has no page");
  if (values["on-request"] && values.sleep)
    throw new UsageError("--on-request: not with --sleep, which samples at intervals");
  if (values.devices > 1 && !hasPage) throw new UsageError("--devices: more than one device needs the page");
  if (values.devices > 1 && values.engine === "xs") throw new UsageError("--devices: only one with --engine xs");
  return {
    overrides,
    devices: values.devices,
    page: hasPage ? { port: values.port ?? PAGE_PORT, isChosen: values.port !== undefined } : undefined,
    flash: values.flash,
    updateKey: values["update-key"],
    ca,
    cert,
    key,
    count: values.count,
    onRequest: values["on-request"],
    durationMs: values.duration === undefined ? undefined : values.duration * 1000,
    headless: values.headless,
    serial: values.serial,
    engine: values.engine,
    help,
  };
}

/** Returns a setting's text unchanged, after the setting's check. */
function take(overrides: Record<string, string>, key: string, option: string, text: string | undefined): void {
  if (text === undefined) return;
  try {
    parseSetting(key, text);
  } catch (error) {
    const message = messageOf(error);
    throw new UsageError(`${option}: ${message.startsWith(`${key}: `) ? message.slice(key.length + 2) : message}`);
  }
  overrides[key] = text;
}

function takeSensor(overrides: Record<string, string>, text: string | undefined): void {
  take(overrides, "sensor", "--sensor", text);
  const flaw = text === undefined ? undefined : sensorFlaw(normalizeList(text));
  if (flaw !== undefined) throw new UsageError(`--sensor: got ${JSON.stringify(text)}, ${flaw}`);
}

function takeBroker(overrides: Record<string, string>, text: string): void {
  const refused = new UsageError(`--broker ${masked(text)}: expected mqtt[s]://[user:pass@]host[:port]`);
  if (!URL.canParse(text)) throw refused;
  const url = new URL(text);
  const bare = /^\/?$/.test(url.pathname) && url.search === "" && url.hash === "";
  const isTLS = url.protocol === "mqtts:";
  if (!(isTLS || url.protocol === "mqtt:") || url.hostname === "" || !bare) throw refused;
  if (!isEncoded(url.username) || !isEncoded(url.password)) throw refused;
  take(overrides, "mqtt.host", "--broker", url.hostname.replace(/^\[(.*)\]$/, "$1"));
  take(overrides, "mqtt.port", "--broker", url.port === "" ? (isTLS ? "8883" : "1883") : url.port);
  take(overrides, "mqtt.tls", "--broker", isTLS ? "on" : "off");
  // Given or not, they belong to this broker: a saved password must not be sent to another one, and a pinned key is of another one.
  take(overrides, "mqtt.user", "--broker", decodeURIComponent(url.username));
  take(overrides, "mqtt.password", "--broker", decodeURIComponent(url.password));
  take(overrides, "mqtt.fingerprint", "--broker", "");
  take(overrides, "mqtt.name", "--broker", "");
  take(overrides, "mqtt.ca", "--broker", "");
  take(overrides, "mqtt.cert", "--broker", "");
  take(overrides, "mqtt.key", "--broker", "");
}

/** `tls`: the setting, if --broker decides it. */
function checkFiles(files: Readonly<Record<string, string | undefined>>, tls: string | undefined): void {
  const given = Object.keys(files).filter((name) => files[name] !== undefined);
  const empty = given.find((name) => files[name] === "");
  if (empty !== undefined) throw new UsageError(`--${empty}: expected the name of a file`);
  if (given.length > 0 && tls === "off") throw new UsageError(`--${given[0]}: needs TLS: --broker mqtts://`);
  if ((files.cert === undefined) !== (files.key === undefined))
    throw new UsageError("--cert and --key: expected both, or none of them");
}

/** Per cent signs are followed by what decodes to UTF-8. */
function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
