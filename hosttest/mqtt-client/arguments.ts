/*
 * The command line of the MQTT client, read and checked: one clear line for a mistake.
 */
import { closeSync, openSync, readSync } from "node:fs";
import {
  choice,
  type Description,
  flag,
  helpText,
  many,
  option,
  parseCommandLine,
  preset,
  text,
  UsageError,
  whole,
  wholeOf,
} from "../../boards/desktop/options/command-line.js";
import type { Will } from "../../src/mqtt/client.js";
import { checkTopicFilter, checkTopicName } from "../../src/mqtt/wire/topics.js";
import { isUnsayable } from "../../src/mqtt/wire/utf8.js";
import { MAX_STORED_BYTES, storedBytes } from "./outgoing.js";

const MAX_TIMER_MS = 2_147_483_647;
const MAX_FIELD_BYTES = 65_535; // MQTT 3.1.1 §1.5.3, and a will's payload: §3.1.3.3
const PIECE_BYTES = 1 << 20;
const MAX_PAYLOAD_BYTES = 268_435_455 - 4; // MQTT 3.1.1 §2.2.3, without the topic's length and the packet id

const DESCRIPTION: Description = {
  program: "npm run -s mqtt-client --",
  does: "An MQTT client on src/mqtt, of version 3.1.1 or 5: publishes a list, prints what it receives.",
  notes: [
    "The --pub list is published --count times, one round each --every ms. Without --stay it ends when all is acknowledged",
    "and subscribed. In a PAYLOAD written out, %n becomes the number of the round, from 0; @FILE is sent byte for byte",
    "(@/dev/stdin: standard input). Messages received are printed as TOPIC,QOS,RETAIN,PAYLOAD; all else goes to standard error.",
    "With --v 5, what a message or the broker says beside (properties, reasons) goes there, too.",
    "A terminal gets them on one line, with what would steer it escaped; a pipe or a file gets the payload's bytes.",
    "Exit: 0 every publish completed (--stay: ended by SIGTERM), 1 some were not, 2 usage, 5 the broker refused.",
  ],
  hint: (option) => HINTS[option],
};

/** Options of mosquitto_pub and mosquitto_sub, and their names here. */
const HINTS: Readonly<Record<string, string>> = {
  "-t": "the topic is part of --pub TOPIC,QOS,RETAIN,PAYLOAD and --sub TOPIC,QOS",
  "--topic": "the topic is part of --pub TOPIC,QOS,RETAIN,PAYLOAD and --sub TOPIC,QOS",
  "-m": "the payload is part of --pub TOPIC,QOS,RETAIN,PAYLOAD",
  "--message": "the payload is part of --pub TOPIC,QOS,RETAIN,PAYLOAD",
  "-n": "an empty payload is --pub TOPIC,QOS,RETAIN,",
  "-f": "a file's bytes are --pub TOPIC,QOS,RETAIN,@FILE",
  "--file": "a file's bytes are --pub TOPIC,QOS,RETAIN,@FILE",
  "-s": "standard input is --pub TOPIC,QOS,RETAIN,@/dev/stdin",
  "-l": "lines of standard input are not read one by one; all of it is --pub TOPIC,QOS,RETAIN,@/dev/stdin",
  "-q": "the QoS is part of --pub TOPIC,QOS,RETAIN,PAYLOAD and --sub TOPIC,QOS",
  "--qos": "the QoS is part of --pub TOPIC,QOS,RETAIN,PAYLOAD and --sub TOPIC,QOS",
  "-r": "RETAIN is part of --pub TOPIC,QOS,RETAIN,PAYLOAD: 1",
  "--retain": "RETAIN is part of --pub TOPIC,QOS,RETAIN,PAYLOAD: 1",
  "-p": "here it is --port",
  "-i": "here it is --id",
  "-k": "here it is --keepalive",
  "-u": "here it is --user",
  "--username": "here it is --user",
  "-P": "here it is --pass",
  "--pw": "here it is --pass",
  "--password": "here it is --pass",
  "-c": "here it is --clean 0, which is the default, with --id",
  "--disable-clean-session": "here it is --clean 0, which is the default, with --id",
  "-V": "here it is --v 4, for MQTT 3.1.1, and --v 5",
  "--protocol-version": "here it is --v 4, for MQTT 3.1.1, and --v 5",
  "--version": "the version of MQTT is --v 4, for 3.1.1, and --v 5",
  "-C": "it does not count what it receives: --stay, and end it with SIGTERM",
  "--repeat": "here it is --count",
  "--repeat-delay": "here it is --every, in milliseconds",
  "--will-topic": "here it is --will TOPIC,QOS,RETAIN,PAYLOAD",
  "--will-payload": "here it is --will TOPIC,QOS,RETAIN,PAYLOAD",
  "--will-qos": "here it is --will TOPIC,QOS,RETAIN,PAYLOAD",
  "--will-retain": "here it is --will TOPIC,QOS,RETAIN,PAYLOAD",
  "--cafile": "there is no TLS yet",
  "--tls-use-os-certs": "there is no TLS yet",
};

