/*
 * A server that does not accept everything, on a scripted peer and virtual time: it answers each packet by a rule, keeps its sessions or
 * loses them, and records accepted messages. Packets are short: their length is one byte.
 */
import { CONNACK_NEW, CONNACK_PRESENT, type Setup } from "./setup.js";

/** "late": accepted, and not acknowledged. "silence": neither. "puback": PUBACK for any QoS. */
export type Answer = "acknowledge" | "close" | "silence" | "late" | "puback";

export interface Sent {
  readonly kind: "publish" | "pubrel";
  readonly qos: number;
  readonly payload: string;
  readonly id: number;
  /** Packets of these kinds before this one on this connection. */
  readonly before: number;
}

export interface Rules {
  readonly session: "kept" | "lost";
  /** SUBACK leaves with the last answer to what came with SUBSCRIBE: not at all, if the server closes upon one of them. As aedes does. */
  readonly isSubackLate?: boolean;
  answer(sent: Sent): Answer;
}

const ROOM = 65_536;

export class UnwillingServer {
  /** Payloads in the order of acceptance. */
  readonly taken: string[] = [];
  /** Messages that came at QoS 2, accepted or not. */
  readonly cameAtQoS2 = new Set<string>();
  /** Messages with DUP 0 although the server had their id: violations of the standard. */
  readonly breaches: string[] = [];
  rules: Rules;
  connections = 0;
  readonly #setup: Setup;
  readonly #received = new Map<number, string>();
  readonly #subacks: number[][] = [];
  #seen: Setup["link"] | undefined;
  #before = 0;
  /** Bytes that the client may still send. */
  #room = 0;

  constructor(setup: Setup, rules: Rules) {
    this.#setup = setup;
    this.rules = rules;
  }

  /** Lets time pass, second by second, and answers meanwhile. */
  run(seconds: number, each: (second: number) => void = () => {}): void {
    if (this.#setup.client.status().state === "stopped") this.#setup.client.start();
    for (let second = 0; second < seconds; second++) {
      each(second);
      this.#serve();
      this.#setup.time.advance(1_000);
    }
    this.#serve();
  }

  #serve(): void {
    const { link } = this.#setup;
    if (link.isClosed) return;
    if (link !== this.#seen) this.#accept();
    for (let bytes = link.takeBytes(); bytes.length > 0; bytes = link.takeBytes()) {
      for (let at = 0; at < bytes.length && !link.isClosed; at += 2 + bytes[at + 1]) {
        this.#take(bytes.subarray(at, at + 2 + bytes[at + 1]));
      }
      for (const suback of this.#subacks.splice(0)) if (!link.isClosed) link.giveBytes(suback);
      this.#room -= bytes.length;
      if (this.#room < ROOM / 2) this.#allow(); // packets come whole
    }
  }

  #accept(): void {
    const { link } = this.#setup;
    const isPresent = this.rules.session === "kept" && this.connections > 0;
    this.#seen = link;
    this.#before = 0;
    this.connections++;
    this.#allow();
    link.take(); // CONNECT
    if (!isPresent) this.#received.clear();
    link.give(isPresent ? CONNACK_PRESENT : CONNACK_NEW);
  }

  #allow(): void {
    this.#room = ROOM;
    this.#setup.link.allow(ROOM);
  }

  #take(packet: Uint8Array): void {
    const { link } = this.#setup;
    const type = packet[0] >> 4;
    if (type === 12) link.give("d0 00");
    else if (type === 8) this.#subscribe(packet);
    else if (type === 6)
      this.#answer({ kind: "pubrel", qos: 2, payload: "", id: idAt(packet, 2), before: this.#before++ });
    else if (type === 3) this.#publish(packet);
  }

  #subscribe(packet: Uint8Array): void {
    const suback = [0x90, 3, packet[2], packet[3], 1];
    if (this.rules.isSubackLate) this.#subacks.push(suback);
    else this.#setup.link.giveBytes(suback);
  }

  #publish(packet: Uint8Array): void {
    const qos = (packet[0] >> 1) & 3;
    const at = 4 + packet[3];
    const payload = Buffer.from(packet.subarray(at + (qos ? 2 : 0))).toString();
    const sent: Sent = { kind: "publish", qos, payload, id: qos ? idAt(packet, at) : 0, before: this.#before++ };
    if (qos === 2) this.cameAtQoS2.add(payload);
    this.#answer(sent, (packet[0] & 8) === 8);
  }

  #answer(sent: Sent, isDup = true): void {
    const { link } = this.#setup;
    const answer = this.rules.answer(sent);
    const id = [sent.id >> 8, sent.id & 255];
    if (answer === "close") link.end();
    if (answer === "close" || answer === "silence") return;
    if (sent.kind === "pubrel") this.#received.delete(sent.id);
    else if (sent.qos < 2 || answer === "puback") this.taken.push(sent.payload);
    else if (!this.#received.has(sent.id)) {
      this.#received.set(sent.id, sent.payload);
      this.taken.push(sent.payload);
    } else {
      if (!isDup) this.breaches.push(`${sent.payload} without DUP`);
      if (this.#received.get(sent.id) !== sent.payload) this.breaches.push(`${sent.payload}: its id is in use`);
    }
    if (answer === "late") return;
    if (sent.kind === "pubrel") link.giveBytes([0x70, 2, ...id]);
    else link.giveBytes([sent.qos === 2 && answer !== "puback" ? 0x50 : 0x40, 2, ...id]);
  }
}

function idAt(packet: Uint8Array, at: number): number {
  return (packet[at] << 8) | packet[at + 1];
}
