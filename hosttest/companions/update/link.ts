/* The broker as an update needs it: devices by what they have retained, and one sender at a time. */
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import type { Offer } from "../../../src/update/offer.js";
import { type DeviceState, type Outcome, parseState, Sender } from "./sender.js";

const TICK_MS = 500;

/** A device that can be updated, as it says itself. */
export interface Device {
  readonly id: string;
  /** `home/<room>/<id>/update`. */
  readonly topic: string;
  readonly state: DeviceState;
}

export class UpdateLink {
  /** By id. */
  readonly devices = new Map<string, Device>();
  readonly #client: MqttClient;
  #sender: Sender | undefined;
  #topic = "";
  #isClosing = false;

  /** `id`: of the only device that is of interest. `onTrouble`: of the connection, for a person; "": it stands. */
  constructor(options: IClientOptions, id: string | undefined, onTrouble: (text: string) => void) {
    const client = mqtt.connect({ ...options, clean: true });
    this.#client = client;
    client.on("connect", () => {
      onTrouble("");
      client.subscribe(`home/+/${id ?? "+"}/update/state`, { qos: 1 }, (error) => {
        if (error) onTrouble(`the broker refuses the subscription (${error.message})`);
        else this.#sender?.connected();
      });
    });
    client.on("message", (topic, payload) => this.#hear(topic, payload));
    client.on("close", () => {
      if (!this.#isClosing) onTrouble("no connection to the broker, trying again");
    });
    client.on("error", (error) => onTrouble(`no connection to the broker (${error.message}), trying again`));
  }

  /** Updates one device. `onState`: whenever it says something, and every now and then. */
  update(
    device: Device,
    offer: Offer,
    image: Uint8Array,
    onState: (state: DeviceState | undefined) => void,
  ): Promise<Outcome> {
    const client = this.#client;
    const publish = (name: string, payload: Uint8Array): void => {
      client.publish(`${device.topic}/${name}`, Buffer.from(payload), { qos: 1, retain: name === "offer" });
    };
    const sender = new Sender({ offer, image, nowMs: () => performance.now(), publish });
    this.#topic = `${device.topic}/state`;
    this.#sender = sender;
    if (client.connected) sender.connected();
    return new Promise((resolve) => {
      const timer = setInterval(() => {
        if (client.connected) sender.tick();
        onState(sender.state);
        const { outcome } = sender;
        if (outcome === undefined) return;
        clearInterval(timer);
        this.#sender = undefined;
        resolve(outcome);
      }, TICK_MS);
    });
  }

  /** Takes back what was announced to a device. */
  async takeBack(device: Device): Promise<void> {
    if (this.#client.connected) await this.#client.publishAsync(`${device.topic}/offer`, "", { qos: 1, retain: true });
  }

  close(): Promise<void> {
    this.#isClosing = true;
    return this.#client.endAsync(true);
  }

  #hear(topic: string, payload: Buffer): void {
    if (topic === this.#topic) this.#sender?.hear(payload);
    const [, , id = ""] = topic.split("/");
    const state = parseState(payload);
    if (state !== undefined) this.devices.set(id, { id, topic: topic.slice(0, -"/state".length), state });
  }
}
