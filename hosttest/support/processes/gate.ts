/*
 * A TCP proxy between MQTT clients and a broker that withholds one packet and all later ones, as a connection that failed just before this
 * packet arrived.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** By packet type of MQTT (§2.2.1); of PUBLISH only those of QoS 2. */
const TYPES = { publish: 3, pubrec: 5, pubrel: 6, pubcomp: 7 } as const;

export type Withheld = keyof typeof TYPES;

export class Gate {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #withheld: { readonly type: Withheld; readonly cameBy: () => void } | undefined;
  #isShut = false;

  private constructor(brokerPort: number) {
    this.#server = createServer((client) => this.#join(client, connect(brokerPort, "127.0.0.1")));
  }

  static async start(brokerPort: number): Promise<Gate> {
    const gate = new Gate(brokerPort);
    await once(gate.#server.listen(0, "127.0.0.1"), "listening");
    return gate;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Resolves when the next packet of this type has come, in either direction. From then on nothing is passed on, in either direction. */
  withhold(type: Withheld): Promise<void> {
    return new Promise((cameBy) => {
      this.#withheld = { type, cameBy };
    });
  }

  /** Ends the connections, and passes packets on again in later ones. */
  open(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#isShut = false;
  }

  async close(): Promise<void> {
    this.open();
    this.#server.close();
    await once(this.#server, "close");
  }

  #join(client: Socket, broker: Socket): void {
    for (const [from, to] of [
      [client, broker],
      [broker, client],
    ]) {
      this.#sockets.add(from.setNoDelay());
      let rest = Buffer.alloc(0);
      from.on("data", (bytes) => {
        rest = Buffer.concat([rest, bytes]);
        for (let end = endOf(rest); end <= rest.length; end = endOf(rest)) {
          if (!this.#passes(rest)) return;
          to.write(rest.subarray(0, end));
          rest = rest.subarray(end);
        }
      });
      from.on("error", () => {}); // "close" follows
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }

  /** Whether the packet at the head of `bytes` is passed on. */
  #passes(bytes: Buffer): boolean {
    if (this.#withheld !== undefined && isOf(this.#withheld.type, bytes[0])) {
      this.#isShut = true;
      this.#withheld.cameBy();
      this.#withheld = undefined;
    }
    return !this.#isShut;
  }
}

function isOf(type: Withheld, first: number): boolean {
  return first >> 4 === TYPES[type] && (type !== "publish" || (first & 6) === 4);
}

/** Where the packet at the head of `bytes` ends; Infinity: its length is not complete. */
function endOf(bytes: Buffer): number {
  let length = 0;
  for (let at = 1, factor = 1; at < bytes.length; at++, factor *= 128) {
    length += (bytes[at] & 127) * factor;
    if (bytes[at] < 128) return at + 1 + length;
  }
  return Number.POSITIVE_INFINITY;
}