const PUBLICATION = "TOPIC,QOS,RETAIN,PAYLOAD";
const OPTIONS = {
  host: preset("127.0.0.1", text("H", "the broker")),
  port: preset("1883", whole("P", "its port", 1, 65_535)),
  v: preset("4", option("4|5", "version of MQTT: 4 is 3.1.1", versionOf)),
  id: text("ID", "client id (default: one of this process; with --flash: client)"),
  clean: preset("0", choice("1: a session that ends with the connection, as in mosquitto_pub", ["0", "1"])),
  keepalive: preset("60", whole("S", "keep-alive in seconds, 0: none", 0, 65_535)),
  user: text("U", "user name"),
  pass: text("W", "password"),
  will: option(PUBLICATION, "published by the broker when the connection is lost", publicationOf),
  sub: many(option("TOPIC,QOS", "subscribe", subscriptionOf)),
  pub: many(option(PUBLICATION, "publish", publicationOf)),
  count: preset("1", whole("N", "rounds of the --pub list", 0, Number.MAX_SAFE_INTEGER)),
  every: preset("0", whole("MS", "from round to round", 0, MAX_TIMER_MS)),
  stay: flag("stay connected until SIGTERM or SIGINT"),
  flash: text("FILE", "keep what is not acknowledged in this file, across processes"),
};

export interface Publication {
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly payload: Uint8Array;
  /** %n in the payload stands for the number of the round; false for the bytes of a file. */
  readonly isTemplate: boolean;
}

