/*
 * The embedded broker, for runs without another one: aedes on the loopback interface.
 * It keeps its sessions in memory: they are lost with the process, and when it is stopped by force. The thermometer then follows its
 * rules for a lost session. After each start, the client `first` is served before all others, so that the subscriber misses nothing.
 */
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { Aedes, type Client } from "aedes";

const USUAL_PORT = 1883;
const HOST = "127.0.0.1";
/** How long the others wait for the first one. */
const PATIENCE_MS = 2_000;

export interface EmbeddedBroker {
  readonly host: string;
  readonly port: number;
  /** Why it is not the usual port. One line. */
  readonly whyOther?: string;
  readonly isRunning: boolean;
  /** "inOrder": sessions are kept for the next start. "byForce": they are lost, as after kill -9. */
  stop(how: "inOrder" | "byForce"): void;
  /** After a stop, on the same port. @throws the system's error if the port is not available */
  start(): Promise<void>;
  close(): void;
}

/** Listens on port 1883 if it is free, so that other programs find it; else on any port. `first`: a client id. */
export async function startBroker(first?: string): Promise<EmbeddedBroker> {
  const broker = new Broker(first);
  await broker.begin();
  return broker;
}

class Broker implements EmbeddedBroker {
  readonly host = HOST;
  port = USUAL_PORT;
  whyOther: string | undefined;
  readonly #first: string | undefined;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #aedes: Aedes | undefined;
  #isOpenToAll = true;
  #waiting: (() => void)[] = [];

  constructor(first: string | undefined) {
    this.#first = first;
  }

  get isRunning(): boolean {
    return this.#server !== undefined;
  }

  async begin(): Promise<void> {
    this.#closeToOthers();
    await this.#listen(USUAL_PORT).catch((error: NodeJS.ErrnoException) => {
      const isInUse = error.code === "EADDRINUSE";
      this.whyOther = `port ${USUAL_PORT} ${isInUse ? "is in use by another program" : `cannot be opened (${error.code})`}`;
      return this.#listen(0);
    });
  }

  async start(): Promise<void> {
    if (this.#server !== undefined) return;
    this.#closeToOthers();
    await this.#listen(this.port);
  }

  stop(how: "inOrder" | "byForce"): void {
    this.#server?.close();
    this.#server = undefined;
    for (const socket of this.#sockets) {
      if (how === "byForce") socket.resetAndDestroy();
      else socket.destroy();
    }
    this.#waiting = [];
    if (how === "inOrder") return;
    this.#aedes?.close();
    this.#aedes = undefined;
  }

  close(): void {
    this.stop("byForce");
  }

  async #listen(port: number): Promise<void> {
    this.#aedes ??= await this.#sessions();
    const server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      this.#aedes?.handle(socket);
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ port, host: HOST, exclusive: true }, () => {
        server.off("error", reject);
        resolve();
      });
    });
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  /** State that exists as long as sessions are remembered. */
  async #sessions(): Promise<Aedes> {
    const aedes = await Aedes.createBroker({
      preConnect: (_client, { clientId }, callback) => {
        const accept = (): void => callback(null, true);
        if (this.#isOpenToAll || clientId === this.#first) accept();
        else this.#waiting.push(accept);
      },
    });
    aedes.on("subscribe", (_subscriptions, client: Client) => {
      if (client.id === this.#first) this.#openToAll();
    });
    return aedes;
  }

  #closeToOthers(): void {
    if (this.#first === undefined) return;
    this.#isOpenToAll = false;
    setTimeout(() => this.#openToAll(), PATIENCE_MS).unref();
  }

  #openToAll(): void {
    this.#isOpenToAll = true;
    for (const accept of this.#waiting.splice(0)) accept();
  }
}
