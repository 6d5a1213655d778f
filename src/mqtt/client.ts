/*
 * An MQTT client that keeps itself connected. It owns the session, one connection at a time (connection.ts; made anew for each
 * attempt), and one timer, which waits for the nearest deadline.
 * Messages of QoS 1 and 2 come from a store in order, and are sent until they are acknowledged, across lost connections and
 * reboots. Memory: two buffers, a topic, the window; it does not grow with the backlog. Exceptions of a socket, a store or a
 * callback never escape: `onError` reports them, and the client reconnects after a back-off.
 * It speaks 3.1.1 and, with the option `version5`, MQTT 5 where the server has it. All that MQTT 5 adds is behind one
 * interface, broker.ts.
 * Source: MQTT 3.1.1; MQTT 5; ECMA-419, 2nd edition.
 */

import type { Broker } from "./broker.js";
import { Connection, type ConnectionOwner } from "./connection.js";
import type { Ending } from "./delivery/options.js";
import { Session } from "./delivery/session.js";
import type { OutboundEntry } from "./delivery/store.js";
import { messageOf, quietly } from "./errors.js";
import type { Backoff, ClientOptions, ClientState, ClientStatus, MQTTError } from "./options.js";
import type { QoS } from "./wire/codec.js";
import type { TimerId } from "./wire/io.js";
import type { Properties } from "./wire/properties.js";
import { encodeTopicName } from "./wire/topics.js";
import type { Message } from "./wire/transmit.js";
import { version4 } from "./wire/version4.js";

export type { Version } from "./broker.js";
export type { LimitLayers, Limits } from "./delivery/limits.js";
export type { Outcome, SessionOptions, SessionStart, SettledBy } from "./delivery/options.js";
export type { ServerReason } from "./delivery/refusals.js";
export type { Refusal } from "./delivery/suspicion.js";
export type { ClientOptions, ClientState, ClientStatus, MQTTError } from "./options.js";
export type { QoS, Will } from "./wire/codec.js";
export type { InboundMessage } from "./wire/parser.js";
export type { Message } from "./wire/transmit.js";

const NEVER = Number.POSITIVE_INFINITY;
const LEAVE_MS = 2_000; // time for DISCONNECT to be sent
const BACKOFF = Object.freeze<Backoff>({ firstMs: 1_000, longestMs: 120_000, steadyMs: 30_000, refusedMs: 120_000 });
/** CONNACK's return codes, §3.2.2.3. */
const REFUSALS = "protocol version,client id or keep-alive,server unavailable,user name or password,not authorised"; // mosquitto 2.1 refuses a keep-alive by 2

/**
 * The client: `start()` keeps it connected until `stop()`. Use one at a time for each server. The constructor throws RangeError
 * for an option out of range.
 */
export class Client<E extends OutboundEntry = OutboundEntry> implements ConnectionOwner {
  private readonly options: ClientOptions<E>;
  private readonly backoff: Backoff;
  /** Version 5. */
  private readonly broker: Broker | undefined;
  private readonly session: Session<E>;
  /** The current attempt and its connection; undefined: none. */
  private connection: Connection<E> | undefined;
  /** The state as last reported to the owner. */
  private state: ClientState = "stopped";
  private isLinkUp = true;
  private isWipeDue: boolean;
  private isWiped = false;
  /** CONNECTs since the last accepted CONNACK: each of them may have begun a session that the client does not know of. */
  private greetings = 0;
  /** Time of CONNACK, in milliseconds of uptime. */
  private sinceMs = 0;
  /** Time of the next attempt, in milliseconds of uptime, if one is due. */
  private untilMs = NEVER;
  private stepMs = 0;
  private connects = 0;
  private lastError: MQTTError | undefined;
  private whenDone: (() => void) | undefined;
  private timer: TimerId;
  private readonly onTimer = (): void => {
    this.timer = undefined;
    if (this.connection) this.connection.expire();
    else this.connect();
  };

