/*
 * The connection to the broker for updates: finds devices by their retained states, runs one sender at a time, and receives the
 * messages of Home Assistant's button.
 */
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import { toASCII } from "../../../src/common/ascii.js";
import { INSTALL } from "../../../src/homeassistant/update-entity.js";
import type { Offer } from "../../../src/update/offer.js";
import { fallsBack } from "../broker-option.js";
import { type DeviceState, type Outcome, parseState, Sender } from "./sender.js";

const TICK_MS = 500;

/** A device that can be updated, by its own state message. */
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
  /** Announcements that wait for the button, by the device's topic. */
  readonly #waiting = new Map<string, Buffer>();
  /** Ids of devices whose button was pressed, in order. */
  readonly #wanted = new Set<string>();
  #sender: Sender | undefined;
  #topic = "";
  #isClosing = false;

  /**
   * `id`: of the only device wanted, and `room`: its room; undefined: all. RabbitMQ (4.3.6) does not deliver retained messages to a
   * subscription with wildcards, so a device is found there only by both. `onTrouble`: gets the connection's error, for a person; "": connected.
   */
  constructor(options: IClientOptions, id: string | undefined, onTrouble: (text: string) => void, room?: string) {
    const client = mqtt.connect({ ...options, clean: true });
    this.#client = client;
    const topics = `home/${room ?? "+"}/${id ?? "+"}/update`;
    client.on("connect", () => {
      onTrouble("");
      client.subscribe(`${topics}/state`, { qos: 1 }, (error) => {
        if (error) onTrouble(`the broker refuses the subscription (${error.message})`);
        else this.#sender?.connected();
      });
      client.subscribe(`${topics}/${INSTALL}`, { qos: 1 });
      for (const topic of this.#waiting.keys()) this.#show(topic); // a broker may have forgotten them
    });
    client.on("message", (topic, payload, { retain }) => this.#hear(topic, payload, retain));
    client.on("close", () => {
      if (!this.#isClosing) onTrouble("no connection to the broker, trying again");
    });
    client.on("error", (error) => {
      if (!fallsBack(client, error)) onTrouble(`no connection to the broker (${error.message}), trying again`);
    });
  }

  /** Updates one device. `onState`: called with each state message, and at intervals. */
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
    this.#waiting.delete(device.topic); // the announcement takes its place
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

  /** Offers an image in Home Assistant, until it is sent or withdrawn. */
  show(device: Device, offer: Offer): void {
    this.#waiting.set(device.topic, Buffer.from(toASCII(JSON.stringify({ ...offer, wait: true }))));
    this.#show(device.topic);
  }

  /** Returns, once for each press, a device whose button was pressed while an image waits for it; undefined: none. */
  takeWanted(): Device | undefined {
    for (const id of this.#wanted) {
      this.#wanted.delete(id);
      const device = this.devices.get(id);
      if (device !== undefined && this.#waiting.has(device.topic)) return device;
    }
    return undefined;
  }

  /** Withdraws the announcement to a device. */
  async takeBack(device: Device): Promise<void> {
    this.#waiting.delete(device.topic);
    if (this.#client.connected) await this.#client.publishAsync(`${device.topic}/offer`, "", { qos: 1, retain: true });
  }

  close(): Promise<void> {
    this.#isClosing = true;
    return this.#client.endAsync(true);
  }

  #show(topic: string): void {
    const payload = this.#waiting.get(topic);
    if (this.#client.connected && payload !== undefined)
      this.#client.publish(`${topic}/offer`, payload, { qos: 1, retain: true });
  }

  #hear(topic: string, payload: Buffer, isRetained: boolean): void {
    if (topic === this.#topic) this.#sender?.hear(payload);
    const [, , id = ""] = topic.split("/");
    if (topic.endsWith(`/${INSTALL}`)) {
      if (payload.toString() === INSTALL && !isRetained) this.#wanted.add(id); // retained: of some other day
      return;
    }
    const state = parseState(payload);
    if (state !== undefined) this.devices.set(id, { id, topic: topic.slice(0, -"/state".length), state });
  }
}
