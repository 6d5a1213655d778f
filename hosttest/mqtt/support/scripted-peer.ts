/*
 * A scripted server: the test reads each byte that the client sent, and supplies each byte of the answers.
 * Its TCP class enforces ECMA-419's rules, so that a client that breaks one fails the test: no write beyond what was announced, no read
 * beyond what is there, no call after close. `room` limits the bytes of one write, down to one.
 */
import type { TCP, TCPOptions } from "../../../src/mqtt/wire/io.js";

/** One connection, seen from the server. */
export class Link implements TCP {
  readonly options: TCPOptions;
  /** Bytes that the client sent and the test has not taken. */
  #sent: number[] = [];
  #inbound: number[] = [];
  #writable = 0;
  isClosed = false;
  writes = 0;

  constructor(options: TCPOptions) {
    this.options = options;
  }

  // The client's side

  read(buffer: Uint8Array): number | undefined {
    this.#mustBeOpen("read");
    if (this.#inbound.length === 0) return undefined;
    if (buffer.length === 0 || buffer.length > this.#inbound.length) throw new Error("invalid");
    buffer.set(this.#inbound.splice(0, buffer.length));
    return buffer.length;
  }

  write(buffer: Uint8Array): number {
    this.#mustBeOpen("write");
    if (buffer.length === 0) throw new Error("empty write");
    if (buffer.length > this.#writable) throw new Error("would block");
    this.writes++;
    this.#sent.push(...buffer);
    this.#writable -= buffer.length;
    return this.#writable;
  }

  close(): void {
    this.#mustBeOpen("close");
    this.isClosed = true;
  }

  // The server's side

  /** Announces that `bytes` can be written; the first time: that the connection is open. */
  allow(bytes: number): void {
    this.#writable = bytes;
    if (!this.isClosed) this.options.onWritable(bytes);
  }

  /** Sends hexadecimal bytes (blanks ignored) to the client, in one piece. */
  give(hex: string): void {
    this.giveBytes(bytesOf(hex));
  }

  giveBytes(bytes: Iterable<number>): void {
    this.#inbound.push(...bytes);
    if (!this.isClosed && this.#inbound.length) this.options.onReadable(this.#inbound.length);
  }

  /** Ends the connection from the server's side. */
  end(): void {
    if (!this.isClosed) this.options.onError();
  }

  /** What the client has sent since the last call, in hexadecimal. */
  take(): string {
    return hexOf(this.takeBytes());
  }

  takeBytes(): Uint8Array {
    return Uint8Array.from(this.#sent.splice(0));
  }

  /** Bytes that wait for the client to read them. */
  get unread(): number {
    return this.#inbound.length;
  }

  #mustBeOpen(what: string): void {
    if (this.isClosed) throw new SyntaxError(`${what} on a closed socket`);
  }
}

export class ScriptedPeer {
  readonly links: Link[] = [];
  /** Throws in the constructor, as a class does that has no memory or no valid address. */
  refuse: Error | undefined;

  /** The TCP class to give to a client. */
  readonly TCP = ((peer: ScriptedPeer) =>
    class extends Link {
      constructor(options: TCPOptions) {
        super(options);
        if (peer.refuse) throw peer.refuse;
        peer.links.push(this);
      }
    })(this);

  /** The newest connection. */
  get link(): Link {
    const link = this.links.at(-1);
    if (!link) throw new Error("no connection was attempted");
    return link;
  }
}

export function bytesOf(hex: string): Uint8Array {
  const digits = hex.replaceAll(/\s/g, "");
  if (digits.length % 2 || /[^0-9a-f]/i.test(digits)) throw new RangeError(`not hexadecimal: ${hex}`);
  return Uint8Array.from({ length: digits.length / 2 }, (_, at) =>
    Number.parseInt(digits.slice(2 * at, 2 * at + 2), 16),
  );
}

export function hexOf(bytes: Iterable<number>): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

/** `text` as MQTT writes strings, in hexadecimal: length, then bytes. ASCII only. */
export function field(text: string): string {
  return hexOf([text.length >> 8, text.length & 0xff, ...Buffer.from(text, "latin1")]);
}
