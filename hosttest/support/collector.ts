/*
 * The observer at the broker: an independent client (MQTT.js) with a persistent session that records, in order,
 * all messages that arrive on its filter.
 */
import mqtt, { type MqttClient } from "mqtt";

export interface Arrival {
  readonly topic: string;
  readonly payload: string;
  readonly qos: number;
  readonly retain: boolean;
  /** Time of arrival, milliseconds since 1970. */
  readonly atMs: number;
}

/** A reading as subscribers see it. */
export interface SeenReading {
  readonly value: number;
  readonly ts?: string;
  readonly seq?: number;
}

export class Collector {
  readonly arrivals: Arrival[] = [];
  readonly #client: MqttClient;
  #changed: () => void = () => {};
  #subscriptions = 0;

  private constructor(client: MqttClient) {
    this.#client = client;
    client.on("message", (topic, payload, { qos, retain }) => {
      this.arrivals.push({ topic, payload: payload.toString("utf8"), qos, retain, atMs: Date.now() });
      this.#changed();
    });
    client.on("error", () => {}); // it reconnects by itself
  }

  /**
   * Resolves when it is subscribed, with a session that outlives its connections. `subscribes`: whether it relies on that session
   * or subscribes again with each connection, for a broker that forgets sessions.
   */
  static async start(
    port: number,
    filter: string,
    qos: 0 | 1 | 2 = 2,
    { subscribes = "once", host = "127.0.0.1" }: { subscribes?: "once" | "always"; host?: string } = {},
  ): Promise<Collector> {
    const client = mqtt.connect({
      host,
      port,
      clientId: `collector${Math.random().toString(36).slice(2)}`,
      clean: false,
      reconnectPeriod: 100,
      resubscribe: false,
    });
    const collector = new Collector(client);
    await client.subscribeAsync(filter, { qos });
    collector.#subscriptions = 1;
    client.on("connect", () => {
      if (subscribes === "once") collector.#subscriptions++;
      else client.subscribe(filter, { qos }, (error) => (collector.#subscriptions += error ? 0 : 1));
    });
    return collector;
  }

  /** How many times it was connected and subscribed, the first included. */
  get subscriptions(): number {
    return this.#subscriptions;
  }

  get readings(): SeenReading[] {
    return this.arrivals.map(({ payload }) => JSON.parse(payload));
  }

  get sequences(): number[] {
    return this.readings.map(({ seq }) => seq ?? -1);
  }

  /** Resolves when `count` messages have arrived; without a time limit, which the caller's test has. */
  async until(count: number): Promise<void> {
    await this.untilTrue(() => this.arrivals.length >= count);
  }

  async untilTrue(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }

  async close(): Promise<void> {
    await this.#client.endAsync(true);
  }
}
