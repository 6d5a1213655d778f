/*
 * What the owner asks for from RAM: subscriptions, and messages of QoS 1 that are no entries of the store (availability,
 * discovery, replies). Sent in order, kept until acknowledged, sent again with every connection; gone with a reboot. A SUBSCRIBE
 * stays after that: a server that loses the session is asked again. Of that the filter is kept, and no packet: it is one for years.
 * Bounded: 16 messages, and one request per filter. Pure: bytes go into a transmit buffer.
 * Source: MQTT 3.1.1 §3.8 to §3.11, §4.4.
 */
import type { QoS } from "../wire/codec.js";
import type { Protocol } from "../wire/protocol.js";
import type { Transmit } from "../wire/transmit.js";
import type { Refusals } from "./refusals.js";

/**
 * Where the answers to subscriptions are reported, and after how many connections a message that the server does not take is
 * a dead letter.
 */
export interface RequestsOptions {
  /** A filter was granted at a QoS, or refused (128, in version 5 any reason code from there on). */
  onSubscribed?(filter: string, granted: number): void;
  deadLetterAfter?: number;
}

interface Request {
  readonly id: number;
  /** Of a message its packet, in the version of the protocol that is spoken; of SUBSCRIBE the QoS; of UNSUBSCRIBE nothing. */
  content: Uint8Array | QoS | undefined;
  /** Of SUBSCRIBE and UNSUBSCRIBE. */
  readonly filter: string | undefined;
  /** A SUBSCRIBE, and nothing newer is wanted of its filter. */
  isLasting: boolean;
  state: "due" | "sent" | "done";
}

// Requests go before entries, and several at once. A server that closes with two things unanswered may have closed for either: nothing
// is counted against any of them then, and on the next connections requests go one by one, and entries after them.
const TOGETHER = 0;
const APART = 1;
/** What went apart was answered, or a ping was: on this connection all go together again. */
const JOINED = 2;

/**
 * Subscriptions and messages from RAM, until they are acknowledged. A full queue is a return value; a topic filter that MQTT
 * forbids throws RangeError.
 */
export class Requests {
  private readonly options: RequestsOptions;
  private protocol: Protocol;
  /** Version 5. */
  private readonly refusals: Refusals | undefined;
  private list: Request[] = [];
  /** Some may not be sent yet on this connection. */
  isDue = false;
  private order: typeof TOGETHER | typeof APART | typeof JOINED = TOGETHER;
  private lastId = 65_535;
  /** The request that connections have ended for, and how many in a row. */
  private struck = 0;
  private strikes = 0;
  /** A PUBREL for an entry that is settled without PUBREC. */
  private released: Uint8Array | undefined;
  /** Messages and filters that the server would not take. */
  dropped = 0;
  /** Messages without their acknowledgement. */
  inFlight = 0;

  constructor(options: RequestsOptions, protocol: Protocol, refusals?: Refusals) {
    this.options = options;
    this.refusals = refusals;
    this.protocol = protocol;
  }

  /** Queues a message of QoS 1; false: the queue is full. `topic`: encoded. */
  publish(topic: Uint8Array, payload: Uint8Array, retain: boolean): boolean {
    if (this.list.filter((each) => !each.filter).length >= 16) return false;
    const id = this.freeId();
    this.add(id, this.protocol.publish(retain ? 0x33 : 0x32, id, topic, payload));
    return true;
  }

  /** SUBSCRIBE with a QoS, UNSUBSCRIBE without. @throws RangeError if `filter` is no topic filter */
  ask(filter: string, qos?: QoS): void {
    const id = this.freeId();
    this.protocol.unsubscribe(id, filter); // throws
    this.forget(filter); // what is not on the wire gives way to the newer wish
    this.add(id, qos, filter, qos !== undefined);
  }

  /** Nothing is wanted of `filter` any more. What is on the wire is still awaited, and not sent again with another connection. */
  forget(filter: string): void {
    this.list = this.list.filter((each) => {
      if (each.filter !== filter) return true;
      each.isLasting = false;
      return each.state === "sent";
    });
  }

  /** PUBREL for the id of an entry that is settled though no PUBREC came: the server forgets the id, if it had it (§4.3.3-2). Sent once. */
  release(id: number): void {
    this.released = Uint8Array.of(0x62, 2, id >> 8, id);
    this.isDue = true;
  }

  /** All that was asked for is acknowledged. */
  get isIdle(): boolean {
    return !this.released && !this.list.some(isOpen);
  }

  /** The peer's session is gone: it knows none of the filters, and nothing was sent. */
  begin(): void {
    for (let n = 0; n < this.list.length; n++) {
      const { content } = this.list[n];
      if (content instanceof Uint8Array) content[0] &= ~DUP;
      this.list[n].state = "due";
    }
    this.released = undefined;
    this.isDue = true;
  }

  /** A connection begins, in this version of the protocol. */
  open(protocol: Protocol): void {
    const { list, protocol: before, refusals } = this;
    this.protocol = protocol;
    if (refusals && before !== protocol)
      for (let n = 0; n < list.length; n++) {
        const { content } = list[n];
        if (content instanceof Uint8Array) list[n].content = refusals.translate(content, before, protocol);
      }
    if (this.order !== TOGETHER) this.order = this.list.some(isOpen) ? APART : JOINED;
  }

