/*
 * An MQTT 3.1.1 client that keeps itself connected. It owns the socket and one timer, which waits for the nearest deadline.
 * Messages of QoS 1 and 2 come from a store in order, and are sent until they are acknowledged, across drops and reboots.
 * Memory: two buffers, a topic, the window; nothing grows with the backlog. What a socket, store or callback throws gets
 * out to nobody, be it called back or called from a method here: `onError` tells, and the client connects again after a back-off.
 * Source: MQTT 3.1.1; ECMA-419, 2nd edition.
 */
import { connectPacket, type QoS } from "./codec.js";
import { Connection, messageOf } from "./connection.js";
import { MAX_QOS2 } from "./in-flight.js";
import type { Port, Resolver, ResolverConstructor } from "./io.js";
import type { Backoff, ClientOptions, ClientStatus, Ending, MQTTError } from "./options.js";
import type { OutboundEntry } from "./store.js";
import { encodeTopicName } from "./topics.js";
import type { Message } from "./transmit.js";

export type { QoS, Will } from "./codec.js";
export type {
  ClientOptions,
  ClientState,
  ClientStatus,
  MQTTError,
  Outcome,
  SessionOptions,
  SessionStart,
  SettledBy,
} from "./options.js";
export type { InboundMessage } from "./parser.js";
export type { Refusal } from "./suspicion.js";
export type { Message } from "./transmit.js";

const NEVER = Number.POSITIVE_INFINITY;
const BACKOFF = Object.freeze<Backoff>({ firstMs: 1_000, longestMs: 120_000, steadyMs: 30_000, refusedMs: 120_000 });
/** CONNACK's return codes, §3.2.2.3. */
const REFUSALS = "protocol version,client id or keep-alive,server unavailable,user name or password,not authorised"; // mosquitto 2.1 refuses a keep-alive by 2

export class Client<E extends OutboundEntry = OutboundEntry> extends Connection<E> {
  private readonly backoff: Backoff;
  private state: ClientStatus["state"] = "stopped";
  private resolver: Resolver | undefined;
  private isLinkUp = true;
  private isWipeDue: boolean;
  private isWiped = false;
  /** Since CONNACK, in milliseconds of uptime. */
  private sinceMs = 0;
  /** When the stage ends, if it has a limit. */
  private untilMs = NEVER;
  private stepMs = 0;
  private connects = 0;
  private lastError: MQTTError | undefined;
  private whenDone: (() => void) | undefined;

  /** @throws RangeError if an option cannot be said in MQTT */
  constructor(options: ClientOptions<E>) {
    super(options);
    this.backoff = options.backoff ? { ...BACKOFF, ...options.backoff } : BACKOFF;
    this.isWipeDue = options.wipeFirst === true && !options.clean;
    this.greeting(); // throws for what cannot be said
  }

  /** Connects, and stays connected until `stop` or `close`. */
  start(): void {
    if (this.stage !== "stopped") return;
    this.stepMs = 0;
    this.connect();
  }

  /** Sends DISCONNECT and closes; `whenDone` is called when that is done, and after `onError` if it fails. What is in the store stays there. */
  stop(whenDone?: () => void): void {
    if (this.stage === "leaving") return;
    this.whenDone = whenDone;
    if (this.stage !== "connected") {
      this.onLeft();
      return;
    }
    this.session.close("other"); // no answer may follow DISCONNECT
    this.enter("leaving", 2_000);
    this.guard(this.number, this.leave, undefined);
  }

  /** At once: nothing is sent, no callback comes any more but `onState`; `onError`, should that throw. */
  close(): void {
    this.drop("other");
    this.enter("stopped", NEVER);
  }

  /** The store has a new entry. Does not shorten a back-off. */
  wake(): void {
    this.session.mayHaveMore = true;
    if (this.parsing) return;
    const number = this.number;
    try {
      this.session.fill();
      this.out.flush();
    } catch (cause) {
      this.crash(number, cause);
    }
  }

  /**
   * The store has given up entries that the server may know by their ids: its session is wiped before anything else is
   * sent, at once where there is a connection. What else was in flight goes again as new.
   */
  wipe(): void {
    if (this.options.clean) return;
    this.isWipeDue = true;
    if (this.stage === "connected" || this.stage === "connecting") this.guard(this.number, this.connectAnew, undefined);
  }

  /** The network is gone: drops the connection at once, and waits for `linkUp`. */
  linkDown(): void {
    this.isLinkUp = false;
    if (this.stage === "stopped" || this.stage === "leaving") return;
    this.drop("other");
    this.enter("waiting", NEVER);
  }

