/*
 * A server of version 5 that answers each PUBLISH by a rule on its payload, on a scripted peer and virtual time. It keeps its session, unless
 * it is made to forget it, and records accepted messages, and violations of the standard by the client. Packets are short.
 */
import type { Properties } from "../../../src/mqtt/wire/properties.js";
import type { Setup } from "./setup.js";
import { answerBytes, connack5 } from "./setup5.js";

export class RefusingServer {
  readonly taken: string[] = [];
  /** Payloads of the PUBLISHes that came, with DUP as a "+". */
  readonly came: string[] = [];
  /** Of QoS 2, by packet id: between PUBREC and PUBREL. */
  readonly open = new Map<number, string>();
  readonly breaches: string[] = [];
  /** PUBACK and PUBREC by their code, to be copied: to encode each would take longer than the client. */
  readonly #answers = new Map<number, readonly number[]>();
  readonly setup: Setup;
  limits: Properties = { receiveMaximum: 20 };
  hasSession = false;
  /** Called before CONNACK. */
  onConnection: () => void = () => {};
  /** It closes instead of answering. */
  mustClose: (packet: Uint8Array) => boolean = () => false;
  code: (payload: string, qos: number) => number;
  #seen: Setup["link"] | undefined;

  constructor(setup: Setup, code: (payload: string, qos: number) => number) {
    this.setup = setup;
    this.code = code;
  }

  /** Answers all received packets, and the packets that follow from them. */
  serve(): void {
    const { link } = this.setup;
    if (link.isClosed) return;
    if (link !== this.#seen) {
      this.#seen = link;
      this.onConnection();
      if (!this.hasSession) this.open.clear();
      this.setup.open();
      link.give(connack5(this.limits, { present: this.hasSession }));
      this.hasSession = true;
    }
    for (let bytes = link.takeBytes(); bytes.length > 0 && !link.isClosed; bytes = link.takeBytes())
      for (let at = 0; at < bytes.length && !link.isClosed; at += 2 + bytes[at + 1])
        this.#answer(bytes.subarray(at, at + 2 + bytes[at + 1]));
    if (!link.isClosed) link.allow(65_536);
  }

  /** `stepMs`: the time in which it answers. */
  run(ms: number, stepMs = 100): void {
    this.setup.client.start();
    for (const endMs = this.setup.time.nowMs + ms; this.setup.time.nowMs < endMs; this.setup.time.advance(stepMs))
      this.serve();
    this.serve();
  }

  #answer(packet: Uint8Array): void {
    const { link } = this.setup;
    const type = packet[0] >> 4;
    if ((type === 3 || type === 6) && this.mustClose(packet)) {
      link.end();
      return;
    }
    if (type === 12) link.give("d0 00");
    if (type === 6) {
      this.open.delete((packet[2] << 8) | packet[3]);
      link.giveBytes(answerBytes(7, (packet[2] << 8) | packet[3], 0));
    }
    if (type !== 3) return;
    const qos = (packet[0] >> 1) & 3;
    const idAt = 4 + packet[3];
    const id = (packet[idAt] << 8) | packet[idAt + 1];
    const payload = Buffer.from(packet.subarray(idAt + 3 + packet[idAt + 2])).toString();
    this.came.push(payload + (packet[0] & 8 ? "+" : ""));
    if (qos > (this.limits.maxQoS ?? 2)) this.breaches.push(`${payload} at QoS ${qos}`);
    if (this.open.has(id) && this.open.get(id) !== payload) this.breaches.push(`${payload}: its id is in use`);
    const code = this.open.has(id) ? 0 : this.code(payload, qos);
    if (code < 0x80) {
      if (!this.open.has(id)) this.taken.push(payload);
      if (qos === 2) this.open.set(id, payload);
    }
    const most = Math.min(19, this.limits.receiveMaximum ?? 65_535);
    if (this.open.size > Math.max(8, most)) this.breaches.push(`${this.open.size} are open`);
    link.giveBytes(this.#answerTo(qos, id, code));
  }

  #answerTo(qos: number, id: number, code: number): number[] {
    const key = (qos << 8) | code;
    let bytes = this.#answers.get(key);
    if (bytes === undefined) {
      bytes = answerBytes(qos === 2 ? 5 : 4, 0, code, code < 0x80 ? undefined : "why not");
      this.#answers.set(key, bytes);
    }
    const answer = bytes.slice();
    [answer[2], answer[3]] = [id >> 8, id & 255];
    return answer;
  }
}
