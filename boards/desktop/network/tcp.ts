/*
 * TCP and name resolution on Node, in the shapes of ECMA-419 (2nd edition, clauses 12 and 20).
 * As on the device: no callback is called from within the constructor, `write` never accepts more than was announced, `read` never
 * returns more than there is, and bytes received before the end are delivered before `onError`.
 * Backpressure is TCP's own: what is not read stops the sender at READ_AHEAD bytes.
 */
import { lookup } from "node:dns";
import type { Socket as NetSocket } from "node:net";
import { type Address, type Dial, dial } from "./dial.js";

const SEND_BUFFER = 65_536; // bytes announced as writable when nothing waits
const READ_AHEAD = 65_536;

export interface TCPOptions {
  /** Numeric address; without it `host` is resolved by Node. */
  address?: string;
  host?: string;
  port: number;
  nodelay?: boolean;
  format?: "buffer";
  onReadable?(bytes: number): void;
  onWritable?(bytes: number): void;
  /** `reason`: why the connection failed. */
  onError?(reason?: "refused" | "unreachable"): void;
}

const REASONS: Readonly<Record<string, "refused" | "unreachable">> = {
  ECONNREFUSED: "refused",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  ETIMEDOUT: "unreachable",
};

/** One connection. */
export class TCP {
  readonly #options: TCPOptions;
  readonly #socket: NetSocket;
  readonly #chunks: Buffer[] = [];
  #readable = 0;
  #waiting = 0;
  #isOpen = false;
  #isEnded = false;
  #isReported = false;
  #isClosed = false;
  #reason: "refused" | "unreachable" | undefined;

  /** `connect`: opens the connection. */
  constructor(options: TCPOptions, connect: (address: Address) => Dial = dial) {
    const { port, nodelay } = options;
    if (!(port >= 0 && port <= 65_535)) throw new RangeError(`port ${port}: expected 0..65535`);
    const host = options.address ?? options.host;
    if (!host) throw new TypeError("address or host: expected one of them");
    this.#options = options;
    const { socket, whenOpen } = connect({ host, port, nodelay });
    this.#socket = socket;
    whenOpen(() => {
      this.#isOpen = true;
      this.#announce();
    });
    this.#socket.on("data", (chunk) => this.#received(chunk));
    this.#socket.on("error", (error: NodeJS.ErrnoException) => {
      if (!this.#isOpen) this.#reason = REASONS[error.code ?? ""];
      this.#end();
    });
    this.#socket.on("end", () => this.#end());
    this.#socket.on("close", () => this.#end());
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.#socket.remotePort;
  }

  get format(): "buffer" {
    return "buffer";
  }

  /** Fills `buffer`; returns its length; undefined if there is nothing. @throws Error if there are fewer bytes */
  read(buffer: Uint8Array): number | undefined {
    if (this.#isClosed) throw new SyntaxError("closed");
    if (!this.#readable) return undefined;
    if (!buffer.length || buffer.length > this.#readable) throw new Error("invalid");
    let at = 0;
    while (at < buffer.length) {
      const chunk = this.#chunks[0];
      const piece = chunk.subarray(0, buffer.length - at);
      buffer.set(piece, at);
      at += piece.length;
      if (piece.length < chunk.length) this.#chunks[0] = chunk.subarray(piece.length);
      else this.#chunks.shift();
    }
    this.#readable -= at;
    if (this.#readable < READ_AHEAD) this.#socket.resume();
    if (!this.#readable && this.#isEnded) setImmediate(() => this.#report());
    return at;
  }

  /** Writes all of `buffer`; returns the bytes writable afterwards. @throws Error "would block" if it does not fit */
  write(buffer: Uint8Array): number {
    if (this.#isClosed) throw new SyntaxError("closed");
    if (!this.#isOpen) throw new Error("not ready");
    if (buffer.length > SEND_BUFFER - this.#waiting) throw new Error("would block");
    this.#waiting += buffer.length;
    const { length } = buffer;
    // A copy: the caller reuses its buffer before Node has sent this.
    this.#socket.write(Buffer.from(buffer), () => {
      this.#waiting -= length;
      this.#announce();
    });
    return SEND_BUFFER - this.#waiting;
  }

  /** Sends the written bytes, then FIN. No callback is called afterwards. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#isOpen && !this.#isEnded) {
      this.#socket.resume();
      this.#socket.end();
      this.#socket.setTimeout(2_000, () => this.#socket.destroy());
    } else this.#socket.destroy();
  }

  /**
   * As if the network had failed: nothing is sent any more, not even FIN, and the other end is not notified. The socket stays until
   * `destroy` or the other end closes it, and does not keep the process alive. No callback is called afterwards.
   */
  abandon(): void {
    this.#isClosed = true;
    this.#socket.resume(); // bytes that still arrive are not read
    this.#socket.unref();
  }

  /** Closes an abandoned socket. */
  destroy(): void {
    this.#isClosed = true;
    this.#socket.destroy();
  }

  #announce(): void {
    if (!this.#isClosed && !this.#isEnded) this.#options.onWritable?.(SEND_BUFFER - this.#waiting);
  }

  #received(chunk: Buffer): void {
    if (this.#isClosed) return;
    this.#chunks.push(chunk);
    this.#readable += chunk.length;
    if (this.#readable >= READ_AHEAD) this.#socket.pause();
    this.#options.onReadable?.(this.#readable);
  }

  #end(): void {
    this.#isEnded = true;
    if (!this.#readable) this.#report();
  }

  #report(): void {
    if (this.#isReported || this.#isClosed) return;
    this.#isReported = true;
    this.#socket.destroy();
    this.#options.onError?.(this.#reason);
  }
}

/** Name resolution by the operating system. */
export class Resolver {
  #isClosed = false;

  resolve(options: { host: string; onResolved(host: string, address: string): void; onError(): void }): void {
    lookup(options.host, { family: 4 }, (error, address) => {
      if (this.#isClosed) return;
      if (error) options.onError();
      else options.onResolved(options.host, address);
    });
  }

  close(): void {
    this.#isClosed = true;
  }
}
