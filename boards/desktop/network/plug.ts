/*
 * The device's network plug. When it is pulled, every open socket goes silent at once, without notice to the
 * other end, and no new one opens until it is plugged in again. Observers of the sockets' bytes attach here, too.
 */
import type { TCP as Socket, TCPConstructor, TCPOptions } from "../../../src/mqtt/wire/io.js";
import type { TCP } from "./tcp.js";

/** By then a broker has replaced the old connection by the new one. */
const STALE_MS = 2_000;
const VOID_BYTES = 65_536;

/** Observes one connection. The bytes belong to the caller: to be used at once. */
export interface Tap {
  sent(bytes: Uint8Array): void;
  received(bytes: Uint8Array): void;
  closed(): void;
}

type AnyTCP = new (options: TCPOptions) => TCP;

export class Plug {
  /** Makes an observer for a connection that is about to be opened. */
  tap: ((options: TCPOptions) => Tap) | undefined;
  #isIn = true;
  readonly #open = new Set<PluggedSocket>();
  readonly #stale = new Set<TCP>();

  get isIn(): boolean {
    return this.#isIn;
  }

  in(): void {
    this.#isIn = true;
  }

  /** The device notices: each socket ends with an error, as when a network interface goes down. */
  out(): void {
    this.#isIn = false;
    const ended = [...this.#open];
    this.cut();
    for (const socket of ended) socket.fail();
  }

  /** Open sockets go silent: no callback is called any more. */
  cut(): void {
    for (const socket of this.#open) socket.abandon(this.#stale);
    this.#open.clear();
  }

  /** The socket class on this plug. */
  socketOf(Base: AnyTCP): TCPConstructor {
    const plug = this;
    return class extends PluggedSocket {
      constructor(options: TCPOptions) {
        super(Base, options, plug.tap?.(options), plug);
        if (plug.isIn) plug.#open.add(this);
      }
    };
  }

  /** @internal for the sockets */
  opened(): void {
    for (const socket of this.#stale) setTimeout(() => socket.destroy(), STALE_MS).unref();
    this.#stale.clear();
  }

  /** @internal for the sockets */
  closed(socket: PluggedSocket): void {
    this.#open.delete(socket);
  }
}

class PluggedSocket implements Socket {
  readonly #inner: TCP | undefined;
  readonly #tap: Tap | undefined;
  readonly #plug: Plug;
  #isDumb = false; // no callback is called any more
  #isAbandoned = false;
  #isClosed = false;
  readonly #options: TCPOptions;
  #isOpen = false;

  constructor(Base: AnyTCP, options: TCPOptions, tap: Tap | undefined, plug: Plug) {
    this.#options = options;
    this.#plug = plug;
    this.#tap = tap;
    if (!plug.isIn) {
      setTimeout(() => {
        if (!this.#isClosed) options.onError("unreachable");
      });
      return;
    }
    this.#inner = new Base({
      ...options,
      onReadable: (bytes) => {
        if (!this.#isDumb) options.onReadable(bytes);
      },
      onWritable: (bytes) => {
        if (this.#isDumb) return;
        if (!this.#isOpen) plug.opened();
        this.#isOpen = true;
        options.onWritable(bytes);
      },
      onError: (reason) => {
        if (this.#isDumb) return;
        this.#end();
        options.onError(reason);
      },
    });
  }

  get remoteAddress(): string | undefined {
    return this.#inner?.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.#inner?.remotePort;
  }

  get format(): "buffer" {
    return "buffer";
  }

  read(buffer: Uint8Array): number | undefined {
    if (this.#isAbandoned) return undefined;
    const count = this.#inner?.read(buffer);
    if (count !== undefined) this.#tap?.received(buffer.subarray(0, count));
    return count;
  }

  /** Discards bytes after the plug was pulled, like the buffers of a stack that has not noticed yet. */
  write(buffer: Uint8Array): number {
    if (this.#isAbandoned) return VOID_BYTES;
    if (this.#inner === undefined) throw new Error("not ready");
    const room = this.#inner.write(buffer);
    this.#tap?.sent(buffer);
    return room;
  }

  close(): void {
    this.#isClosed = true;
    if (this.#isDumb) return;
    this.#end();
    this.#inner?.close();
  }

  /** @internal for the plug, after `abandon` */
  fail(): void {
    setTimeout(() => {
      if (!this.#isClosed) this.#options.onError();
    });
  }

  /** @internal for the plug: goes silent; the operating system's socket is kept in `stale` */
  abandon(stale: Set<TCP>): void {
    this.#isDumb = this.#isAbandoned = true;
    this.#tap?.closed();
    this.#inner?.abandon();
    if (this.#inner !== undefined) stale.add(this.#inner);
  }

  #end(): void {
    this.#isDumb = true;
    this.#tap?.closed();
    this.#plug.closed(this);
  }
}
