/*
 * TLS on any TCP class, in the shape of an ECMA-419 TCP class (2nd edition, clause 12) with one more option, `demand`. It
 * connects the socket below and the engine (engine.ts). Nothing is written before the engine has verified the server. No
 * exception leaves a callback or a timer. Incoming data is read only as fast as the owner reads. A step of the handshake takes
 * a device up to a second; other work is done between two steps.
 */
import type { TimerId, Timers } from "../common/timers.js";
import type { TLSEngine, TLSHandle } from "./engine.js";
import type { Stream, StreamConstructor, StreamOptions, TLSDemand, TLSRefusalKind } from "./io.js";

/** Options beyond those of a TCP class. All are needed; they are optional in the type so that the class can be used as a TCP class. */
export interface TLSSocketOptions extends StreamOptions {
  /** The TCP class below, and further options for its constructor. */
  readonly socket?: { readonly io: StreamConstructor };
  readonly engine?: TLSEngine;
  readonly timers?: Timers;
  readonly demand?: TLSDemand;
}

/** In the order of engine.h. */
const REFUSALS: readonly TLSRefusalKind[] = Object.freeze([
  "unknownCA",
  "wrongName",
  "expired",
  "notYetValid",
  "wrongUsage",
  "noCA",
  "wrongKey",
  "weak",
  "noCommon",
  "noTLS",
  "client",
  "closed",
  "broken",
  "unusable",
  "tooLarge",
  "noMemory",
]);

/** Size of the ciphertext buffer in each direction. */
const BUFFER_BYTES = 512;

// States of the engine, as engine.h has them.
const WAITS = 0;
const WORKS = 1;
const OPEN = 2;
const REFUSED = 4;

// States of the socket.
const OPENING = 0;
const HANDSHAKE = 1;
const SECURED = 2;
const OVER = 3;

/** One connection. */
export class TLSSocket {
  private readonly options: TLSSocketOptions;
  private readonly engine: TLSEngine;
  private readonly demand: TLSDemand;
  private readonly socket: Stream;
  /** From the beginning of the TCP connection to its end. */
  private handle: TLSHandle | undefined;
  private state = OPENING;
  private readonly incoming = new Uint8Array(BUFFER_BYTES);
  private readonly outgoing = new Uint8Array(BUFFER_BYTES);
  /** Views of their beginnings: parts of one length are common. */
  private received: Uint8Array;
  private sent: Uint8Array;
  /** The received bytes that the engine has not consumed yet. */
  private from = 0;
  private to = 0;
  /** Bytes that the socket has not accepted yet. */
  private waiting = 0;
  /** Ciphertext that the socket can deliver, and accept. */
  private unread = 0;
  private writable = 0;
  /** Most bytes of one write, and what encryption adds. */
  private longest = 0;
  private overhead = 0;
  /** A callback of the socket leaves the work to the running function. */
  private isRunning = true;
  /** The socket has reported its end, with this reason. */
  private isEnded = false;
  private reason: "refused" | "unreachable" | undefined;
  private timer: TimerId | undefined;

  /** @throws TypeError if an option is missing, which must not result in a plain connection */
  constructor(options: TLSSocketOptions) {
    const { socket, engine, timers, demand, host, address, port } = options;
    if (!socket || !engine || !timers || !demand) throw new TypeError("socket, engine, timers, demand: all are needed");
    this.options = options;
    this.engine = engine;
    this.demand = demand;
    this.received = this.incoming;
    this.sent = this.outgoing;
    this.socket = new socket.io({
      ...socket,
      host,
      address,
      port,
      format: "buffer",
      onReadable: (bytes) => {
        this.unread = bytes;
        this.run();
      },
      onWritable: (bytes) => {
        this.writable = bytes;
        this.run(true);
      },
      onError: (reason) => {
        this.isEnded = true;
        this.reason = reason;
        this.run();
      },
    });
    this.isRunning = false;
    if (this.unread || this.writable || this.isEnded) this.later(); // it has called back from its constructor
  }

  get format(): "buffer" {
    return "buffer";
  }

  /** Fills `buffer`, and returns its length; undefined if the connection is over. @throws Error if fewer bytes are readable */
  read(buffer: Uint8Array): number | undefined {
    const { engine, handle } = this;
    if (!handle) return undefined;
    engine.read(handle, buffer);
    if (!this.isRunning && !engine.readable(handle)) this.later();
    return buffer.length;
  }

  /** Accepts all of `buffer`; returns the bytes writable afterwards. @throws Error if that is not possible now */
  write(buffer: Uint8Array): number {
    if (this.state !== SECURED) throw new Error("not ready");
    if (buffer.length > this.free) throw new Error("would block");
    const { isRunning } = this;
    this.isRunning = true;
    try {
      this.engine.write(this.handle as TLSHandle, buffer);
      this.drain();
    } finally {
      this.isRunning = isRunning;
    }
    return this.free;
  }

  /** Sends close_notify, if there is space for it, and closes. No callback follows. */
  close(): void {
    const { engine, handle, state } = this;
    if (state === OVER) return;
    this.state = OVER;
    this.handle = undefined;
    this.isRunning = true;
    if (this.timer !== undefined) this.options.timers?.clear(this.timer);
    quietly(() => {
      if (!handle) return;
      if (state === SECURED) engine.close(handle);
      this.send(handle);
    });
    quietly(() => this.socket.close());
    if (handle) engine.free(handle);
  }

  /** Bytes that can be written now. */
  private get free(): number {
    const free = this.waiting ? 0 : this.writable - this.overhead;
    return free > 0 ? (free < this.longest ? free : this.longest) : 0;
  }

