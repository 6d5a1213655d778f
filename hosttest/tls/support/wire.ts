/*
 * A man in the middle: a TCP proxy that passes bytes on unchanged or changed, and records the client's bytes.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/**
 * Handles a piece that passes: returns the piece or pieces to send instead; undefined: both connections are cut. `at`: offset of its
 * first byte in that direction. `later` sends more in that direction at any time.
 */
export type Meddle = (
  piece: Buffer,
  direction: "up" | "down",
  at: number,
  later: (piece: Buffer) => void,
) => Buffer | readonly Buffer[] | undefined;

const RECORD_TYPES = new Set([20, 21, 22, 23]); // RFC 8446 §5.1

export class Wire {
  /** All bytes that clients have sent, by connection. */
  readonly sentUp: Buffer[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  meddle: Meddle = (piece) => piece;

  private constructor(target: number) {
    this.#server = createServer((client) => this.#join(client, connect(target, "127.0.0.1")));
  }

  /** Listens on a free port, and connects each client to `target`, a port on the loopback. */
  static async to(target: number): Promise<Wire> {
    const wire = new Wire(target);
    await once(wire.#server.listen(0, "127.0.0.1"), "listening");
    return wire;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  /** What was sent in the clear: bytes that are not in TLS records, and texts of `secrets` that were found. Empty: nothing. */
  clearText(secrets: readonly string[]): string[] {
    return this.sentUp.flatMap((bytes) => [
      ...secrets.filter((secret) => bytes.includes(secret)),
      ...(isRecords(bytes) ? [] : [`no TLS record: ${bytes.subarray(0, 40).toString("latin1")}`]),
    ]);
  }

  #join(client: Socket, server: Socket): void {
    const index = this.sentUp.push(Buffer.alloc(0)) - 1;
    const cut = (): void => {
      client.destroy();
      server.destroy();
    };
    const pass = (from: Socket, to: Socket, direction: "up" | "down"): void => {
      let at = 0;
      this.#sockets.add(from.setNoDelay());
      from.on("data", (piece) => {
        if (direction === "up") this.sentUp[index] = Buffer.concat([this.sentUp[index], piece]);
        const passed = this.meddle(piece, direction, at, (more) => to.write(more));
        at += piece.length;
        if (passed === undefined) cut();
        else for (const part of [passed].flat()) to.write(part);
      });
      from.on("end", () => to.end());
      from.on("error", cut);
      from.on("close", () => {
        this.#sockets.delete(from);
        to.end();
      });
    };
    pass(client, server, "up");
    pass(server, client, "down");
  }
}

/** Whether `bytes` are TLS records; the last one may be cut off, and the first one must be of the handshake. */
function isRecords(bytes: Buffer): boolean {
  let at = 0;
  while (at < bytes.length) {
    if (!RECORD_TYPES.has(bytes[at]) || (at === 0 && bytes[at] !== 22)) return false;
    if (at + 5 > bytes.length) return true;
    if (bytes[at + 1] !== 3) return false;
    at += 5 + bytes.readUInt16BE(at + 3);
  }
  return true;
}
