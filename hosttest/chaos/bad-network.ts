/*
 * An unreliable network in front of a real broker: a TCP proxy on the loopback interface that resets, delays, truncates and drops, leaves
 * connections half open, and records every packet that it forwarded, as parsed by MQTT.js, in both directions.
 * A packet that was held back or truncated is not in the log: the log has what the receiver got.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import mqttPacket, { type IPublishPacket, type Packet, type Parser } from "mqtt-packet";

/** How the proxy treats the bytes of all connections. */
export type Weather =
  | { readonly kind: "fair" }
  | { readonly kind: "slow"; readonly delayMs: number }
  /** Nothing is forwarded, and neither end is notified. */
  | { readonly kind: "blackHole" }
  /** Forwards so many bytes in each direction of each connection, then resets it. */
  | { readonly kind: "truncating"; readonly afterBytes: number };

export interface Logged {
  /** Number of the connection, from 0. */
  readonly connection: number;
  readonly from: "device" | "broker";
  readonly packet: Packet;
}

/** One connection through the proxy: its two sockets. */
interface Pair {
  readonly connection: number;
  readonly device: Socket;
  readonly broker: Socket;
  /** The broker's side is closed, and the device's side must not notice. */
  halfOpen: boolean;
  /** Bytes were dropped: nothing is forwarded any more. */
  severed: boolean;
  /** Protocol level in CONNECT. */
  level: number;
  /** Under MQTT 5, by alias. */
  readonly topics: Map<number, string>;
}

export class BadNetwork {
  weather: Weather = { kind: "fair" };
  readonly log: Logged[] = [];
  readonly #server: Server;
  readonly #brokerPort: number;
  readonly #pairs = new Set<Pair>();
  #port = 0;
  #connections = 0;

  private constructor(brokerPort: number) {
    this.#brokerPort = brokerPort;
    this.#server = createServer((device) => this.#accept(device));
  }

  static async start(brokerPort: number): Promise<BadNetwork> {
    const proxy = new BadNetwork(brokerPort);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    proxy.#port = (proxy.#server.address() as AddressInfo).port;
    return proxy;
  }

  /** Also valid after `close`, when nothing listens. */
  get port(): number {
    return this.#port;
  }

  /** Every connection is reset, on both sides. */
  resetAll(): void {
    for (const { device, broker } of this.#pairs) {
      device.resetAndDestroy();
      broker.resetAndDestroy();
    }
  }

  /** Closes every connection on the broker's side only; for the device it stays open. */
  halfOpenAll(): void {
    for (const pair of this.#pairs) {
      pair.halfOpen = true;
      pair.broker.resetAndDestroy();
    }
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.resetAll();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, "close");
  }

  #accept(device: Socket): void {
    const broker = connect(this.#brokerPort, "127.0.0.1");
    const connection = this.#connections++;
    const pair: Pair = { connection, device, broker, halfOpen: false, severed: false, level: 4, topics: new Map() };
    this.#pairs.add(pair);
    for (const socket of [device, broker]) {
      socket.setNoDelay(true);
      socket.on("error", () => {}); // "close" follows
    }
    this.#pass(pair, "device");
    this.#pass(pair, "broker");
    device.once("close", () => {
      this.#pairs.delete(pair);
      broker.destroy();
    });
    broker.once("close", () => {
      if (!pair.halfOpen) device.end(); // the broker is down, or has closed the connection
    });
  }

  #pass(pair: Pair, from: Logged["from"]): void {
    const source = from === "device" ? pair.device : pair.broker;
    const target = from === "device" ? pair.broker : pair.device;
    let parser: Parser | undefined; // created with the first bytes: the broker answers in the version of CONNECT
    let passed = 0;
    const delayed: { readonly bytes: Buffer; readonly dueMs: number }[] = []; // in order: nothing overtakes
    const parserOf = (): Parser => {
      const made = mqttPacket.parser({ protocolVersion: pair.level });
      made.on("packet", (packet: Packet) => {
        if (packet.cmd === "connect") pair.level = packet.protocolVersion ?? 4;
        else if (packet.cmd === "publish" && from === "device") nameTopic(packet, pair.topics);
        this.log.push({ connection: pair.connection, from, packet });
      });
      made.on("error", () => {}); // bytes after a truncated packet are not a packet
      return made;
    };
    const forward = (bytes: Buffer): void => {
      if (target.destroyed || pair.severed) return;
      target.write(bytes);
      parser ??= parserOf();
      parser.parse(bytes);
    };
    /** One timer for all: Node may run timers out of order when they are due at about the same time. */
    const pass = (): void => {
      while (delayed.length > 0 && delayed[0].dueMs <= performance.now())
        forward((delayed.shift() as { bytes: Buffer }).bytes);
      if (delayed.length > 0) setTimeout(pass, Math.max(1, delayed[0].dueMs - performance.now()));
    };
    source.on("data", (bytes: Buffer) => {
      const { weather } = this;
      switch (weather.kind) {
        case "fair":
        case "slow": {
          const dueMs = performance.now() + (weather.kind === "slow" ? weather.delayMs : 0);
          delayed.push({ bytes, dueMs: Math.max(dueMs, delayed.at(-1)?.dueMs ?? 0) });
          if (delayed.length === 1) pass();
          return;
        }
        case "blackHole":
          pair.severed = true; // bytes after a gap never arrive: TCP keeps the order
          return;
        case "truncating":
          for (const { bytes: before } of delayed.splice(0)) forward(before);
          forward(bytes.subarray(0, Math.max(0, weather.afterBytes - passed)));
          passed += bytes.length;
          if (passed < weather.afterBytes) return;
          source.resetAndDestroy();
          target.resetAndDestroy();
          return;
        default:
          throw new TypeError(`weather: ${JSON.stringify(weather satisfies never)}`);
      }
    });
  }
}

/** In place of an alias, its topic. */
function nameTopic(packet: IPublishPacket, topics: Map<number, string>): void {
  const alias = packet.properties?.topicAlias;
  if (alias === undefined) return;
  if (packet.topic !== "") topics.set(alias, packet.topic);
  else packet.topic = topics.get(alias) ?? "";
}
