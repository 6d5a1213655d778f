/*
 * A server that does anything that a server may do, by chance: it closes, answers late, out of order, not at all, or by reason
 * codes, loses its session, and states other limits on each connection. Versions 3.1.1 and 5, on a scripted peer and virtual
 * time. It records violations of the standard by the client (`breaches`), above all a wrong DUP. Packets are short: their length
 * is one byte. Payloads are unique: a message is known by its payload.
 */
import type { QoS } from "../../../src/mqtt/wire/codec.js";
import type { Properties } from "../../../src/mqtt/wire/properties.js";
import type { Random } from "../../simulation/random.js";
import type { Link } from "./scripted-peer.js";
import { CONNACK_NEW, CONNACK_PRESENT, type Setup } from "./setup.js";
import { answer5, connack5 } from "./setup5.js";

/** Probabilities, 0 to 1. */
export interface Temper {
  /** For each PUBLISH or PUBREL: closes instead of answering; has taken the message or not. */
  readonly closes: number;
  /** Never answers on this connection. */
  readonly isSilent: number;
  /** Answers by a reason code. */
  readonly refuses: number;
  /** Does not answer at once, but later, in any order. */
  readonly isLate: number;
  /** For each connection: the session is lost; limits are low. */
  readonly loses: number;
  readonly limits: number;
  /** Share of messages that it never accepts: it closes, is silent, or refuses them by a code. */
  readonly bad: number;
  /** For each PUBLISH of QoS 2 in 3.1.1: PUBACK. */
  readonly pubacks: number;
}

/** The client's side. */
interface Client {
  readonly setup: Setup;
  /** How many of the oldest entries may have been sent, as its owner has recorded it. */
  readonly reach: number;
  /** Payloads of entries that are not settled, oldest first. */
  oldest(): readonly string[];
}

type Verdict = "close" | "silence" | number;

const ID_IN_USE = 0x91;
const CODES = [0x80, 0x83, 0x87, 0x90, 0x97, 0x99];

export class HostileServer {
  readonly breaches: string[] = [];
  /** Messages of QoS 2 from the store that were accepted more than once. */
  readonly doubles = new Set<string>();
  /**
   * Messages of QoS 2 from the store that the client cannot but send again as new, or at QoS 1, though they may have been accepted: at the
   * loss of a session, and at a change of Maximum QoS.
   */
  readonly mayDouble = new Set<string>();
  /** Messages that were accepted. */
  readonly accepted = new Set<string>();
  temper: Temper;
  /** Messages that may carry DUP 1 although they never came: the client has restarted, and does not know what it sent. */
  excused = new Set<string>();
  readonly #random: Random;
  readonly #level: 4 | 5;
  readonly #client: Client;
  #hasSession = false;
  #seen: Link | undefined;
  /** Messages that came in this session, and that the client was not answered: each next PUBLISH needs DUP 1. */
  readonly #unanswered = new Map<string, Link>();
  /** Of QoS 2, by packet id: between the first PUBLISH and PUBREL. */
  readonly #open = new Map<number, string>();
  /** Messages of QoS 2 whose PUBREC the client has. */
  readonly #released = new Set<string>();
  /** Sent at QoS 2 on this connection, and not answered by PUBREC: none of QoS 1 may follow. */
  readonly #unreleased = new Set<string>();
  readonly #bad = new Map<string, Verdict | undefined>();
  #late: (() => void)[] = [];
  #maxQoS = 2;
  #receiveMaximum = 65_535;
  /** Messages that came on this connection, and use up Receive Maximum (MQTT 5 §4.9). */
  readonly #inFlight = new Set<string>();

  constructor(client: Client, level: 4 | 5, random: Random, temper: Temper) {
    this.#client = client;
    this.#level = level;
    this.#random = random;
    this.temper = temper;
  }