  /** @throws RangeError for an option that MQTT cannot express */
  constructor(options: ClientOptions<E>) {
    const bufferLength = options.bufferLength ?? 64;
    if (!(bufferLength >= 64)) throw new RangeError(`bufferLength ${bufferLength}: expected 64 or more`);
    const { version, version5 } = options;
    if (version === 5 && !version5) throw new RangeError("version 5: expected with version5");
    this.options = options;
    if (version5 && version !== 4) this.broker = new version5(options, () => this.retry());
    this.session = new Session(options, version4, this.broker?.refusals);
    this.backoff = options.backoff ? { ...BACKOFF, ...options.backoff } : BACKOFF;
    this.isWipeDue = options.wipeFirst === true && !options.clean;
    this.connectPacket(); // throws for options that MQTT cannot express
  }

  /** Connects, and stays connected until `stop` or `close`. */
  start(): void {
    if (this.state !== "stopped") return;
    this.stepMs = 0;
    this.connect();
  }

  /** Sends DISCONNECT and closes. `whenDone` is called afterwards; if that fails, after `onError`. Entries stay in the store. */
  stop(whenDone?: () => void): void {
    const connection = this.connection;
    if (connection?.isLeaving) return;
    this.whenDone = whenDone;
    if (!connection?.isConnected) {
      this.onLeft();
      return;
    }
    this.session.close("other"); // no acknowledgement may follow DISCONNECT
    this.wait(LEAVE_MS);
    connection.leave();
  }

  /** Closes at once: nothing is sent. No callback follows but `onState`, and `onError` if that throws. */
  close(): void {
    this.drop();
    this.enter("stopped", NEVER);
  }

  /** The store has a new entry. Does not shorten a back-off. */
  wake(): void {
    this.connection?.send();
  }

  /**
   * The store has dropped entries that the server may know by their ids. The server's session is wiped before anything else is
   * sent, at once if there is a connection. Other entries in flight are sent again as new.
   */
  wipe(): void {
    if (this.options.clean) return;
    this.isWipeDue = true;
    if (this.connection && !this.connection.isLeaving) this.connectAnew(this.connection);
  }

  /** The network is down: drops the connection at once, and waits for `linkUp`. */
  linkDown(): void {
    this.isLinkUp = false;
    if (this.state === "stopped" || this.connection?.isLeaving) return;
    this.drop();
    this.enter("waiting", NEVER);
  }

  /** The network is up: connects at once, unless it is connected. */
  linkUp(): void {
    this.isLinkUp = true;
    if (this.state === "waiting") this.connect();
  }

  /**
   * Publishes from RAM, beside the store. QoS 0: returns false if not connected, or without free space. QoS 1: queued until
   * acknowledged, across lost connections but not a reboot; false if the queue is full. The payload is copied.
   * @throws RangeError if `topic` is not a valid topic name
   */
  publish(topic: string, payload: Uint8Array, options: { readonly qos: 0 | 1; readonly retain?: boolean }): boolean {
    const name = encodeTopicName(topic);
    const retain = options.retain === true;
    if (options.qos === 0)
      return this.publishNow({ topic: name, payload: payload.slice(), payloadLength: payload.length, retain });
    const isQueued = this.session.requests.publish(name, payload, retain);
    this.connection?.send();
    return isQueued;
  }

  /** Publishes at QoS 0 if connected and if there is free space; returns whether it did. */
  publishNow(message: Message): boolean {
    const connection = this.connection;
    if (!connection?.isConnected) return false;
    const { out, parsing } = connection;
    // The acknowledgements of what is being parsed must still fit behind it, with the longest head.
    const head = 15 + (message.properties?.length ?? 0) + message.topic.length; // at most
    if (parsing && out.free < parsing + head + message.payloadLength) return false;
    const isTaken = out.publishAny(message.retain ? 0x30 | this.session.limits.retainAvailable : 0x30, 0, message);
    connection.send();
    return isTaken && !connection.isOver; // the socket may have thrown
  }

  /** Entries that the server has refused by a reason code are sent again now, for example after a change of settings. */
  retry(): void {
    this.connection?.retry();
  }

