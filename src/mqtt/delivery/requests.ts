/*
 * Requests of the owner, from RAM: subscriptions, and messages of QoS 1 that are not entries of the store (availability,
 * discovery, replies). They are sent in order, kept until acknowledged, sent again on each connection, and lost at a reboot. A
 * SUBSCRIBE is kept after that, because it is repeated if the server loses the session; only the filter is kept, not the
 * packet, to save RAM. Bounded: 16 messages, and one request per filter. Pure: bytes are written to a transmit buffer.
 * Source: MQTT 3.1.1 §3.8 to §3.11, §4.4.
 */
import type { QoS } from "../wire/codec.js";
import type { Protocol } from "../wire/protocol.js";
import type { Transmit } from "../wire/transmit.js";
import type { Refusals } from "./refusals.js";

/** Callback for answers to subscriptions, and the number of connections after which a message that the server refuses is dropped. */
export interface RequestsOptions {
  /** A filter was granted at a QoS, or refused (128, in version 5 any reason code from there on). */
  onSubscribed?(filter: string, granted: number): void;
  /**
   * Version 5: a filter that receives no messages. Once it is subscribed to, the session can be recognized by it when CONNACK may
   * have been lost.
   */
  readonly sessionFilter?: string;
  deadLetterAfter?: number;
}

/** UNSUBACK's reason code "no subscription existed" (MQTT 5 §3.11.3). */
const NOT_THERE = 0x11;

interface Request {
  readonly id: number;
  /** For a message its packet, in the current version of the protocol; for SUBSCRIBE the QoS; for UNSUBSCRIBE nothing. */
  content: Uint8Array | QoS | undefined;
  /** For SUBSCRIBE and UNSUBSCRIBE. */
  readonly filter: string | undefined;
  /** A SUBSCRIBE that no newer request for its filter has replaced. */
  isLasting: boolean;
  state: "due" | "sent" | "done";
}

// Requests are sent before entries, and several at once. If a server closes with two of them unacknowledged, either may be the
// cause: then neither is counted, and on the next connections requests are sent one by one, and entries after them.
const TOGETHER = 0;
const APART = 1;
/** Requests sent one by one were acknowledged, or a ping was: on this connection everything is sent together again. */
const JOINED = 2;

const NONE_RELEASED: readonly Uint8Array[] = Object.freeze([]); // one for all clients: it takes no RAM

/**
 * Subscriptions and messages from RAM, until they are acknowledged. A full queue is a return value; an invalid topic filter
 * throws RangeError.
 */
export class Requests {
  private readonly options: RequestsOptions;
  private protocol: Protocol;
  /** Only in version 5. */
  private readonly refusals: Refusals | undefined;
  private list: Request[] = [];
  /** Some may still have to be sent on this connection. */
  isDue = false;
  private order: typeof TOGETHER | typeof APART | typeof JOINED = TOGETHER;
  private lastId = 65_535;
  /** The request on which connections have ended, and how many in a row. */
  private struck = 0;
  private strikes = 0;
  /** PUBRELs for entries that were settled without PUBREC. */
  private released = NONE_RELEASED;
  /** Number of messages and filters that the server refused. */
  dropped = 0;
  /** Number of unacknowledged messages. */
  inFlight = 0;
  /** The `sessionFilter` that this session has, as SUBACK has shown. */
  private mark: string | undefined;
  /** Id of the UNSUBSCRIBE whose answer shows whether it still has it; 0: none is awaited. */
  private checkId = 0;
  /** The answer was no: the server has begun another session. Reset by the reader. */
  isAnother: boolean | undefined;

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

  /**
   * SUBSCRIBE with a QoS, UNSUBSCRIBE without. No effect for a filter by which the session is being checked: it is subscribed to
   * again afterwards. @throws RangeError if `filter` is not a valid topic filter
   */
  ask(filter: string, qos?: QoS): void {
    const id = this.freeId();
    this.protocol.unsubscribe(id, filter); // throws
    if (this.isChecked(filter)) return;
    this.forget(filter); // a newer request replaces one that is not sent yet
    this.add(id, qos, filter, qos !== undefined);
  }

  /** Drops requests for `filter`. One that was sent is still awaited, but not sent again on another connection. */
  forget(filter: string): void {
    if (this.isChecked(filter)) return;
    if (filter === this.mark) this.mark = undefined;
    this.list = this.list.filter((each) => {
      if (each.filter !== filter) return true;
      each.isLasting = false;
      return each.state === "sent";
    });
  }

  /**
   * PUBREL for the id of an entry that was settled although no PUBREC came: the server forgets the id, if it had it (§4.3.3-2).
   * Sent once.
   */
  release(id: number): void {
    this.released = this.released.concat(Uint8Array.of(0x62, 2, id >> 8, id));
    this.isDue = true;
  }

