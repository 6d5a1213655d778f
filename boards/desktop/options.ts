/*
 * The desktop's command line: a contract with scripts.
 * What a setting also says (room, QoS, interval, broker) is checked by the setting's own rule, so that the prompt and
 * the command line refuse the same things. Pure: no file is touched, nothing is connected.
 */
import { parseArgs } from "node:util";
import { nearest } from "../../src/settings/nearest.js";
import { parseSetting } from "../../src/settings/parse.js";

export const USAGE = `usage: npm start -- [--room NAME] [--broker mqtt://[user:pass@]host[:port]] [--qos 0|1|2]
                   [--interval SECONDS] [--flash FILE] [--count N] [--duration SECONDS] [--serial terminal|pty]
                   [--engine node|xs] [--headless]`;

export interface Options {
  /** Settings for this run, as typed texts by key. */
  readonly overrides: Readonly<Record<string, string>>;
  /** The chip's image; undefined: the default one, or a new chip in a headless run. */
  readonly flash: string | undefined;
  /** Stop sampling after so many readings of this run, and end when all are settled. */
  readonly count: number | undefined;
  /** End after so many milliseconds. */
  readonly durationMs: number | undefined;
  readonly headless: boolean;
  /** Where the prompt is: this terminal, or a pseudo terminal for another program to open. */
  readonly serial: "terminal" | "pty";
  /** What runs the firmware: Node itself, or XS, the engine of the device (an older release), in a process beside. */
  readonly engine: "node" | "xs";
  readonly help: boolean;
}

const OPTIONS = {
  room: { type: "string" },
  broker: { type: "string" },
  qos: { type: "string" },
  interval: { type: "string" },
  flash: { type: "string" },
  count: { type: "string" },
  duration: { type: "string" },
  serial: { type: "string" },
  engine: { type: "string" },
  headless: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;
const HELP = "--help lists the options";

/** What is wrong with the command line, in one line. */
export class UsageError extends Error {}

/** @throws UsageError with one clear line */
export function parseOptions(argv: readonly string[]): Options {
  const values = parse(argv);
  const overrides: Record<string, string> = {};
  take(overrides, "room", "--room", values.room);
  take(overrides, "mqtt.qos", "--qos", values.qos);
  take(overrides, "interval", "--interval", values.interval);
  if (values.broker !== undefined) takeBroker(overrides, values.broker);
  if (values.flash === "") throw new UsageError("--flash: expected the name of a file");
  return {
    overrides,
    flash: values.flash,
    count: values.count === undefined ? undefined : whole("--count", values.count),
    durationMs: values.duration === undefined ? undefined : seconds("--duration", values.duration) * 1000,
    headless: values.headless ?? false,
    serial: port(values.serial ?? "terminal", values.headless ?? false),
    engine: engine(values.engine ?? "node"),
    help: values.help ?? false,
  };
}

type Texts = { [K in keyof typeof OPTIONS]?: (typeof OPTIONS)[K]["type"] extends "string" ? string : boolean };

/** Node's own messages are of several lines, and of no use where a value begins with a dash: the check is here. */
function parse(argv: readonly string[]): Texts {
  const { tokens } = parseArgs({ args: [...argv], options: OPTIONS, strict: false, tokens: true });
  const values: Record<string, string | boolean> = {};
  for (const token of tokens) {
    if (token.kind === "positional") throw new UsageError(`${masked(token.value)}: expected an option; ${HELP}`);
    if (token.kind === "option") values[token.name] = given(token);
  }
  return values;
}

interface Given {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

function given({ name, rawName, value, inlineValue }: Given): string | boolean {
  if (!Object.hasOwn(OPTIONS, name)) {
    const guess = nearest(name, Object.keys(OPTIONS));
    throw new UsageError(
      `${rawName}: no such option${guess === undefined ? "" : `, did you mean --${guess}?`}; ${HELP}`,
    );
  }
  if (OPTIONS[name as keyof typeof OPTIONS].type === "boolean") {
    if (value !== undefined) throw new UsageError(`${rawName}: takes no value`);
    return true;
  }
  const isNextOption = inlineValue !== true && value?.startsWith("--");
  if (value === undefined || isNextOption) throw new UsageError(`${rawName}: expected a value`);
  return value;
}

/** Takes a setting's text as it was given, after the setting's own check. */
function take(overrides: Record<string, string>, key: string, option: string, text: string | undefined): void {
  if (text === undefined) return;
  try {
    parseSetting(key, text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${option}: ${message.startsWith(`${key}: `) ? message.slice(key.length + 2) : message}`);
  }
  overrides[key] = text;
}

function takeBroker(overrides: Record<string, string>, text: string): void {
  const refused = new UsageError(`--broker ${masked(text)}: expected mqtt://[user:pass@]host[:port]`);
  if (!URL.canParse(text)) throw refused;
  const url = new URL(text);
  const bare = /^\/?$/.test(url.pathname) && url.search === "" && url.hash === "";
  if (url.protocol !== "mqtt:" || url.hostname === "" || !bare) throw refused;
  if (!isEncoded(url.username) || !isEncoded(url.password)) throw refused;
  take(overrides, "mqtt.host", "--broker", url.hostname.replace(/^\[(.*)\]$/, "$1"));
  take(overrides, "mqtt.port", "--broker", url.port === "" ? "1883" : url.port);
  // Given or not, they belong to this broker: a saved password must not go to another one.
  take(overrides, "mqtt.user", "--broker", decodeURIComponent(url.username));
  take(overrides, "mqtt.password", "--broker", decodeURIComponent(url.password));
}

/** Without the password that an address may hold. */
function masked(text: string): string {
  return text.replace(/:[^:/@]*@/, ":***@");
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

function port(text: string, headless: boolean): "terminal" | "pty" {
  if (text !== "terminal" && text !== "pty") throw new UsageError(`--serial ${text}: expected terminal or pty`);
  if (text === "pty" && headless) throw new UsageError("--serial pty: a headless run has no prompt");
  return text;
}

function engine(text: string): "node" | "xs" {
  if (text !== "node" && text !== "xs") throw new UsageError(`--engine ${text}: expected node or xs`);
  return text;
}

function whole(option: string, text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1 || value > Number.MAX_SAFE_INTEGER) {
    throw new UsageError(`${option} ${text}: expected a whole number from 1`);
  }
  return value;
}

function seconds(option: string, text: string): number {
  const value = Number(text);
  if (!/^(\d+\.?\d*|\.\d+)$/.test(text) || !(value > 0 && value <= 1e9)) {
    throw new UsageError(`${option} ${text}: expected seconds, more than 0`);
  }
  return value;
}