  /** Subscribes now, and again whenever the server has lost the session. `onSubscribed` reports the granted QoS. @throws RangeError */
  subscribe(filter: string, qos: QoS): void {
    if (qos !== 0 && qos !== 1 && qos !== 2) throw new RangeError(`QoS ${qos}: expected 0, 1 or 2`);
    this.session.requests.ask(filter, qos);
    this.connection?.send();
  }

  /** Forgets a subscription that the server refuses: nothing is sent. */
  forget(filter: string): void {
    this.session.requests.forget(filter);
  }

  /** Unsubscribes. @throws RangeError */
  unsubscribe(filter: string): void {
    this.session.requests.ask(filter);
    this.connection?.send();
  }

  /** Connected, and no request (subscription or message from RAM) waits for an acknowledgement. */
  get isIdle(): boolean {
    return this.connection?.isConnected === true && this.session.requests.isIdle;
  }

  /** No request waits for an acknowledgement, connected or not. */
  get hasAnswered(): boolean {
    return this.session.requests.isIdle;
  }

  /**
   * What connections have shown about entries that the server refuses, as numbers. A device that sleeps after a few attempts
   * passes it on to the option `learned` of its next client. Empty: nothing. Call it after `close`.
   */
  get learned(): readonly number[] {
    return this.session.learned;
  }

  status(): ClientStatus {
    const { session, broker } = this;
    const nowMs = this.options.uptimeMs();
    return {
      state: this.state,
      connectedMs: this.connection?.isConnected ? nowMs - this.sinceMs : undefined,
      retryMs: this.state === "waiting" && this.untilMs < NEVER ? Math.max(0, this.untilMs - nowMs) : undefined,
      lastError: this.lastError,
      version: broker?.protocol.level ?? 4,
      limits: broker?.limits,
      lastReason: broker?.lastReason,
      inFlight: session.inFlight,
      maxQoS2: Math.min(session.limits.window, session.limits.maxOpenQoS2),
      refusal: session.refusal,
      reconnects: Math.max(0, this.connects - 1),
      delivered: session.delivered,
      unconfirmed: session.unconfirmed ?? 0,
      deadLetters: session.deadLetters,
      possibleDoubles: session.possibleDoubles,
      dropped: session.requests.dropped,
      skipped: session.skippedMessages,
    };
  }

  private connect(): void {
    if (!this.isLinkUp) {
      this.enter("waiting", NEVER);
      return;
    }
    const { broker, session } = this;
    const options = broker ? broker.begin(this.options) : this.options;
    const connection = new Connection(this, options, session, broker?.protocol ?? version4);
    connection.out.packet(this.connectPacket()); // sent when the socket is open
    this.connection = connection;
    this.enter("connecting", this.options.connectTimeoutMs ?? 30_000);
    connection.start(); // has no effect if the owner has stopped it in onState
  }

  /** Sends DISCONNECT if possible, so that the will is not published. */
  private connectAnew(connection: Connection<E>): void {
    connection.leaveAtOnce();
    if (connection.isOver) return; // the socket ended it meanwhile
    this.drop();
    this.connect();
  }

  private connectPacket(): Uint8Array {
    const { options, broker, isWipeDue } = this;
    if (broker) return broker.connect(isWipeDue);
    if (isWipeDue) return version4.connect(options, true, undefined);
    return version4.connect(options, options.clean === true, options.will);
  }

  onGreeted(): void {
    this.greetings++;
    const silenceMs = this.broker?.silenceMs;
    if (silenceMs) this.wait(silenceMs);
  }