  /** The network is there: connects at once, if it is not connected. */
  linkUp(): void {
    this.isLinkUp = true;
    if (this.stage === "waiting") this.connect();
  }

  /**
   * Publishes from RAM, beside the store. QoS 0: false if not connected, or no room. QoS 1: queued until acknowledged, across
   * drops but no reboot; false if the queue is full. The payload is copied.
   * @throws RangeError if `topic` is no topic name
   */
  publish(topic: string, payload: Uint8Array, options: { readonly qos: 0 | 1; readonly retain?: boolean }): boolean {
    const name = encodeTopicName(topic);
    const retain = options.retain === true;
    if (options.qos === 0)
      return this.publishNow({ topic: name, payload: payload.slice(), payloadLength: payload.length, retain });
    const isQueued = this.session.requests.publish(name, payload, retain);
    this.send();
    return isQueued;
  }

  /** Publishes at QoS 0, if connected and there is room; returns whether. */
  publishNow(message: Message): boolean {
    if (this.stage !== "connected") return false;
    const out = this.out;
    // The answers to what is being parsed must have room after it, and after the longest head.
    if (this.parsing && out.room < this.parsing + 11 + message.topic.length + message.payloadLength) return false;
    const number = this.number;
    const isTaken = out.publishAny(message.retain ? 0x31 : 0x30, 0, message);
    this.send();
    return isTaken && number === this.number; // the socket may have thrown
  }

  /** Subscribes now and whenever the server has lost the session. `onSubscribed` tells what was granted. @throws RangeError */
  subscribe(filter: string, qos: QoS): void {
    if (qos !== 0 && qos !== 1 && qos !== 2) throw new RangeError(`QoS ${qos}: expected 0, 1 or 2`);
    this.session.requests.ask(filter, [qos]);
    this.send();
  }

  /** Forgets a subscription that the server would not take: nothing is sent. */
  forget(filter: string): void {
    this.session.requests.forget(filter);
  }

  /** Takes a subscription back. @throws RangeError */
  unsubscribe(filter: string): void {
    this.session.requests.ask(filter, []);
    this.send();
  }

  status(): ClientStatus {
    const session = this.session;
    const nowMs = this.options.uptimeMs();
    return {
      state: this.state,
      connectedMs: this.stage === "connected" ? nowMs - this.sinceMs : undefined,
      retryMs: this.stage === "waiting" && this.untilMs < NEVER ? Math.max(0, this.untilMs - nowMs) : undefined,
      lastError: this.lastError,
      inFlight: session.inFlight,
      maxQoS2: Math.min(this.options.window ?? 8, MAX_QOS2),
      refusal: session.refusal,
      reconnects: Math.max(0, this.connects - 1),
      delivered: session.delivered,
      deadLetters: session.deadLetters,
      possibleDoubles: session.possibleDoubles,
      dropped: session.requests.dropped,
    };
  }

  private connect(): void {
    if (!this.isLinkUp) {
      this.enter("waiting", NEVER);
      return;
    }
    this.reset();
    const number = this.number;
    const dns = this.options.dns;
    const isNumeric = /^\d+\.\d+\.\d+\.\d+$/.test(this.options.host);
    this.enter("connecting", this.options.connectTimeoutMs ?? 30_000);
    // Not if the owner changed its mind in onState.
    if (dns && !isNumeric) this.guard(number, this.resolve, dns);
    else this.guard(number, this.open, isNumeric ? this.options.host : undefined);
  }

  /** Takes leave where it can, so that the will stays unsaid. */
  private connectAnew(): void {
    const number = this.number;
    if (this.out.writable) {
      this.out.packet(Uint8Array.of(0xe0, 0));
      this.out.flush();
    }
    if (number !== this.number) return; // the socket ended meanwhile
    this.drop("other");
    this.connect();
  }

  private resolve(dns: Port<ResolverConstructor>): void {
    const number = this.number;
    const host = this.options.host;
    this.resolver = new dns.io(dns);
    this.resolver.resolve({
      host,
      onResolved: (_name, address) => this.guard(number, this.open, address),
      onError: () => {
        if (number === this.number && !this.out.socket) this.fail("resolve", `unknown host: no address for ${host}`);
      },
    });
  }

