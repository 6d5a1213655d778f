/*
 * A sender of commands through the house's broker: the broker's side of their delivery at QoS 0, 1 and 2, which the simulated
 * broker does not have. Sends again with DUP when a connection is opened in the same session, as MQTT requires.
 */
import { PacketReader } from "../../simulation/broker/packets.js";
import type { Peer } from "../../simulation/network.js";
import type { House } from "../../support/house.js";

export interface Sent {
  readonly payload: string | Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly retain?: boolean;
  readonly responseTopic?: string;
  readonly correlationData?: string;
}

interface Open extends Sent {
  readonly id: number;
  isSent: boolean;
  isReleased: boolean;
}

export class Commander {
  readonly #topic: string;
  readonly #version: 4 | 5;
  #peer: Peer | undefined;
  #open: Open[] = [];
  /** A message that is sent again gets another packet id, as from some brokers. */
  readonly #renumbers: boolean;
  /** Filters to which the device has subscribed, in order; with `-` before them, those from which it has unsubscribed. */
  readonly filters: string[] = [];
  /** Deliveries, repetitions included. */
  deliveries = 0;
  /** Acknowledgements, and all that follows them, are lost, as at the end of a connection. */
  isDeaf = false;
  /** The broker does not send again by itself: see `resend`. */
  isSlow = false;
  /** The broker refuses the subscription to commands with this code. */
  refusal: number | undefined;
  #refused: number | undefined;

  constructor(house: House, topic: string, version: 4 | 5 = 5, renumbers = false) {
    this.#topic = topic;
    this.#version = version;
    this.#renumbers = renumbers;
    const { broker } = house;
    house.broker = Object.assign(Object.create(broker), {
      listen: (peer: Peer) => this.#listen(peer, broker.listen),
      stop: (sessions: "kept" | "lost") => broker.stop(sessions),
      start: () => broker.start(),
    });
  }

  get open(): number {
    return this.#open.length;
  }

  send(sent: Sent): void {
    let id = 1; // the lowest that is free, as at some brokers: an id is soon used again
    while (this.#open.some((one) => one.id === id)) id++;
    const open = { ...sent, id, isSent: false, isReleased: false };
    if (sent.qos > 0) this.#open.push(open);
    this.#deliver(open, false);
  }

  /** The broker loses its session. */
  forget(): void {
    this.#open = [];
  }

  #listen(peer: Peer, listen: House["broker"]["listen"]): ReturnType<House["broker"]["listen"]> {
    let isOpen = false;
    const acceptor = listen({
      send: (bytes) => {
        const isRefused = bytes[0] === 0x90 && ((bytes[2] << 8) | bytes[3]) === this.#refused;
        if (isRefused) this.#refused = undefined;
        peer.send(isRefused ? Uint8Array.from([...bytes.subarray(0, -1), this.refusal ?? 0]) : bytes);
        if (bytes[0] !== 0x20 || isOpen) return;
        isOpen = true;
        this.#peer = peer;
        if (!this.isSlow) this.resend();
      },
      close: () => peer.close(),
    });
    if (acceptor === undefined) return undefined;
    const reader = new PacketReader();
    return {
      data: (bytes) => {
        if (this.isDeaf) return;
        let rest = bytes;
        reader.push(bytes, (packet, length) => {
          const isOurs = packet.type === "puback" || packet.type === "pubrec" || packet.type === "pubcomp";
          if (packet.type === "subscribe") this.filters.push(...packet.filters.map(({ filter }) => filter));
          if (packet.type === "subscribe" && this.refusal !== undefined && packet.filters[0].filter === this.#topic)
            this.#refused = packet.id;
          if (packet.type === "unsubscribe") this.filters.push(...packet.filters.map((filter) => `-${filter}`));
          if (isOurs) {
            this.#answered(packet.type, packet.id);
            // Packets arrive complete: in these tests acknowledgements are not divided.
            const at = rest.findIndex(
              (byte, n) =>
                [0x40, 0x50, 0x70].includes(byte) && rest[n + 1] === length - 2 && rest[n + 3] === (packet.id & 0xff),
            );
            rest = Uint8Array.from([...rest.subarray(0, at), ...rest.subarray(at + length)]);
          }
        });
        if (rest.length > 0) acceptor.data(rest);
      },
      ended: () => {
        if (this.#peer === peer) this.#peer = undefined;
        acceptor.ended();
      },
    };
  }

  /** Sends unacknowledged messages again, as at each connection: the `count` oldest. */
  resend(count = this.#open.length): void {
    if (this.#renumbers)
      this.#open = this.#open.map((one, n) => (one.isReleased ? one : { ...one, id: 1_000 + this.deliveries + n }));
    for (const one of this.#open.slice(0, count)) {
      if (one.isReleased) this.#peer?.send(Uint8Array.of(0x62, 2, one.id >> 8, one.id));
      else this.#deliver(one, one.isSent);
    }
  }

  #deliver(one: Open, dup: boolean): void {
    if (this.#peer === undefined) return;
    one.isSent = true;
    this.deliveries++;
    this.#peer.send(publish(this.#topic, one, dup, this.#version));
  }

  #answered(type: "puback" | "pubrec" | "pubcomp", id: number): void {
    const one = this.#open.find((each) => each.id === id);
    if (type === "pubrec") {
      if (one !== undefined) one.isReleased = true;
      this.#peer?.send(Uint8Array.of(0x62, 2, id >> 8, id));
      return;
    }
    this.#open = this.#open.filter((each) => each !== one);
  }
}

function publish(
  topic: string,
  { payload, qos, retain, id, responseTopic, correlationData }: Open,
  dup: boolean,
  version: 4 | 5,
): Uint8Array {
  const text = (value: string): number[] => [0, Buffer.byteLength(value), ...Buffer.from(value)];
  const properties = [
    ...(responseTopic === undefined ? [] : [8, ...text(responseTopic)]),
    ...(correlationData === undefined ? [] : [9, ...text(correlationData)]),
  ];
  const body = [
    ...text(topic),
    ...(qos > 0 ? [id >> 8, id & 0xff] : []),
    ...(version === 5 ? [properties.length, ...properties] : []),
    ...Buffer.from(payload),
  ];
  const first = 0x30 | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0);
  const length = body.length < 128 ? [body.length] : [(body.length & 0x7f) | 0x80, body.length >> 7];
  return Uint8Array.from([first, ...length, ...body]);
}
