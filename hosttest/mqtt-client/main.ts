/*
 * A command-line MQTT client on src/mqtt, for other people's test suites and for debugging. The contract is in its help.
 */

import { TCP } from "../../boards/desktop/network/tcp.js";
import { timers } from "../../boards/desktop/timers.js";
import { Client, type InboundMessage, type Limits, type MQTTError } from "../../src/mqtt/client.js";
import type { InboundStore, OutboundEntry } from "../../src/mqtt/delivery/store.js";
import { Broker5 } from "../../src/mqtt/v5/broker5.js";
import { reasonText } from "../../src/mqtt/v5/reasons.js";
import type { TCPConstructor } from "../../src/mqtt/wire/io.js";
import type { Properties } from "../../src/mqtt/wire/properties.js";
import { orMisused } from "../support/command-line/command-line.js";
import { Progress } from "../support/command-line/progress.js";
import { shownBytes, shownLines } from "../support/command-line/shown.js";
import { type Arguments, parseArguments } from "./arguments.js";
import { openOutgoing } from "./outgoing.js";
import { Queue } from "./queue.js";

const EXIT_INCOMPLETE = 1;
const EXIT_REFUSED = 5;
/** Reconnects within a second, as its contract says. */
const BACKOFF = { firstMs: 200, longestMs: 900, steadyMs: 1_000 };
const BUFFER_BYTES = 65_536;
const WINDOW = 16;
const MAX_TOPIC_LENGTH = 65_535;
const PROGRESS_MS = 1_000;
/** If no acknowledgement comes for so long after a refusal, the remaining messages wait until the broker allows them. */
const REFUSED_MS = 2_000;
const AGAIN_MS = 5; // until a message of QoS 0 that was not accepted is tried again

class Program {
  readonly #options: Arguments;
  readonly #outgoing;
  readonly #queue: Queue;
  readonly #client: Client;
  readonly #progress = new Progress();
  #released = 0;
  #settled = 0;
  #received = 0;
  #granted = 0;
  #hasConnected = false;
  #hasDeadLetters = false;
  #isLeaving = false;
  #again: NodeJS.Timeout | undefined;
  /** Runs while the broker refuses a message by a reason code. */
  #isRefused: NodeJS.Timeout | undefined;
  #pieces: Uint8Array[] = [];

  constructor(options: Arguments) {
    this.#options = options;
    this.#outgoing = orMisused(() => openOutgoing(options.flash), "mqtt-client: ");
    this.#queue = new Queue(options.publications);
    this.#client = new Client<OutboundEntry>({
      socket: { io: TCP as unknown as TCPConstructor },
      host: options.host,
      port: options.port,
      version5: Broker5,
      version: options.version,
      id: options.id,
      user: options.user,
      password: options.password,
      keepAlive: options.keepAlive,
      clean: options.clean,
      will: options.will,
      timers,
      uptimeMs: () => performance.now(),
      random: Math.random,
      outbound: this.#outgoing.store,
      render: (entry) => this.#outgoing.render(entry),
      perhapsSent: this.#outgoing.isResumed ? WINDOW : 0,
      inbound: unboundedIds(),
      window: WINDOW,
      backoff: BACKOFF,
      bufferLength: BUFFER_BYTES + (options.will?.payload.length ?? 0),
      topicLength: MAX_TOPIC_LENGTH,
      deadLetterAfter: Number.POSITIVE_INFINITY,
      onState: (state) => {
        if (state === "connected") this.#connected();
        this.#soon();
      },
      onSettled: (_sequence, outcome, by) => {
        if (outcome === "deadLetter") {
          this.#hasDeadLetters = true;
          complain(`a message cannot be delivered: ${this.#reason() ?? by ?? "no reason"}`);
        } else this.#settled++;
        if (this.#isRefused !== undefined) this.#refused();
        this.#soon();
      },
      onRefusal: (refusal) => {
        clearTimeout(this.#isRefused);
        this.#isRefused = undefined;
        if (refusal?.by !== "reason") return;
        complain(`refused: ${refusal.text}`);
        this.#refused();
      },
      onSubscribed: (filter, granted) => {
        if (granted >= 128) complain(`refused: ${filter}${options.version === 5 ? `: ${reasonText(granted)}` : ""}`);
        this.#granted++;
        this.#soon();
      },
      onMessage: (message) => this.#receive(message),
      onError: (error) => this.#failed(error),
    });
  }

