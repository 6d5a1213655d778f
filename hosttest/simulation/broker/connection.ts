/*
 * One connection of the model broker, of either version.
 * Source: MQTT 3.1.1 and 5, §3, §4.
 */
import type { Acceptor, Peer } from "../network.js";
import { acknowledgement, connack, disconnect, pingresp, suback, unsuback } from "./answers.js";
import { ProtocolError } from "./body.js";
import type { Forwarded } from "./message.js";
import type { Host } from "./options.js";
import { type ClientPacket, type Level, PacketReader } from "./packets.js";
import type { Session } from "./session.js";
import type { Terms } from "./terms.js";

type Publish = Extract<ClientPacket, { type: "publish" }>;
type Connect = Extract<ClientPacket, { type: "connect" }>;

const NO_SUBSCRIPTION_EXISTED = 0x11; // MQTT 5 §3.11.3
const QUOTA_EXCEEDED = 0x97;
const NOT_AUTHORIZED = 0x87;
const PAYLOAD_INVALID = 0x99;
const RETAIN_NOT_SUPPORTED = 0x9a;
const QOS_NOT_SUPPORTED = 0x9b;
const KEEP_ALIVE_TIMEOUT = 0x8d;
const RECEIVE_MAXIMUM_EXCEEDED = 0x93;
/** For 3.1.1's return codes, §3.2.2.2. */
const REFUSALS_AT_5 = [0, 0x84, 0x85, 0x88, 0x86, 0x87];
/** Reason codes for closing at once: administrative action, server busy, quota exceeded, unspecified error. */
const WHIMS = [0x98, 0x89, 0x97, 0x80];
const WORDS = { reason: "see\u001b[31m the log", user: "node=7" };

export class Connection implements Acceptor {
  readonly #broker: Host<Connection>;
  readonly #terms: Terms;
  readonly #peer: Peer;
  readonly #reader = new PacketReader();
  #level: Level = 4;
  #client = "?";
  #session: Session | undefined;
  #will: Forwarded | undefined;
  #maySayMore = false; // the client wants reason strings, and accepts packets of that length
  #over = false;
  #dumb = false;
  #isNew = false; // the CONNACK of this connection reports that there was no session
  #keepAliveMs = 0;
  #lastHeardMs = 0;
  #answersDueMs = 0; // answers are sent in order, however late
  readonly #topics = new Map<number, string>(); // by alias
  readonly #unanswered = new Set<number>(); // ids of messages sent on this connection, until PUBACK or PUBCOMP

  constructor(broker: Host<Connection>, peer: Peer) {
    this.#broker = broker;
    this.#terms = broker.terms;
    this.#peer = peer;
  }

  data(bytes: Uint8Array): void {
    if (this.#over) return;
    this.#lastHeardMs = this.#broker.options.time.nowMs;
    try {
      this.#reader.push(bytes, (packet, length) => {
        if (!this.#over) this.#take(packet, length);
      });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#breach(error.message);
      this.dismiss(0x82);
    }
  }

  ended(): void {
    this.#end("will");
  }

