/*
 * A man in the middle: a TCP proxy that passes bytes on unchanged or changed, and records the client's bytes.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/**
 * What becomes of a piece that goes by, or the pieces that it goes on as; undefined: both ends are cut off. `at`: of its first byte in that
 * direction. `later` sends more in that direction at any time.
 */
export type Meddle = (
  piece: Buffer,
  direction: "up" | "down",
  at: number,
  later: (piece: Buffer) => void,
) => Buffer | readonly Buffer[] | undefined;

const RECORD_TYPES = new Set([20, 21, 22, 23]); // RFC 8446 §5.1

export class Wire {
  /** All that clients have sent, connection by connection. */
  readonly sentUp: Buffer[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  meddle: Meddle = (piece) => piece;

  private constructor(target: number) {
    this.#server = createServer((client) => this.#join(client, connect(target, "127.0.0.1")));
  }

  /** Listens on a port of its own. */
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

  /** What was sent in the clear, if anything: all that is not in TLS records, and any text of `secrets`. */
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

/** Whole records, the last one perhaps cut off; in the first ones a handshake begins. */
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
