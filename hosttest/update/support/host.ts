/*
 * The host of an update in a simulated house: the companion's sender. The simulated broker forwards nothing to devices, so the host's
 * messages are passed directly to the device, in pieces, as by its client, while it is connected, and are lost otherwise. The device's
 * states arrive through the broker.
 */
import type { Offer } from "../../../src/update/offer.js";
import { Sender } from "../../companions/update/sender.js";
import type { SimulatedDevice } from "../../support/device-board.js";

const LOOK_MS = 50;
const TICK_MS = 1_000;
const LATENCY_MS = 20;
const PIECE_BYTES = 200;

export class SimulatedHost {
  readonly sender: Sender;
  readonly #device: SimulatedDevice;
  readonly #topic: string;
  /** Share of messages that do not arrive. */
  readonly #loss: number;
  #seen: number;
  #isOver = false;
  #wasConnected = true;

  /** Starts at once. `topic`: `home/<room>/<id>/update`. */
  constructor(device: SimulatedDevice, topic: string, offer: Offer, image: Uint8Array, loss = 0) {
    const { house } = device;
    this.#device = device;
    this.#topic = topic;
    this.#loss = loss;
    this.#seen = house.messages.length;
    this.sender = new Sender({
      offer,
      image,
      nowMs: () => house.time.nowMs,
      publish: (name, payload) => {
        if (house.random.unit() < this.#loss) return;
        house.time.timers.set(() => this.#deliver(`${topic}/${name}`, payload), LATENCY_MS);
      },
    });
    this.sender.connected();
    this.#look();
    this.#tick();
  }

  close(): void {
    this.#isOver = true;
  }

  #deliver(topic: string, bytes: Uint8Array): void {
    const device = this.#device;
    const { boots } = device;
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      if (this.#isOver || device.boots !== boots) return;
      device.hear(topic, bytes.subarray(at, at + PIECE_BYTES), at, bytes.length);
    }
  }

  #look(): void {
    if (this.#isOver) return;
    const { messages, time } = this.#device.house;
    const { isConnected } = this.#device;
    if (isConnected && !this.#wasConnected) this.sender.connected(); // the broker has kept the announcement for it
    this.#wasConnected = isConnected;
    for (; this.#seen < messages.length; this.#seen++) {
      const { topic, payload } = messages[this.#seen];
      if (topic === `${this.#topic}/state`) this.sender.hear(new TextEncoder().encode(payload));
    }
    time.timers.set(() => this.#look(), LOOK_MS);
  }

  #tick(): void {
    if (this.#isOver) return;
    this.sender.tick();
    this.#device.house.time.timers.set(() => this.#tick(), TICK_MS);
  }
}