  run(): void {
    for (const { filter, qos } of this.#options.subscriptions) this.#client.subscribe(filter, qos);
    this.#release();
    this.#client.start();
    if (this.#options.subscriptions.length > 0 && this.#options.publications.length === 0 && !this.#options.stay) {
      complain("--sub alone ends as soon as it is subscribed; --stay goes on, as mosquitto_sub does");
    }
    setInterval(() => this.#progress.show(() => `mqtt-client: ${this.#figures()}`), PROGRESS_MS).unref();
    process.on("SIGTERM", () => this.#leave());
    process.on("SIGINT", () => this.#leave());
  }

  /** Releases a round of publications, and the next one after the interval. */
  #release(): void {
    const { count, everyMs } = this.#options;
    do {
      if (this.#released >= count) break;
      this.#released++;
      this.#queue.release();
    } while (everyMs === 0);
    if (this.#released < count) setTimeout(() => this.#release(), everyMs);
    this.#soon();
  }

  /** Sends what can be sent, and checks whether all is done, outside the client's callbacks. */
  #soon(): void {
    this.#again ??= setTimeout(() => {
      this.#again = undefined;
      this.#go();
    }, 0);
  }

  #go(): void {
    const client = this.#client;
    this.#queue.pour({
      append: (message, qos) => this.#outgoing.append(message, qos),
      publishNow: (message) => client.publishNow(message),
    });
    client.wake();
    const isDone = this.#released >= this.#options.count && this.#queue.isEmpty && this.#outgoing.isEmpty;
    const isSubscribed = this.#granted >= this.#options.subscriptions.length;
    if (isDone && isSubscribed && this.#hasConnected && !this.#options.stay) this.#leave();
    else if (!this.#queue.isEmpty)
      this.#again ??= setTimeout(() => {
        this.#again = undefined;
        this.#go();
      }, AGAIN_MS);
  }

  #connected(): void {
    this.#hasConnected = true;
    const limits = this.#client.status().limits?.broker;
    if (this.#options.version === 5 && limits !== undefined) complain(`connected, MQTT 5: ${limitsText(limits)}`);
  }

  /** The broker's last reason for a refusal. */
  #reason(): string | undefined {
    return this.#client.status().lastReason?.text;
  }

  /** Some messages wait until the broker allows them. With --stay the program waits, too. */
  #refused(): void {
    clearTimeout(this.#isRefused);
    this.#isRefused = setTimeout(() => {
      if (!this.#options.stay) this.#leave();
    }, REFUSED_MS);
  }

  #leave(): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    const isComplete = this.#outgoing.isEmpty && this.#queue.isEmpty && !this.#hasDeadLetters;
    this.#client.stop(() => this.#exit(isComplete || this.#options.stay ? 0 : EXIT_INCOMPLETE));
  }

  #failed(error: MQTTError): void {
    if (error.kind === "refused") {
      complain(error.message);
      this.#client.close();
      this.#exit(EXIT_REFUSED);
    } else complain(error.message);
  }

  /** The result so far. */
  #figures(): string {
    const { host, port, publications, subscriptions } = this.#options;
    const where = this.#hasConnected ? "" : `no connection to ${host}:${port} yet, `;
    const kept = publications.some(({ qos }) => qos > 0) ? `, ${this.#settled} acknowledged` : "";
    const received = subscriptions.length > 0 ? `, ${this.#received} received` : "";
    return `${where}${this.#queue.handedOn} published${kept}${received}`;
  }

  #exit(code: number): void {
    this.#progress.end();
    complain(this.#figures());
    this.#outgoing.close();
    process.exitCode = code;
    // The socket sends its last bytes by itself; anything else that keeps the process alive (timers of a longer list) is not needed any more.
    process.removeAllListeners("SIGTERM");
    setTimeout(() => process.exit(code), 100);
  }

  #receive({ topic, qos, retain, offsetBytes, payload, last, properties }: InboundMessage): void {
    if (offsetBytes === 0) this.#pieces = [];
    this.#pieces.push(payload.slice());
    if (!last) return;
    this.#received++;
    const head = Buffer.from(`${topic},${qos},${retain ? 1 : 0},`);
    process.stdout.write(shownBytes(Buffer.concat([head, ...this.#pieces]), process.stdout));
    process.stdout.write("\n");
    if (properties !== undefined) complain(`${topic}: ${propertiesText(properties)}`);
    this.#pieces = [];
  }
}

/** The broker's limits, on one line. */
function limitsText({
  receiveMaximum,
  maxQoS,
  retainAvailable,
  aliasMaximum,
  keepAliveS,
  sessionExpiryS,
}: Limits): string {
  const session = sessionExpiryS === 0xffff_ffff ? "for ever" : `for ${sessionExpiryS} s`;
  const retain = retainAvailable === 0 ? ", no retained messages" : "";
  return `receive maximum ${receiveMaximum}, QoS up to ${maxQoS}, ${aliasMaximum} topic aliases, keep-alive ${keepAliveS} s, session kept ${session}${retain}`;
}

/** Text in quotes, bytes in hexadecimal, in the order in which they came. */
function propertiesText(properties: Properties): string {
  return Object.entries(properties)
    .map(([name, value]: [string, unknown]) => {
      if (value instanceof Uint8Array) return `${name} ${Buffer.from(value).toString("hex")}`;
      return `${name} ${JSON.stringify(value)}`;
    })
    .join(", ");
}

/** Test suites of other projects may hold back any number of PUBRELs. */
function unboundedIds(): InboundStore {
  return new Set<number>();
}

function complain(text: string): void {
  process.stderr.write(`mqtt-client: ${shownLines(text)}\n`);
}

const options = orMisused(() => parseArguments(process.argv.slice(2)), "mqtt-client: ");
if (options !== undefined) new Program(options).run();