  /** Entries wait for `isJoined`. */
  get isApart(): boolean {
    return this.order === APART;
  }

  /** Does nothing go apart any more? `isAlive`: a ping was answered, so that what is not answered by now will not be. */
  isJoined(isAlive: boolean): boolean {
    if (this.order === APART && (isAlive || !this.list.some(isOpen))) this.order = JOINED;
    return this.order !== APART;
  }

  /** Adds what is due to `out`, in order, messages up to `maxInFlight`. Returns false if it stopped for want of free space, or at that. */
  fill(out: Transmit, maxInFlight: number): boolean {
    while (this.released && !out.packet(this.released)) if (!out.drain()) return false;
    this.released = undefined;
    for (let n = 0; n < this.list.length; n++) {
      const request = this.list[n];
      if (request.state === "sent" && this.order === APART) return true;
      if (request.state !== "due") continue;
      const packet = this.packetOf(request);
      const code = this.refusals?.check(packet, request.filter);
      if (code) {
        this.drop(request, code);
        n--;
        continue;
      }
      if (!request.filter && this.inFlight >= maxInFlight) return false;
      while (!out.packet(packet)) if (!out.drain()) return false;
      if (!request.filter) {
        packet[0] |= DUP; // from now on
        this.inFlight++;
      }
      request.state = "sent";
      if (this.order === APART) return true;
    }
    this.isDue = false;
    return true;
  }

  /** The packet type that acknowledges the request of an id; 0: nothing is awaited. */
  awaits(id: number): number {
    const request = this.find(id);
    if (request?.state !== "sent") return 0;
    if (!request.filter) return 4;
    return request.content === undefined ? 11 : 9;
  }

  /** It is acknowledged. `granted`: SUBACK's return code, in version 5 the reason code of any. Returns what was wrong. */
  settle(id: number, granted: number): string | undefined {
    const request = this.find(id) as Request;
    const { content, filter } = request;
    if (id === this.struck) this.strikes = 0;
    request.state = "done";
    if (!request.isLasting) this.remove(request);
    if (!filter) {
      this.inFlight--;
      if (granted > 127) this.dropped++;
      return;
    }
    if (content === undefined) return;
    if (granted < 128 && granted > (content as QoS)) return `granted ${granted}, asked ${content}`;
    this.options.onSubscribed?.(filter, granted);
    return;
  }

  /**
   * The connection is over. `isClosed`: by the server. `inFlight`: so many entries were. `isSettled`: one was settled. The only request
   * without an answer has its strike, if nothing else was; after some in a row it is dropped. Returns whether it is unclear what the
   * server closed for.
   */
  close(isClosed: boolean, inFlight: number, isSettled: boolean): boolean {
    let oldest: Request | undefined;
    this.inFlight = 0;
    let unanswered = inFlight;
    this.list = this.list.filter((each) => each.isLasting || !isSubscribe(each)); // others are not wanted any more
    for (let n = 0; n < this.list.length; n++) {
      const request = this.list[n];
      if (request.state !== "sent") continue;
      request.state = "due";
      oldest ??= request;
      unanswered++;
    }
    this.isDue = true;
    if (!isClosed && isSettled && this.order === JOINED) this.order = TOGETHER;
    if (!isClosed || !oldest) return false;
    if (unanswered > 1) {
      if (!isSettled) this.order = APART;
      return !isSettled;
    }
    if (oldest.id !== this.struck) this.strikes = 0;
    this.struck = oldest.id;
    if (++this.strikes >= (this.options.deadLetterAfter ?? 10)) this.drop(oldest, 128);
    return false;
  }

  private drop(request: Request, code: number): void {
    this.strikes = 0;
    this.dropped++;
    this.remove(request);
    if (!isSubscribe(request)) return;
    try {
      this.options.onSubscribed?.(request.filter as string, code);
    } catch {} // the connection is over, and to be cleared away whatever the owner throws
  }

  private packetOf({ id, content, filter }: Request): Uint8Array {
    const { protocol } = this;
    if (!filter) return content as Uint8Array;
    return content === undefined ? protocol.unsubscribe(id, filter) : protocol.subscribe(id, filter, content as QoS);
  }

  private add(id: number, content: Request["content"], filter?: string, isLasting = false): void {
    this.list.push({ id, content, filter, isLasting, state: "due" });
    this.isDue = true;
  }

  private remove(request: Request): void {
    this.list.splice(this.list.indexOf(request), 1);
  }

  private find(id: number): Request | undefined {
    return this.list.find((request) => request.id === id);
  }

  /** Above the entries' ids: 61,441 to 65,535. */
  private freeId(): number {
    do this.lastId = this.lastId < 65_535 ? this.lastId + 1 : 61_441;
    while (this.find(this.lastId));
    return this.lastId;
  }
}

const DUP = 0x08; // §3.3.1.1

function isOpen({ state }: Request): boolean {
  return state !== "done";
}

function isSubscribe({ content, filter }: Request): boolean {
  return filter !== undefined && content !== undefined;
}