  private open(address: string | undefined): void {
    if (this.out.socket) return; // a resolver that goes on talking
    const options = this.options;
    const socket = options.socket;
    const number = this.number;
    const opened = new socket.io({
      ...socket,
      host: options.host,
      address,
      port: options.port,
      format: "buffer",
      onReadable: this.reader(number),
      onWritable: (count) => this.guard(number, this.onWritable, count),
      onError: (reason) => this.guard(number, this.onError, reason),
    });
    // A class may call back from its constructor: the connection may be over already.
    if (number === this.number) this.out.socket = opened;
    else quietly(() => opened.close());
  }

  protected greeting(): Uint8Array {
    const options = this.options;
    if (this.isWipeDue) return connectPacket(options, true, undefined);
    return connectPacket(options, options.clean === true, options.will);
  }

  connack(present: boolean, code: number): string | undefined {
    const options = this.options;
    if (code) {
      this.fail("refused", `refused: ${REFUSALS.split(",")[code - 1]}`, "other", code);
      return;
    }
    if (this.isWipeDue) {
      if (present) return "session present, though clean"; // §3.2.2-1
      this.isWipeDue = false;
      this.isWiped = true;
      this.connectAnew();
      return;
    }
    const number = this.number;
    this.connects++;
    const fault = this.session.open(this.out, options.clean === true, present, this.isWiped);
    if (fault || number !== this.number) return fault;
    this.isWiped = false;
    this.sinceMs = options.uptimeMs();
    this.enter("connected", this.lookMs);
    return;
  }

  /** `error`: if DISCONNECT did not get through. */
  protected onLeft(error?: MQTTError): void {
    const { whenDone } = this; // the owner may call `stop` again, from `onState` or `onError`
    this.close();
    if (error) this.tell(error);
    quietly(() => whenDone?.());
  }

  protected fail(
    kind: MQTTError["kind"],
    message: string,
    ending: Ending = "other",
    code?: number,
    cause?: unknown,
  ): void {
    const backoff = this.backoff;
    const stage = this.stage;
    const nowMs = this.options.uptimeMs();
    const next = this.number + 1;
    const longestMs = this.session.isWelcome ? Math.min(4 * backoff.firstMs, backoff.longestMs) : backoff.longestMs;
    this.drop(ending);
    const error: MQTTError = { kind, message, code, cause };
    this.lastError = error;
    if (next !== this.number) return; // told of a filter given up, the owner has ended it or begun anew
    // Of the refusals, time mends "server unavailable" only.
    let random = this.options.random();
    if (code && code !== 3) {
      this.stepMs = backoff.refusedMs;
      random = (1 + random) / 2;
    } else if (stage === "connected" && nowMs - this.sinceMs >= backoff.steadyMs) this.stepMs = backoff.firstMs;
    else this.stepMs = Math.min(Math.max(this.stepMs * 2, backoff.firstMs), longestMs);
    const waitMs = Math.round(this.stepMs * random);
    if (stage === "leaving") {
      this.onLeft(error);
      return;
    }
    this.enter("waiting", waitMs);
    this.tell(error);
  }

  private tell(error: MQTTError): void {
    quietly(() => this.options.onError?.(error));
  }

  /** Ends connection and resolver, whatever their state. */
  private drop(ending: Ending): void {
    const socket = this.out.socket;
    const resolver = this.resolver;
    this.reset();
    this.resolver = undefined;
    this.session.close(ending);
    quietly(() => resolver?.close?.());
    quietly(() => socket?.close());
  }

  private enter(stage: Connection<E>["stage"], waitMs: number): void {
    this.stage = stage;
    this.untilMs = this.options.uptimeMs() + waitMs;
    this.wait(waitMs);
    const state = stage === "leaving" ? "connected" : stage;
    if (state === this.state) return;
    this.state = state;
    try {
      this.options.onState?.(state);
    } catch (cause) {
      if (stage === "connected") throw cause; // that ends the connection, as what any callback throws
      this.tell({ kind: "application", message: messageOf(cause), cause });
    }
  }

  protected expire(): void {
    const stage = this.stage;
    if (stage === "waiting") this.connect();
    else if (stage === "leaving") this.fail("timeout", "DISCONNECT not sent");
    else if (!this.out.socket) this.fail("timeout", "no answer from the resolver");
    else this.fail("timeout", this.isDeaf ? "no answer: host unreachable" : "no CONNACK");
  }
}

/** For what has no bearing on what comes next: a close of what is over either way, an owner who throws and cannot be told. */
function quietly(call: () => void): void {
  try {
    call();
  } catch {}
}