  /** Does all work that is possible. `hasSpace`: the socket can be written to. An exception ends the connection. */
  private run(hasSpace = false): void {
    if (this.isRunning) return;
    this.isRunning = true;
    try {
      if (this.state === OPENING) this.begin();
      if (this.state === HANDSHAKE) this.shake();
      else if (hasSpace && this.state === SECURED && this.drain()) this.announce();
      if (this.state === SECURED) this.pass();
    } catch {
      this.end();
    }
    if (this.state !== OVER) this.isRunning = false;
  }

  private later(): void {
    this.timer ??= this.options.timers?.set(() => {
      this.timer = undefined;
      this.run();
    }, 0);
  }

  /** The TCP connection is open, or has failed. */
  private begin(): void {
    const { demand } = this;
    if (this.isEnded) {
      this.end();
      return;
    }
    if (!this.writable) return;
    demand.onHandshake();
    const { ca, certificate, key, name, fingerprint, session } = demand;
    const kept = session instanceof ArrayBuffer ? session : undefined;
    this.state = HANDSHAKE;
    this.handle = this.engine.open(ca, certificate, key, name, fingerprint, kept);
    if (!this.handle) this.refuse("noMemory");
  }

  /** One step of the handshake. */
  private shake(): void {
    const { engine } = this;
    const handle = this.handle as TLSHandle;
    this.fill();
    this.from += engine.feed(handle, this.incoming, this.from, this.to);
    const hasSent = this.drain();
    switch (engine.state(handle)) {
      case WORKS:
        if (hasSent) this.later();
        return;
      case WAITS:
        if (this.from === this.to && !this.unread) {
          if (!this.isEnded) return;
          engine.feedEnd(handle);
        }
        if (hasSent) this.later();
        return;
      case OPEN:
        this.secured(handle);
        return;
      default:
        this.refused(handle);
    }
  }

  private secured(handle: TLSHandle): void {
    const { engine, demand } = this;
    this.state = SECURED;
    this.longest = engine.writable(handle);
    this.overhead = engine.overhead(handle);
    this.keepSession(handle);
    demand.onSecured({
      version: engine.text(handle, 0),
      cipher: engine.text(handle, 1),
      name: engine.text(handle, 2),
      endsMs: engine.ends(handle) || undefined,
      isResumed: engine.isResumed(handle),
    });
    this.announce();
  }

  private announce(): void {
    const { free } = this;
    if (free) this.options.onWritable(free);
  }

  private keepSession(handle: TLSHandle): void {
    const session = this.engine.session(handle);
    if (session) this.demand.session = session;
  }

  /** Passes data to the owner, until it stops reading, or there is none. */
  private pass(): void {
    const { engine, options } = this;
    while (this.state === SECURED) {
      const handle = this.handle as TLSHandle;
      let bytes = engine.readable(handle);
      if (!bytes) {
        if (!this.fill()) {
          if (this.isEnded) this.end();
          return;
        }
        const taken = engine.feed(handle, this.incoming, this.from, this.to);
        this.from += taken;
        bytes = engine.readable(handle);
        if (!bytes && !this.lookAt(handle, taken)) return;
      }
      if (!bytes) continue;
      options.onReadable(bytes);
      if (this.handle && engine.readable(handle)) return; // the rest follows when it is read
    }
  }

  /** The received bytes were not data: the end, a session, or half a record. Returns whether to continue. */
  private lookAt(handle: TLSHandle, taken: number): boolean {
    switch (this.engine.state(handle)) {
      case OPEN:
        this.keepSession(handle);
        return this.drain() || taken > 0;
      case REFUSED:
        this.refused(handle);
        return false;
      default:
        this.end();
        return false;
    }
  }

  /** Reads ciphertext from the socket, if there is none. Returns whether there is some. */
  private fill(): boolean {
    if (this.from < this.to) return true;
    const length = this.unread < BUFFER_BYTES ? this.unread : BUFFER_BYTES;
    this.from = 0;
    this.to = length;
    if (!length) return false;
    this.unread -= length;
    if (length !== this.received.length) this.received = this.incoming.subarray(0, length);
    this.socket.read(this.received);
    return true;
  }

  /** Passes ciphertext to the socket, as much as it accepts. Returns whether nothing is left. */
  private drain(): boolean {
    return this.send(this.handle as TLSHandle);
  }

  private send(handle: TLSHandle): boolean {
    const { engine, outgoing } = this;
    for (;;) {
      const taken = engine.take(handle, outgoing, this.waiting);
      const filled = this.waiting + taken;
      let end = filled;
      if (!end || this.isEnded) {
        this.waiting = 0;
        if (!taken) return true;
        continue;
      }
      this.waiting = end;
      const length = end < this.writable ? end : this.writable;
      if (!length) return false;
      if (length !== this.sent.length) this.sent = outgoing.subarray(0, length);
      const before = this.writable;
      this.writable = 0; // a value reported from within the write is not valid yet
      this.writable = this.socket.write(this.sent) ?? before - length;
      end -= length;
      if (end) outgoing.copyWithin(0, length, length + end);
      this.waiting = end;
      if (!end && filled < BUFFER_BYTES) return true; // the buffer was not full: there is no more
    }
  }

  private refused(handle: TLSHandle): void {
    const { engine } = this;
    const detail = engine.text(handle, 3);
    this.refuse(REFUSALS[engine.refusal(handle)], detail === "" ? undefined : detail);
  }

  private refuse(kind: TLSRefusalKind, detail?: string): void {
    const { demand } = this;
    demand.session = undefined;
    demand.onRefused({ kind, detail });
    this.end();
  }

  /** The connection is over: reports it. */
  private end(): void {
    if (this.state === OVER) return;
    this.close();
    quietly(() => this.options.onError(this.reason));
  }
}

function quietly(action: () => void): void {
  try {
    action();
  } catch {
    // it is over in any case
  }
}