  /** All requests are acknowledged. */
  get isIdle(): boolean {
    return !this.released.length && !this.list.some(isOpen);
  }

  /** The server's session is lost: it has none of the filters, and nothing was sent in the new one. */
  begin(): void {
    for (let n = 0; n < this.list.length; n++) {
      const { content } = this.list[n];
      if (content instanceof Uint8Array) content[0] &= ~DUP;
      this.list[n].state = "due";
    }
    this.released = NONE_RELEASED;
    this.mark = undefined;
    this.isDue = true;
  }

  /**
   * The server continues a session, but perhaps one that it began when a CONNACK was lost, without our subscriptions. They are made
   * again. In version 5 the filter that marks the session is removed first, and entries wait: the answer shows which session it is
   * (MQTT 5 §3.11.3). Call it after `open`.
   */
  doubt(): void {
    const { list, mark } = this;
    for (let n = 0; n < list.length; n++) list[n].state = "due";
    this.isDue = true;
    this.mark = undefined;
    if (!mark || this.protocol.level < 5) return;
    this.ask(mark);
    this.checkId = this.lastId;
    // Before all others: another session then sends nothing before its answer.
    this.list.unshift(this.list.pop() as Request);
  }

  private isChecked(filter: string): boolean {
    return this.checkId > 0 && this.find(this.checkId)?.filter === filter;
  }

  /** The check is over: subscribes again. */
  private endCheck(filter: string): void {
    this.checkId = 0;
    this.ask(filter, 0);
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

  /** Requests are sent one by one, or the session is in doubt. Entries wait for `isJoined`. */
  get isApart(): boolean {
    return this.order === APART || this.checkId > 0;
  }

  /** Whether entries need not wait. `isAlive`: a ping was answered, so what is unacknowledged now will stay so. */
  isJoined(isAlive: boolean): boolean {
    if (isAlive && this.checkId) this.endCheck(this.find(this.checkId)?.filter as string);
    if (this.order === APART && (isAlive || !this.list.some(isOpen))) this.order = JOINED;
    return !this.isApart;
  }

  /**
   * Adds due requests to `out`, in order, messages up to `maxInFlight`. Returns false if it stopped for lack of free space, or
   * at that limit.
   */
  fill(out: Transmit, maxInFlight: number): boolean {
    while (this.released.length)
      if (out.packet(this.released[0])) this.released = this.released.slice(1);
      else if (!out.drain()) return false;
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
        packet[0] |= DUP; // for later repetitions
        this.inFlight++;
      }
      request.state = "sent";
      if (this.order === APART) return true;
    }
    this.isDue = false;
    return true;
  }

  /** The packet type that acknowledges the request with an id; 0: nothing is awaited. */
  awaits(id: number): number {
    const request = this.find(id);
    if (request?.state !== "sent") return 0;
    if (!request.filter) return 4;
    return request.content === undefined ? 11 : 9;
  }

  /**
   * The request is acknowledged. `granted`: SUBACK's return code; in version 5 the reason code of any packet. Returns a
   * description of a fault.
   */
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
    if (id === this.checkId) {
      this.isAnother = granted === NOT_THERE;
      this.endCheck(filter);
    }
    if (content === undefined) return;
    if (filter === this.options.sessionFilter) this.mark = granted < 128 ? filter : undefined;
    if (granted < 128 && granted > (content as QoS)) return `granted ${granted}, asked ${content}`;
    this.options.onSubscribed?.(filter, granted);
    return;
  }

  /**
   * The connection has ended. `isClosed`: by the server. `inFlight`: number of entries in flight. `isSettled`: an entry was
   * settled. If a single request was all that was unacknowledged, it gets a strike; after some in a row it is dropped. Returns
   * whether it is unclear what made the server close.
   */
  close(isClosed: boolean, inFlight: number, isSettled: boolean): boolean {
    let oldest: Request | undefined;
    this.inFlight = 0;
    let unanswered = inFlight;
    if (this.checkId) {
      // It may have arrived, so the answer to a second one would show nothing.
      const check = this.find(this.checkId) as Request;
      this.remove(check);
      this.endCheck(check.filter as string);
    }
    this.list = this.list.filter((each) => each.isLasting || !isSubscribe(each)); // others are no longer wanted
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
    if (request.id === this.checkId) this.checkId = 0;
    this.remove(request);
    if (!isSubscribe(request)) return;
    try {
      this.options.onSubscribed?.(request.filter as string, code);
    } catch {} // the connection is over, and has to be cleaned up even if the owner throws
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