  /** Closed by the broker; in 5 with a reason, if this broker sends reasons. */
  dismiss(reason: number): void {
    if (this.#over) return;
    const { saysWhy } = this.#terms;
    if (this.#level === 5 && this.#session !== undefined && saysWhy && !this.#dumb)
      this.#peer.send(disconnect(reason, this.#words()));
    this.#end("peer");
  }

  /** The end of the connection. "peer": the broker closes the stream. The will is published, except after a DISCONNECT. */
  #end(how: "peer" | "will" | "disconnected"): void {
    if (this.#over) return;
    this.#over = true;
    if (how !== "will") this.#peer.close();
    if (how !== "disconnected" && this.#will !== undefined) this.#broker.options.forwarded(this.#will);
    this.#broker.leave(this, this.#client, this.#session);
  }

  #take(packet: ClientPacket, length: number): void {
    const session = this.#session;
    if (session === undefined) {
      if (packet.type !== "connect") throw new ProtocolError(`${packet.type} before connect`);
      this.#connect(packet);
      return;
    }
    if (this.#isNew) session.forgotten.clear(); // the client continues: it has read the CONNACK
    if (this.#level === 5 && length > (this.#terms.maximumPacketBytes ?? Number.POSITIVE_INFINITY))
      throw new ProtocolError(`${packet.type} of ${length} bytes`);
    switch (packet.type) {
      case "connect":
        throw new ProtocolError("a second connect");
      case "publish":
        this.#publish(packet, session);
        return;
      case "pubrel":
        this.#release(packet.id, session);
        return;
      case "subscribe":
        for (const { filter } of packet.filters) session.filters.add(filter);
        this.#answer(
          suback(
            this.#level,
            packet.id,
            packet.filters.map(({ qos }) => qos),
          ),
        );
        return;
      case "unsubscribe":
        this.#answer(
          unsuback(
            this.#level,
            packet.id,
            packet.filters.map((filter) => (session.filters.delete(filter) ? 0 : NO_SUBSCRIPTION_EXISTED)),
          ),
        );
        return;
      case "pingreq":
        this.#answer(pingresp);
        return;
      case "disconnect": {
        const expiryS = packet.properties.expiryS as number | undefined;
        if (expiryS !== undefined && session.expiryS === 0 && expiryS > 0)
          throw new ProtocolError("disconnect: an expiry for a session that has none"); // §3.14.2.2.2
        if (expiryS !== undefined) session.expiryS = Math.min(expiryS, this.#terms.maxExpiryS);
        this.#end(packet.reason === 4 ? "peer" : "disconnected"); // §3.14.2.1: with the will
        return;
      }
      case "auth":
        throw new ProtocolError("auth without a method");
      case "puback":
      case "pubrec":
      case "pubcomp":
        throw new ProtocolError(`${packet.type} ${packet.id}, and nothing was published to this client`);
      default:
        throw new TypeError(`packet: ${JSON.stringify(packet satisfies never)}`);
    }
  }

  #connect(packet: Connect): void {
    const { level, id, clean, will } = packet;
    if (level === 5 && !this.#speaks5()) return;
    const refusal = this.#refusal(packet);
    if (refusal !== 0) {
      this.#peer.send(connack(level, false, refusal, this.#terms.isWordy ? WORDS : {}));
      this.#end("disconnected");
      return;
    }
    this.#level = level;
    this.#client = id;
    const { maximumPacketBytes = Number.POSITIVE_INFINITY, requestProblemInformation = 1 } = packet.properties;
    this.#maySayMore = Number(maximumPacketBytes) > 255 && requestProblemInformation === 1;
    const asked = level === 5 ? Number(packet.properties.expiryS ?? 0) : clean ? 0 : Number.POSITIVE_INFINITY;
    if (level === 5 && !clean && asked === 0) this.#breach("connect: its session is not to outlive the connection");
    const expiryS = Math.min(asked === 0xffff_ffff ? Number.POSITIVE_INFINITY : asked, this.#terms.maxExpiryS);
    const { session, present } = this.#broker.admit(this, { id, clean, expiryS }, level);
    this.#session = session;
    this.#isNew = !present;
    this.#will = will && { client: id, ...will };
    const keepAliveS = level === 5 ? (this.#terms.keepAliveS ?? packet.keepAliveS) : packet.keepAliveS;
    this.#keepAliveMs = keepAliveS * 1500; // §3.1.2-24
    this.#watch();
    this.#answer(connack(level, present, 0, this.#announced(asked, expiryS)));
  }

  /** Whether it speaks 5; if not, it answers in its own way. */
  #speaks5(): boolean {
    const { five } = this.#terms;
    this.#broker.attemptsAt5++;
    switch (five) {
      case "spoken":
        return true;
      case "0x84":
        this.#peer.send(connack(5, false, 0x84, {}));
        break;
      case "code 1":
        this.#peer.send(connack(4, false, 1, {}));
        break;
      case "closes":
        break;
      case "silent":
        this.#over = true; // receives nothing any more
        return false;
      default:
        throw new TypeError(`five: ${five satisfies never}`);
    }
    this.#end("disconnected");
    return false;
  }

  /** The code with which a CONNECT is refused; 0: accepted. */
  #refusal({ level, will }: Connect): number {
    const { refusal } = this.#broker.mood;
    if (level === 4) return refusal;
    if (refusal !== 0) return REFUSALS_AT_5[refusal];
    if (will?.retain === true && !this.#terms.retainAvailable) return RETAIN_NOT_SUPPORTED; // §3.2.2.3.5
    return (will?.qos ?? 0) > this.#terms.maximumQoS ? QOS_NOT_SUPPORTED : 0;
  }

  /** The properties of a CONNACK, §3.2.2.3. Defaults are left out. */
  #announced(asked: number, granted: number): Record<string, number | string | undefined> {
    const { receiveMaximum, maximumQoS, isQoSSaid, retainAvailable, maximumPacketBytes } = this.#terms;
    const { aliasMaximum, keepAliveS } = this.#terms;
    return {
      expiryS: granted < asked ? granted : undefined,
      receiveMaximum: receiveMaximum === 65_535 ? undefined : receiveMaximum,
      maximumQoS: maximumQoS === 2 || !isQoSSaid ? undefined : maximumQoS,
      retainAvailable: retainAvailable ? undefined : 0,
      maximumPacketBytes,
      aliasMaximum: aliasMaximum === 0 ? undefined : aliasMaximum,
      keepAliveS,
      ...(this.#words() ? { ...WORDS, serverReference: "elsewhere.example:1883", wildcardAvailable: 1 } : {}),
    };
  }

  #publish(packet: Publish, session: Session): void {
    const { qos, id, payload, retain, properties } = packet;
    const { options } = this.#broker;
    const topic = this.#topicOf(packet);
    const message: Forwarded = { client: this.#client, topic, payload, qos, retain, properties };
    if (!this.#suits(message) || (qos > 0 && !this.#isWithinQuota(id))) return;
    const { forbidden } = this.#broker.mood;
    if (qos === 0) {
      if (forbidden === "" || !topic.startsWith(forbidden)) options.forwarded(message);
      return;
    }
    const reason = session.received.has(id) ? 0 : this.#reasonFor(message, session);
    if (reason >= 0x80) {
      session.seen.delete(id); // the next one with this id is new (MQTT 5 §4.4)
      this.#refuse(message, id, reason);
    } else if (qos === 1) this.#takeQoS1(packet, message, session);
    else this.#takeQoS2(packet, message, session);
  }

  /** §3.3.2.3.4. */
  #topicOf({ topic, properties }: Publish): string {
    const alias = properties.alias as number | undefined;
    if (alias === undefined) return topic;
    if (alias > this.#terms.aliasMaximum) throw new ProtocolError(`publish: topic alias ${alias}`);
    if (topic !== "") this.#topics.set(alias, topic);
    const known = this.#topics.get(alias);
    if (known === undefined) throw new ProtocolError(`publish: topic alias ${alias} stands for nothing`);
    return known;
  }

  /** Whether this broker supports its QoS and its retain flag; if not, it closes the connection. */
  #suits({ qos, retain }: Forwarded): boolean {
    const { maximumQoS, isQoSSaid, retainAvailable } = this.#terms;
    if (qos > maximumQoS) {
      if (this.#level === 5 && isQoSSaid) this.#breach(`publish at QoS ${qos}, the maximum is ${maximumQoS}`);
      this.dismiss(QOS_NOT_SUPPORTED);
      return false;
    }
    if (!retain || retainAvailable) return true;
    if (this.#level === 5) this.#breach("publish: retained, where that is not available");
    this.dismiss(RETAIN_NOT_SUPPORTED);
    return false;
  }

  /** Counts a message of QoS 1 or 2 (MQTT 5 §4.9). Returns whether it is one too many, or is repeated on the same connection. */
  #isWithinQuota(id: number): boolean {
    if (this.#level === 4) return true;
    if (this.#unanswered.has(id)) throw new ProtocolError(`publish ${id}: sent again on the same connection`); // §4.4.0-1
    this.#unanswered.add(id);
    if (this.#unanswered.size <= this.#terms.receiveMaximum) return true;
    this.#breach(`publish ${id}: ${this.#unanswered.size} are not acknowledged`);
    this.dismiss(RECEIVE_MAXIMUM_EXCEEDED);
    return false;
  }

  /** Reason to refuse a message, 0x80 or more; not sent in 3.1.1. */
  #reasonFor({ topic, qos }: Forwarded, session: Session): number {
    const { mood, options } = this.#broker;
    if (mood.forbidden !== "" && topic.startsWith(mood.forbidden)) return NOT_AUTHORIZED;
    if (qos === 2 && session.received.size >= this.#terms.receiveMaximum) return QUOTA_EXCEEDED;
    if (this.#level === 4) return 0;
    if (mood.full > 0 && options.random.chance(mood.full)) return QUOTA_EXCEEDED;
    return mood.picky > 0 && options.random.chance(mood.picky) ? PAYLOAD_INVALID : 0;
  }

  /** In 3.1.1 a refusal looks like success, and the message is lost. */
  #refuse(message: Forwarded, id: number, reason: number): void {
    const type = message.qos === 1 ? "puback" : "pubrec";
    if (this.#level === 4) {
      if (reason === NOT_AUTHORIZED) this.#broker.options.messageLost(message);
      this.#answer(acknowledgement(4, type, id));
      return;
    }
    this.#broker.options.messageRefused?.(message, reason);
    this.#answer(acknowledgement(5, type, id, reason, this.#words()), id);
  }

  #takeQoS1({ id, dup, payload }: Publish, message: Forwarded, session: Session): void {
    if (session.received.has(id)) this.#breach(`publish ${id}: the id is in use by a QoS 2 message`);
    if (payload.includes('"seq"')) {
      // A reading; status and discovery may be sent again unchanged.
      if (!dup && session.seen.get(id) === payload) this.#breach(`publish ${id}: a re-delivery without DUP`);
      session.seen.set(id, payload);
    }
    this.#broker.options.forwarded(message);
    this.#answer(acknowledgement(this.#level, "puback", id, this.#terms.success, this.#words()), id);
  }

  #takeQoS2({ id, dup, payload }: Publish, message: Forwarded, session: Session): void {
    const before = session.received.get(id);
    const { options } = this.#broker;
    if (before === undefined) {
      session.received.set(id, message);
      if (options.forwardAt === "publish") options.forwarded(message);
    } else {
      if (before.payload !== payload) this.#breach(`publish ${id}: the id is in use by another message`);
      if (!dup) this.#breach(`publish ${id}: a re-delivery without DUP`);
      if (this.#level === 5 && this.#terms.repeated) {
        this.#answer(acknowledgement(5, "pubrec", id, this.#terms.repeated, this.#words()), id);
        return;
      }
    }
    this.#answer(acknowledgement(this.#level, "pubrec", id, this.#terms.success, this.#words()));
  }

  #release(id: number, session: Session): void {
    const message = session.received.get(id);
    session.received.delete(id);
    const forgotten = session.forgotten.get(id);
    if (message === undefined && forgotten !== undefined) this.#broker.options.messageLost(forgotten);
    if (message !== undefined && this.#broker.options.forwardAt === "pubrel") this.#broker.options.forwarded(message);
    const reason = message === undefined ? this.#terms.unknownId : 0;
    this.#answer(acknowledgement(this.#level, "pubcomp", id, reason, this.#words()), id); // also for an unknown id (§4.3.3-2)
  }

  #words(): typeof WORDS | undefined {
    return this.#terms.isWordy && this.#level === 5 && this.#maySayMore ? WORDS : undefined;
  }

  /** `settled`: the id that is free when the answer has been sent. */
  #answer(bytes: Uint8Array, settled = 0): void {
    const { mood, options } = this.#broker;
    // No answer may follow one that was left out (§4.6.0-2, -3): the connection sends nothing until it ends.
    this.#dumb ||= mood.stalled;
    if (this.#dumb) return;
    if (mood.closing > 0 && options.random.chance(mood.closing)) {
      this.dismiss(this.#level === 5 ? options.random.pick(WHIMS) : 0);
      return;
    }
    const send = (): void => {
      this.#unanswered.delete(settled);
      this.#peer.send(bytes);
    };
    if (mood.lateMs === 0 && this.#answersDueMs <= options.time.nowMs) {
      send();
      return;
    }
    const dueMs = Math.max(this.#answersDueMs, options.time.nowMs + options.random.whole(0, mood.lateMs));
    this.#answersDueMs = dueMs;
    options.time.timers.set(() => {
      if (!this.#over) send();
    }, dueMs - options.time.nowMs);
  }

  /** Ends the connection when it has been silent for one and a half keep alives. */
  #watch(): void {
    if (this.#keepAliveMs === 0 || this.#over) return;
    const { time } = this.#broker.options;
    const leftMs = this.#lastHeardMs + this.#keepAliveMs - time.nowMs;
    if (leftMs < 0) this.dismiss(KEEP_ALIVE_TIMEOUT);
    else time.timers.set(() => this.#watch(), leftMs + 1);
  }

  #breach(what: string): void {
    this.#broker.options.breach(this.#client, what);
  }
}
