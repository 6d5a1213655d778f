/*
 * The other end of the house: a subscriber on `home/+/temperature`, an independent client (MQTT.js), that shows what
 * arrives. It has nothing to do with the firmware but the broker.
 */
import mqtt from "mqtt";

export interface SubscriberOptions {
  readonly host: string;
  readonly port: number;
  readonly user?: string;
  readonly password?: string;
  /** A message came: its topic and its payload as text. */
  onMessage(topic: string, payload: string): void;
}

/** Connects, and again after every drop, until it is closed. A broker that is away is no error: it waits. */
export function startSubscriber(options: SubscriberOptions): { close(): void } {
  const client = mqtt.connect({
    protocol: "mqtt",
    host: options.host,
    port: options.port,
    username: options.user || undefined,
    password: options.password || undefined,
    reconnectPeriod: 1000,
  });
  client.on("error", () => {}); // the thermometer itself reports the broker
  client.on("message", (topic, payload) => options.onMessage(topic, payload.toString("utf8")));
  client.subscribe("home/+/temperature", { qos: 2 }, () => {});
  return { close: () => void client.end(true) };
}