  onConnack(isPresent: boolean, code: number, properties?: Properties): string | undefined {
    const { options, broker, session } = this;
    const connection = this.connection as Connection<E>;
    if (code && this.greetings) this.greetings--; // it has begun no session
    if (broker?.connack(code, properties)) {
      this.drop();
      this.connect();
      return;
    }
    if (code) {
      const text = code > 127 ? broker?.lastReason?.text : REFUSALS.split(",")[code - 1];
      connection.fail("refused", `refused: ${text}`, "other", code);
      return;
    }
    if (this.isWipeDue) {
      if (isPresent) return "session present, though clean"; // §3.2.2-1
      this.isWipeDue = false;
      this.isWiped = true;
      this.connectAnew(connection);
      return;
    }
    this.connects++;
    broker?.limit(connection.out);
    if (broker) session.limits = broker.limits.effective;
    const fault = session.open(connection.out, broker?.protocol ?? version4, {
      isClean: options.clean === true,
      isPresent: isPresent && !this.isWiped, // a session that was begun after the wipe has nothing of ours yet
      isWiped: this.isWiped,
      isExpired: !isPresent && broker?.isExpired === true,
      isDoubtful: this.greetings > 1,
    });
    if (fault || connection.isOver) return fault;
    this.greetings = 0;
    this.isWiped = false;
    this.sinceMs = options.uptimeMs();
    connection.begin(broker?.limits.effective.keepAliveS ?? options.keepAlive ?? 60);
    this.setState("connected");
    return;
  }

  onDisconnect(code: number, properties: Properties): void {
    const ending = this.broker?.disconnect(code, properties);
    const reason = code > 127 ? `: ${this.broker?.lastReason?.text}` : "";
    this.connection?.fail("closed", `closed by the server${reason}`, ending, code);
  }

  /** `error`: DISCONNECT could not be sent. */
  onLeft(error?: MQTTError): void {
    const whenDone = this.whenDone; // the owner may call `stop` again, from `onState` or `onError`
    this.close();
    if (error) this.report(error);
    quietly(() => whenDone?.());
  }

  onFailure(error: MQTTError, ending: Ending): void {
    const connection = this.connection as Connection<E>;
    const isLeaving = connection.isLeaving;
    const isAgain = this.broker?.ended(connection.stage, error);
    const waitMs = this.backOff(connection, error.code);
    this.lastError = error;
    connection.close();
    this.session.close(ending);
    if (this.connection !== connection) return; // in onSubscribed the owner has ended it, or started again
    if (isAgain) {
      this.connect();
      return;
    }
    if (isLeaving) {
      this.onLeft(error);
      return;
    }
    this.connection = undefined;
    this.enter("waiting", waitMs);
    this.report(error);
  }

  wait(delayMs: number): void {
    const timers = this.options.timers;
    if (this.timer !== undefined) timers.clear(this.timer);
    this.timer = delayMs < NEVER ? timers.set(this.onTimer, delayMs) : undefined;
  }

  /** Time to wait after this connection, in milliseconds. `code`: of a CONNACK that refused. */
  private backOff(connection: Connection<E>, code: number | undefined): number {
    const backoff = this.backoff;
    const longestMs = this.session.isWelcome ? Math.min(4 * backoff.firstMs, backoff.longestMs) : backoff.longestMs;
    const random = this.options.random();
    // Of the refusals, only "server unavailable" is temporary.
    if (code && (this.broker?.isLasting(code, connection.stage) ?? code !== 3)) {
      this.stepMs = backoff.refusedMs;
      return Math.round((this.stepMs * (1 + random)) / 2);
    }
    const isSteady = connection.isConnected && this.options.uptimeMs() - this.sinceMs >= backoff.steadyMs;
    this.stepMs = isSteady ? backoff.firstMs : Math.min(Math.max(this.stepMs * 2, backoff.firstMs), longestMs);
    return Math.round(this.stepMs * random);
  }

  private report(error: MQTTError): void {
    quietly(() => this.options.onError?.(error));
  }

  /** Ends the connection, if there is one, in any state. */
  private drop(): void {
    const connection = this.connection;
    this.connection = undefined;
    if (connection) this.broker?.ended(connection.stage);
    connection?.close();
    this.session.close("other");
  }

  private enter(state: ClientState, waitMs: number): void {
    this.untilMs = this.options.uptimeMs() + waitMs;
    this.wait(waitMs);
    this.setState(state);
  }

  private setState(state: ClientState): void {
    if (state === this.state) return;
    this.state = state;
    try {
      this.options.onState?.(state);
    } catch (cause) {
      if (state === "connected") throw cause; // ends the connection, as with any callback
      this.report({ kind: "application", message: messageOf(cause), cause });
    }
  }
}