  /** Answers all received packets. */
  serve(): void {
    const { link } = this.#client.setup;
    if (link.isClosed) return;
    if (link !== this.#seen) this.#accept(link);
    for (let bytes = link.takeBytes(); bytes.length > 0; bytes = link.takeBytes()) {
      for (let at = 0; at < bytes.length; at += 2 + bytes[at + 1])
        this.#take(link, bytes.subarray(at, at + 2 + bytes[at + 1]));
      if (!link.isClosed) link.allow(65_536);
    }
    if (this.#late.length > 0 && this.#random.chance(0.5)) {
      const at = this.#random.whole(0, this.#late.length - 1);
      for (const answer of this.#late.splice(at, 1)) if (!link.isClosed) answer();
    }
    if (!link.isClosed) link.allow(65_536);
  }

  #accept(link: Link): void {
    const random = this.#random;
    this.#seen = link;
    this.#late = [];
    this.#inFlight.clear();
    this.#unreleased.clear();
    const isPresent = this.#hasSession && !random.chance(this.temper.loses);
    this.#hasSession = true;
    this.#client.setup.open();
    const isLowered = this.#maxQoS < 2;
    const limits = this.#limits();
    const unsettled = new Set(this.#client.oldest());
    for (const payload of [...this.#unanswered.keys(), ...(isPresent ? [] : this.#released)])
      if ((!isPresent || isLowered || this.#maxQoS < 2) && payload.includes("q2") && unsettled.has(payload))
        this.mayDouble.add(payload);
    if (!isPresent) {
      this.#unanswered.clear();
      this.#open.clear();
      this.#released.clear();
      this.excused.clear();
    }
    if (this.#level === 4) link.give(isPresent ? CONNACK_PRESENT : CONNACK_NEW);
    else link.give(connack5(limits, { present: isPresent }));
  }

  #limits(): Properties {
    const random = this.#random;
    const limits: { -readonly [K in keyof Properties]: Properties[K] } = {};
    if (this.#level === 4) return limits;
    if (random.chance(this.temper.limits)) limits.receiveMaximum = random.whole(1, 12);
    if (random.chance(this.temper.limits / 2)) limits.maxQoS = 1;
    if (random.chance(this.temper.limits / 2)) limits.maxPacketBytes = 30;
    this.#maxQoS = limits.maxQoS ?? 2;
    this.#receiveMaximum = limits.receiveMaximum ?? 65_535;
    return limits;
  }

  #take(link: Link, packet: Uint8Array): void {
    const type = packet[0] >> 4;
    if (type === 12 && !link.isClosed) link.give("d0 00");
    if (type === 6) this.#pubrel(link, (packet[2] << 8) | packet[3]);
    if (type === 3) this.#publish(link, packet);
  }

  /** What is sent to a client that is gone does not arrive. */
  #answer(link: Link, type: 4 | 5 | 7, id: number, code: number, whenHeard: () => void): void {
    const answer = () => {
      whenHeard(); // before: the client may send it again at once
      if (this.#level === 5) link.give(answer5(type, id, code));
      else link.giveBytes([type << 4, 2, id >> 8, id & 255]);
    };
    if (link.isClosed) return;
    if (this.#random.chance(this.temper.isLate)) this.#late.push(answer);
    else answer();
  }

  #pubrel(link: Link, id: number): void {
    const { temper } = this;
    const random = this.#random;
    if (link.isClosed) return;
    const isOver = !random.chance(temper.closes) || random.chance(0.5);
    const payload = this.#open.get(id) ?? "";
    if (isOver) this.#open.delete(id);
    if (random.chance(temper.closes)) link.end();
    else if (!random.chance(temper.isSilent)) this.#answer(link, 7, id, 0, () => this.#inFlight.delete(payload));
  }

  #publish(link: Link, packet: Uint8Array): void {
    const qos = ((packet[0] >> 1) & 3) as QoS;
    const isDup = (packet[0] & 8) > 0;
    const idAt = 4 + packet[3];
    const id = (packet[idAt] << 8) | packet[idAt + 1];
    const payload = Buffer.from(packet.subarray(idAt + 2 + (this.#level === 5 ? 1 : 0))).toString("latin1");
    this.#check(link, payload, isDup);
    this.#inFlight.add(payload);
    if (qos === 2) this.#unreleased.add(payload);
    else if (payload.includes("q1") && this.#unreleased.size > 0) this.breaches.push(`${payload}: before QoS 2`);
    if (this.#inFlight.size > this.#receiveMaximum) this.breaches.push(`${this.#inFlight.size} in flight`);
    this.#unanswered.set(payload, link);
    this.excused.delete(payload);
    if (link.isClosed) return; // sent at once with the last, which has ended the connection
    const verdict = this.#judge(payload);
    const isOpen = this.#open.get(id) === payload;
    if (qos === 2 && isOpen && this.#level === 5 && this.#random.chance(0.3)) {
      if (isDup) this.#answer(link, 5, id, ID_IN_USE, () => this.#isReceived(payload));
      return;
    }
    if (qos === 2 && this.#level === 5 && !isOpen && !isDup && this.#random.chance(0.02)) {
      // The id of another message that is over for the client.
      this.#answer(link, 5, id, ID_IN_USE, () => {
        this.#unreleased.delete(payload);
        this.#unanswered.delete(payload);
        this.#inFlight.delete(payload);
      });
      return;
    }
    const isTaken = typeof verdict === "number" ? verdict < 128 : this.#random.chance(0.5);
    if (isTaken && !isOpen) {
      if (this.accepted.has(payload) && payload.includes("q2")) this.doubles.add(payload);
      this.accepted.add(payload);
      if (qos === 2) this.#open.set(id, payload);
    }
    if (verdict === "close") link.end();
    if (typeof verdict === "string") return;
    const code = isOpen ? 0 : verdict;
    const isPuback = qos === 1 || (this.#level === 4 && this.#random.chance(this.temper.pubacks));
    if (qos === 2 && isPuback) this.#open.delete(id);
    this.#answer(link, isPuback ? 4 : 5, id, code, () => {
      if (isPuback || code >= 128) {
        this.#unreleased.delete(payload);
        this.#unanswered.delete(payload);
        this.#inFlight.delete(payload);
      } else this.#isReceived(payload);
    });
  }

  #isReceived(payload: string): void {
    this.#unreleased.delete(payload);
    this.#unanswered.delete(payload);
    this.#released.add(payload);
  }

  #check(link: Link, payload: string, isDup: boolean): void {
    const before = this.#unanswered.get(payload);
    if (before === link) this.breaches.push(`${payload}: sent twice on one connection`);
    if (this.#released.has(payload)) this.breaches.push(`${payload}: sent again after PUBREC`);
    if (before && !isDup) this.breaches.push(`${payload}: sent again with DUP 0`);
    if (this.#client.oldest().indexOf(payload) >= this.#client.reach)
      this.breaches.push(`${payload}: beyond the reach`);
    if (!before && isDup && !this.excused.has(payload)) this.breaches.push(`${payload}: sent first with DUP 1`);
  }

  /** What becomes of a message: a reason code, 0 if there is none. */
  #judge(payload: string): Verdict {
    const { temper } = this;
    const random = this.#random;
    if (!this.#bad.has(payload)) this.#bad.set(payload, random.chance(temper.bad) ? this.#refusal() : undefined);
    const sticky = this.#bad.get(payload);
    if (sticky !== undefined) return sticky;
    if (random.chance(temper.closes)) return "close";
    if (random.chance(temper.isSilent)) return "silence";
    if (this.#level === 5 && random.chance(temper.refuses)) return random.pick(CODES);
    return 0;
  }

  #refusal(): Verdict {
    const random = this.#random;
    if (this.#level === 5 && random.chance(0.5)) return random.pick(CODES);
    return random.chance(0.5) ? "close" : "silence";
  }
}
