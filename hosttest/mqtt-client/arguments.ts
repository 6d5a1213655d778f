/*
 * The command line of the MQTT client, read and checked: one clear line for a mistake.
 */
import { readFileSync } from "node:fs";
import type { Will } from "../../src/mqtt/client.js";
import { checkTopicFilter, checkTopicName } from "../../src/mqtt/topics.js";

export const USAGE = `mqtt-client --port P [--host H] [--id ID] [--keepalive S] [--clean 0|1] [--user U --pass W]
  [--will TOPIC,QOS,RETAIN,PAYLOAD] [--sub TOPIC,QOS]... [--pub TOPIC,QOS,RETAIN,PAYLOAD]...
  [--count N --every MS] [--stay] [--flash FILE]
  The --pub list is published N times, every MS milliseconds; %n in a payload becomes the number of the round, from 0.
  PAYLOAD is the rest of the argument, or @FILE. Messages received are printed as TOPIC,QOS,RETAIN,PAYLOAD.
  Exit: 0 every publish completed (--stay: ended by SIGTERM), 1 some were not, 2 usage, 5 the broker refused.`;

export interface Publication {
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly payload: Uint8Array;
}

export interface Arguments {
  readonly host: string;
  readonly port: number;
  readonly id: string;
  readonly keepAlive: number;
  readonly clean: boolean;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly will: Will | undefined;
  readonly subscriptions: readonly { readonly filter: string; readonly qos: 0 | 1 | 2 }[];
  readonly publications: readonly Publication[];
  readonly count: number;
  readonly everyMs: number;
  readonly stay: boolean;
  readonly flash: string | undefined;
}

/** A mistake of the caller's: one line. */
export class UsageError extends Error {}

const SINGLE = ["port", "host", "id", "keepalive", "clean", "user", "pass", "will", "count", "every", "flash"];
const REPEATED = ["sub", "pub"];

/** @throws UsageError */
export function parseArguments(argv: readonly string[]): Arguments {
  const values = collect(argv);
  const one = (name: string): string | undefined => values.get(name)?.at(-1);
  const port = numberOf("port", one("port") ?? "1883", 1, 65_535);
  const password = one("pass");
  const user = one("user");
  if (password !== undefined && user === undefined) throw new UsageError("--pass: expected with --user");
  const will = one("will");
  return {
    host: one("host") ?? "127.0.0.1",
    port,
    id: one("id") ?? (values.has("flash") ? "client" : `client${process.pid}`),
    keepAlive: numberOf("keepalive", one("keepalive") ?? "60", 0, 65_535),
    clean: numberOf("clean", one("clean") ?? "0", 0, 1) === 1,
    user,
    password,
    will: will === undefined ? undefined : publicationOf("will", will),
    subscriptions: (values.get("sub") ?? []).map(subscriptionOf),
    publications: (values.get("pub") ?? []).map((text) => publicationOf("pub", text)),
    count: numberOf("count", one("count") ?? "1", 0, Number.MAX_SAFE_INTEGER),
    everyMs: numberOf("every", one("every") ?? "0", 0, 2_147_483_647),
    stay: values.has("stay"),
    flash: one("flash"),
  };
}

function collect(argv: readonly string[]): Map<string, string[]> {
  const values = new Map<string, string[]>();
  for (let at = 0; at < argv.length; at++) {
    const name = argv[at].startsWith("--") ? argv[at].slice(2) : "";
    if (name === "stay") {
      values.set(name, []);
      continue;
    }
    if (!SINGLE.includes(name) && !REPEATED.includes(name)) throw new UsageError(`${argv[at]}: unknown`);
    const value = argv[++at];
    if (value === undefined) throw new UsageError(`--${name}: a value is missing`);
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  return values;
}

function subscriptionOf(text: string): { filter: string; qos: 0 | 1 | 2 } {
  const comma = text.lastIndexOf(",");
  const filter = text.slice(0, comma);
  if (comma < 0) throw new UsageError(`--sub ${text}: expected TOPIC,QOS`);
  const fault = checkTopicFilter(filter);
  if (fault !== undefined) throw new UsageError(`--sub ${text}: ${fault}`);
  return { filter, qos: qosOf("sub", text.slice(comma + 1)) };
}

function publicationOf(option: string, text: string): Publication {
  const match = /^([^,]*),([^,]*),([^,]*),(.*)$/s.exec(text);
  if (match === null) throw new UsageError(`--${option} ${text}: expected TOPIC,QOS,RETAIN,PAYLOAD`);
  const [, topic, qos, retain, payload] = match;
  const fault = checkTopicName(topic);
  if (fault !== undefined) throw new UsageError(`--${option} ${text}: ${fault}`);
  return {
    topic,
    qos: qosOf(option, qos),
    retain: numberOf(`${option}: RETAIN`, retain, 0, 1) === 1,
    payload: payload.startsWith("@") ? fileOf(option, payload.slice(1)) : Buffer.from(payload),
  };
}

function qosOf(option: string, text: string): 0 | 1 | 2 {
  return numberOf(`${option}: QOS`, text, 0, 2) as 0 | 1 | 2;
}

function numberOf(name: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) throw new UsageError(`--${name} ${text}: expected ${least} to ${most}`);
  return value;
}

function fileOf(option: string, path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UsageError(`--${option} @${path}: ${(error as Error).message}`);
  }
}
