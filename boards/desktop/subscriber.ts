/*
 * The other end of the house: a subscriber on `home/+/temperature`, an independent client (MQTT.js), that shows what
 * arrives. It has nothing to do with the firmware but the broker.
 */
import mqtt, { type MqttClient } from "mqtt";

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

export class Subscriber {
  readonly #onMessage: (topic: string, payload: string) => void;
  #client: MqttClient | undefined;
  #at = "";

  /** `onMessage`: a message came: its topic and its payload as text. */
  constructor(onMessage: (topic: string, payload: string) => void) {
    this.#onMessage = onMessage;
  }

  /** Connects, and again after every drop. A broker that is away is no error: it waits. Another one than before: goes there. */
  follow({ host, port, user, password }: BrokerAddress): void {
    const at = JSON.stringify([host, port, user, password]);
    if (at === this.#at) return;
    this.#at = at;
    this.#client?.end(true);
    this.#client = mqtt.connect({
      protocol: "mqtt",
      host,
      port,
      username: user || undefined,
      password: password || undefined,
      reconnectPeriod: 1000,
    });
    this.#client.on("error", () => {}); // the thermometer itself reports the broker
    this.#client.on("message", (topic, payload) => this.#onMessage(topic, payload.toString("utf8")));
    this.#client.subscribe("home/+/temperature", { qos: 2 }, () => {});
  }
}