export interface Arguments {
  readonly host: string;
  readonly port: number;
  readonly version: 4 | 5;
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

/** Undefined: the help was printed. @throws UsageError with one line */
export function parseArguments(argv: readonly string[]): Arguments | undefined {
  const { values, help } = parseCommandLine(argv, OPTIONS, DESCRIPTION);
  if (help) {
    console.log(helpText(DESCRIPTION, OPTIONS));
    return undefined;
  }
  const { host, port, v, id, keepalive, clean, user, pass, will, sub, pub, count, every, stay, flash } = values;
  for (const [option, given] of Object.entries({ id, user, pass })) checkField(`--${option}`, given);
  if (will !== undefined && will.payload.length > MAX_FIELD_BYTES) {
    throw new UsageError(`--will ${will.topic}: ${will.payload.length} bytes, expected at most ${MAX_FIELD_BYTES}`);
  }
  if (pass !== undefined && user === undefined) throw new UsageError("--pass: expected with --user");
  if (id === "" && clean === "0") throw new UsageError("--id: an empty one is expected with --clean 1");
  if (flash !== undefined && clean === "1")
    throw new UsageError("--flash: expected with --clean 0, for its session lasts");
  if (flash !== undefined) for (const publication of pub) checkFitsFlash(publication);
  return {
    host,
    port,
    version: v,
    id: id ?? (flash !== undefined ? "client" : `client${process.pid}`),
    keepAlive: keepalive,
    clean: clean === "1",
    user,
    password: pass,
    will,
    subscriptions: sub,
    publications: pub,
    count,
    everyMs: every,
    stay,
    flash,
  };
}

function versionOf(given: string, option: string): 4 | 5 {
  if (given === "4" || given === "311" || given === "mqttv311") return 4;
  if (given === "5" || given === "mqttv5") return 5;
  throw new UsageError(`${option} ${given}: expected 4 (MQTT 3.1.1) or 5`);
}

/** Checks a text field of a packet. */
function checkField(option: string, given: string | undefined): void {
  if (given === undefined) return;
  const length = Buffer.byteLength(given);
  if (length > MAX_FIELD_BYTES) throw new UsageError(`${option}: ${length} bytes, expected at most ${MAX_FIELD_BYTES}`);
  if (isUnsayable(given)) throw new UsageError(`${option}: has a character that MQTT does not carry`);
}

function checkFitsFlash({ topic, payload }: Publication): void {
  const length = storedBytes(topic, payload);
  if (length <= MAX_STORED_BYTES) return;
  throw new UsageError(
    `--pub ${topic}: a message of ${length} bytes, expected at most ${MAX_STORED_BYTES} with --flash`,
  );
}

function subscriptionOf(given: string, option: string): { filter: string; qos: 0 | 1 | 2 } {
  const comma = given.lastIndexOf(",");
  const filter = given.slice(0, comma);
  if (comma < 0) throw new UsageError(`${option} ${given}: expected TOPIC,QOS`);
  const fault = checkTopicFilter(filter);
  if (fault !== undefined) throw new UsageError(`${option} ${given}: ${fault}`);
  return { filter, qos: qosOf(option, given.slice(comma + 1)) };
}

function publicationOf(given: string, option: string): Publication {
  const match = /^([^,]*),([^,]*),([^,]*),(.*)$/s.exec(given);
  if (match === null) throw new UsageError(`${option} ${given}: expected ${PUBLICATION}`);
  const [, topic, qos, retain, payload] = match;
  const fault = checkTopicName(topic);
  if (fault !== undefined) throw new UsageError(`${option} ${given}: ${fault}`);
  const isFile = payload.startsWith("@");
  const bytes = isFile ? fileOf(option, payload.slice(1)) : Buffer.from(payload);
  if (bytes.length > MAX_PAYLOAD_BYTES - Buffer.byteLength(topic)) {
    throw new UsageError(`${option} ${topic}: ${bytes.length} bytes, expected what one MQTT packet holds, 256 MB`);
  }
  return {
    topic,
    qos: qosOf(option, qos),
    retain: wholeOf(`${option}: RETAIN`, retain, 0, 1) === 1,
    payload: bytes,
    isTemplate: !isFile && payload.includes("%n"),
  };
}

function qosOf(option: string, given: string): 0 | 1 | 2 {
  return wholeOf(`${option}: QOS`, given, 0, 2) as 0 | 1 | 2;
}

/** A device or a pipe may have no end. */
function fileOf(option: string, path: string): Uint8Array {
  try {
    const file = openSync(path, "r");
    try {
      const pieces: Uint8Array[] = [];
      for (let length = 0; ; ) {
        const piece = new Uint8Array(PIECE_BYTES);
        const count = readSync(file, piece);
        if (count === 0) break;
        pieces.push(piece.subarray(0, count));
        length += count;
        if (length > MAX_PAYLOAD_BYTES) throw new Error("more than one MQTT packet holds, 256 MB");
      }
      return Buffer.concat(pieces);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw new UsageError(`${option} @${path}: ${(error as Error).message}`);
  }
}
