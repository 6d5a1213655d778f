/*
 * What the owner asks for from RAM: subscriptions, and messages of QoS 1 that are no entries of the store (availability,
 * discovery, replies). Sent in order, kept until acknowledged, sent again with every connection; gone with a reboot.
 * Bounded: so many messages, and one request per filter. Pure: bytes go into a transmit buffer.
 * Source: MQTT 3.1.1 §3.8 to §3.11, §4.4.
 */
import { DUP, encodeFilter, lengthBytes, PUBLISH, PUBREL_WORD, type QoS, RETAIN, SUBACK } from "./codec.js";
import {
  AWAIT_PUBACK,
  AWAIT_SUBACK,
  AWAIT_UNSUBACK,
  FREE,
  IGNORE,
  onAcknowledgement,
  REPEAT_RELEASE,
  SETTLE,
} from "./flow.js";
import { encodeTopicFilter } from "./topics.js";
import { LATER, type Message, NEVER, TAKEN, type Transmit } from "./transmit.js";

/** Entries of the store have the packet ids 1 to this one, by their sequence numbers; requests have those above. */
export const ENTRY_IDS = 61_440;
const LAST_ID = 65_535;
const MOST_MESSAGES = 16;
/** SUBACK's return code for a refusal, §3.9.3. */
export const REFUSED = 128;

export interface RequestsOptions {
  /** A filter was granted at a QoS, or refused (128). */
  onSubscribed?(filter: string, granted: number): void;
  deadLetterAfter?: number;
}

interface Request {
  readonly id: number;
  /** What acknowledges it. */
  readonly awaits: number;
  /** FREE until it is sent on this connection, then `awaits`. */
  state: number;
  /** Sent in this session, on this connection or an earlier one. */
  sent: boolean;
  /** Of SUBSCRIBE and UNSUBSCRIBE. */
  readonly filter?: string;
  /** Of SUBSCRIBE. */
  readonly qos?: QoS;
  /** Of PUBLISH. */
  readonly message?: Message;
}

export class Requests {
  private readonly options: RequestsOptions;
  private readonly filters = new Map<string, QoS>();
  private pending: Request[] = [];
  /** Some are not sent on this connection. */
  isDue = false;
  private lastId = LAST_ID;
  private messages = 0;
  private strikes = 0;
  /** Messages and filters given up. */
  dropped = 0;

  constructor(options: RequestsOptions) {
    this.options = options;
  }

  /** Is an acknowledgement awaited? */
  get isWaiting(): boolean {
    return this.pending.some((request) => request.state !== FREE);
  }

  /** Queues a message of QoS 1; false: the queue is full. The message is the queue's from here on. */
  publish(message: Message): boolean {
    if (this.messages >= MOST_MESSAGES) return false;
    this.messages++;
    this.add({ id: this.freeId(), awaits: AWAIT_PUBACK, state: FREE, sent: false, message });
    return true;
  }

  /** @throws RangeError if `filter` is no topic filter */
  subscribe(filter: string, qos: QoS): void {
    encodeTopicFilter(filter);
    if (qos !== 0 && qos !== 1 && qos !== 2) throw new RangeError(`QoS ${qos}: expected 0, 1 or 2`);
    this.filters.set(filter, qos);
    this.replace(filter, { id: this.freeId(), awaits: AWAIT_SUBACK, state: FREE, sent: false, filter, qos });
  }

  /** @throws RangeError if `filter` is no topic filter */
  unsubscribe(filter: string): void {
    encodeTopicFilter(filter);
    this.filters.delete(filter);
    this.replace(filter, { id: this.freeId(), awaits: AWAIT_UNSUBACK, state: FREE, sent: false, filter });
  }

  /** The peer's session is gone: it knows none of the filters, and nothing was sent. */
  begin(): void {
    for (const request of this.pending) request.sent = false;
    for (const [filter, qos] of this.filters) {
      if (!this.pending.some((request) => request.filter === filter)) this.subscribe(filter, qos);
    }
  }

  /** Adds what is due to `out`, in order. Returns true if it stopped for want of room. */
  fill(out: Transmit): boolean {
    for (const request of this.pending) {
      if (request.state !== FREE) continue;
      const taken = send(request, out);
      if (taken === LATER) return true;
      if (taken === NEVER) {
        this.drop(request);
        return this.fill(out);
      }
      request.state = request.awaits;
      request.sent = true;
    }
    this.isDue = false;
    return false;
  }

  /** An acknowledgement of an id of ours. `granted`: SUBACK's return code. There is room for a PUBREL. Returns what was wrong. */
  acknowledgement(type: number, id: number, granted: number, out: Transmit): string | undefined {
    const request = this.pending.find((each) => each.id === id);
    switch (onAcknowledgement(request?.state ?? FREE, type)) {
      case SETTLE:
        return this.settle(request as Request, type, granted);
      case REPEAT_RELEASE:
        out.acknowledgement(PUBREL_WORD, id);
        return undefined;
      case IGNORE:
        return undefined;
      default:
        return `packet ${type} for id ${id}: not awaited`;
    }
  }

  /** The connection is over. `isBlamed`: the server closed it and acknowledged nothing. Again and again, that ends the oldest request. */
  close(isBlamed: boolean): void {
    const oldest = this.pending[0];
    if (isBlamed && oldest !== undefined && ++this.strikes >= (this.options.deadLetterAfter ?? 10)) this.drop(oldest);
    for (const request of this.pending) request.state = FREE;
    this.isDue = this.pending.length > 0;
  }

  private settle(request: Request, type: number, granted: number): string | undefined {
    this.strikes = 0;
    this.remove(request);
    if (type !== SUBACK) return undefined;
    const { filter = "", qos = 0 } = request;
    if (granted !== REFUSED && granted > qos) return `SUBACK: granted ${granted}, asked ${qos}`;
    this.options.onSubscribed?.(filter, granted);
    return undefined;
  }

  private drop(request: Request): void {
    this.strikes = 0;
    this.dropped++;
    this.remove(request);
    const { filter, qos } = request;
    if (filter === undefined || qos === undefined) return;
    this.filters.delete(filter);
    this.options.onSubscribed?.(filter, REFUSED);
  }

  private remove(request: Request): void {
    if (request.message) this.messages--;
    this.pending = this.pending.filter((each) => each !== request);
  }

  /** One request per filter: what is not on the wire yet gives way to the newer wish. */
  private replace(filter: string, request: Request): void {
    this.pending = this.pending.filter((each) => each.filter !== filter || each.state !== FREE);
    this.add(request);
  }

  private add(request: Request): void {
    this.pending.push(request);
    this.isDue = true;
  }

  private freeId(): number {
    do this.lastId = this.lastId < LAST_ID ? this.lastId + 1 : ENTRY_IDS + 1;
    while (this.pending.some((request) => request.id === this.lastId));
    return this.lastId;
  }
}

/** Returns TAKEN, LATER or NEVER. */
function send(request: Request, out: Transmit): number {
  const { id, message, filter, qos } = request;
  if (message)
    return out.publish((PUBLISH << 4) | 2 | (request.sent ? DUP : 0) | (message.retain ? RETAIN : 0), id, message);
  const bytes = encodeTopicFilter(filter as string);
  const remaining = bytes.length + 5;
  const length = 1 + lengthBytes(remaining) + remaining;
  if (length > out.bytes.length) return NEVER;
  if (length > out.room) return LATER;
  out.packet((to, at) => encodeFilter(to, at, id, bytes, qos));
  return TAKEN;
}
