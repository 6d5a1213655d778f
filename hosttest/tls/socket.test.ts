/*
 * The socket that connects a TCP class and a TLS engine, tested with a fake engine and a TCP class that delivers and accepts pieces
 * of any length. All bytes arrive, whatever the pieces are; neither is asked for more than it has; and nothing is written before
 * the server is verified.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { TLSEngine } from "../../src/tls/engine.js";
import type { Stream, StreamOptions, TLSDemand, TLSRefusal } from "../../src/tls/io.js";
import { TLSSocket } from "../../src/tls/socket.js";
import { VirtualTime } from "../support/virtual-time.js";

const OVERHEAD = 3;
const MAX_WRITE = 100;
const DATA = 1;
const GOODBYE = 2;
const TICKET = 3;
const CLIENT_HELLO = [10, 11, 12, 13, 14];
const HELLO_BYTES = CLIENT_HELLO.length;

/** A record of the fake engine: kind, length, inverted bytes. In the handshake each end sends five bytes; a 0xee of the server refuses it. */
class Handle {
  static last: Handle;
  state = 1;
  out: number[] = [];
  record: number[] = [];
  data: number[] = [];
  greeted = 0;
  session: ArrayBuffer | undefined;
  isFreed = false;
}

const of = (handle: object): Handle => {
  const one = handle as Handle;
  if (one.isFreed) throw new Error("closed");
  return one;
};

const engine: TLSEngine = {
  open: () => {
    const handle = new Handle();
    Handle.last = handle;
    handle.out = [...CLIENT_HELLO];
    return handle;
  },
  free: (handle) => {
    of(handle).isFreed = true;
  },
  feed: (handle, bytes, from, to) => {
    const one = of(handle);
    if (one.data.length > 0 || one.out.length > 0 || one.state > 2) return 0;
    let at = from;
    if (one.state < 2) {
      one.state = 0;
      if (at < to) {
        one.greeted++;
        if (bytes[at++] === 0xee) one.state = 4;
        else if (one.greeted === HELLO_BYTES) one.state = 2;
        else one.state = 1;
      }
      return at - from;
    }
    for (; at < to && one.data.length === 0 && one.state === 2 && one.session === undefined; at++) {
      one.record.push(bytes[at]);
      const [kind, length] = one.record;
      if (one.record.length < 2 || one.record.length < length + 2) continue;
      if (kind === GOODBYE) one.state = 3;
      else if (kind === TICKET) one.session = Uint8Array.from(one.record.slice(2)).buffer;
      else one.data = one.record.slice(2).map((byte) => byte ^ 0xff);
      one.record = [];
    }
    return at - from;
  },
  feedEnd: (handle) => {
    of(handle).state = 4;
  },
  take: (handle, bytes, from) => {
    const piece = of(handle).out.splice(0, bytes.length - from);
    bytes.set(piece, from);
    return piece.length;
  },
  state: (handle) => of(handle).state,
  readable: (handle) => of(handle).data.length,
  writable: (handle) => (of(handle).out.length > 0 ? 0 : MAX_WRITE),
  overhead: () => OVERHEAD,
  read: (handle, buffer) => {
    if (buffer.length > of(handle).data.length) throw new Error("invalid");
    buffer.set(of(handle).data.splice(0, buffer.length));
  },
  write: (handle, buffer) => {
    if (buffer.length > MAX_WRITE || of(handle).out.length > 0) throw new Error("would block");
    of(handle).out.push(DATA, buffer.length, ...buffer.map((byte) => byte ^ 0xff));
  },
  close: (handle) => {
    of(handle).out.push(GOODBYE, 0);
  },
  session: (handle) => {
    const { session } = of(handle);
    of(handle).session = undefined;
    return session;
  },
  text: (_handle, which) => ["v", "c", "n", "d"][which],
  ends: () => 0,
  isResumed: () => false,
  refusal: () => 2,
};

/** A TCP class; the test is its peer. */
class Wire implements Stream {
  static last: Wire;
  readonly options: StreamOptions;
  readonly sent: number[] = [];
  private readonly unread: number[] = [];
  private free = 0;
  isClosed = false;

  constructor(options: StreamOptions) {
    this.options = options;
    Wire.last = this;
  }
  read(buffer: Uint8Array): void {
    if (this.isClosed || buffer.length > this.unread.length) throw new Error("invalid");
    buffer.set(this.unread.splice(0, buffer.length));
  }
  write(buffer: Uint8Array): number {
    if (this.isClosed || buffer.length > this.free) throw new Error("would block");
    this.sent.push(...buffer);
    this.free -= buffer.length;
    return this.free;
  }
  close(): void {
    this.isClosed = true;
  }
  give(bytes: readonly number[]): void {
    this.unread.push(...bytes);
    if (!this.isClosed && this.unread.length > 0) this.options.onReadable(this.unread.length);
  }
  widen(bytes: number): void {
    this.free += bytes;
    if (!this.isClosed) this.options.onWritable(this.free);
  }
}

function opened(onReadable: (bytes: number, socket: TLSSocket) => void = () => {}, io: typeof Wire = Wire) {
  const time = new VirtualTime();
  const calls: string[] = [];
  let refusal: TLSRefusal | undefined;
  const space = { free: 0 };
  const demand = {
    fingerprint: "",
    name: "broker.test",
    session: "kept",
    onHandshake: () => calls.push("handshake"),
    onSecured: () => calls.push("secured"),
    onRefused: (given: TLSRefusal) => {
      calls.push("refused");
      refusal = given;
    },
  } as unknown as TLSDemand;
  const socket: TLSSocket = new TLSSocket({
    ...{
      host: "broker.test",
      port: 8883,
      format: "buffer" as const,
      socket: { io },
      engine,
      demand,
      timers: time.timers,
    },
    onReadable: (bytes) => onReadable(bytes, socket),
    onWritable: (bytes) => {
      space.free = bytes;
      calls.push("writable");
    },
    onError: (reason) => calls.push(`error ${reason ?? ""}`),
  });
  const settle = (): void => time.advance(10);
  return { socket, wire: Wire.last, calls, demand, settle, refusal: () => refusal, space };
}

const HELLO = [1, 2, 3, 4, 5];
const record = (bytes: readonly number[]): number[] => [DATA, bytes.length, ...bytes.map((byte) => byte ^ 0xff)];

const pieces = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 8 });

test("in pieces of any size, both ways: all bytes arrive in order, and the peer's close_notify after the last one", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.nat(255), { minLength: 1, maxLength: 250 }), { maxLength: 12 }),
      pieces,
      pieces,
      (records, down, up) => {
        const got: number[] = [];
        let turn = 0;
        const one = opened((bytes, socket) => {
          const buffer = new Uint8Array(Math.max(1, bytes - (turn++ % 3))); // often not all of it
          socket.read(buffer);
          got.push(...buffer);
        });
        const bytes = [...HELLO, ...records.flatMap(record), GOODBYE, 0];
        const wanted = records.flat();
        const written: number[] = [];
        for (let n = 0; bytes.length > 0 || written.length < wanted.length; n++) {
          one.wire.widen(up[n % up.length]);
          one.settle();
          // close_notify waits until all has been sent.
          const limit = written.length < wanted.length ? bytes.length - 2 : bytes.length;
          one.wire.give(bytes.splice(0, Math.min(limit, down[n % down.length])));
          one.settle();
          const { free } = one.space;
          const piece = wanted.slice(written.length, written.length + free);
          if (piece.length === 0) continue;
          one.space.free = one.socket.write(Uint8Array.from(piece));
          expect(one.space.free).toBeGreaterThanOrEqual(0);
          expect(() => one.socket.write(new Uint8Array(one.space.free + 1))).toThrow("would block");
          written.push(...piece);
        }
        one.wire.widen(1_000); // the client's part of the handshake may still wait
        one.settle();
        // Bytes that were left unread in the last callback are read now.
        for (let left = wanted.length - got.length; left > 0; left = wanted.length - got.length) {
          const buffer = new Uint8Array(1);
          one.socket.read(buffer);
          got.push(...buffer);
          one.settle();
        }
        expect(got).toEqual(wanted);
        expect(one.calls.filter((call) => call.startsWith("error"))).toEqual(["error "]);
        expect(one.calls.slice(0, 2)).toEqual(["handshake", "secured"]);
        expect([one.wire.isClosed, Handle.last.isFreed]).toEqual([true, true]);
        expect(one.wire.sent.slice(0, HELLO_BYTES)).toEqual(CLIENT_HELLO);
        let sent = one.wire.sent.slice(HELLO_BYTES);
        const arrived: number[] = [];
        while (sent[0] === DATA) {
          arrived.push(...sent.slice(2, 2 + sent[1]).map((byte) => byte ^ 0xff));
          sent = sent.slice(2 + sent[1]);
        }
        expect(arrived).toEqual(written);
      },
    ),
    { numRuns: 200 },
  );
});

test("nothing is written before the server is verified; a refusal is reported once, with its reason, and keeps no session", () => {
  const one = opened();
  expect(() => one.socket.write(Uint8Array.of(1))).toThrow("not ready");
  one.wire.widen(100);
  one.settle();
  expect(() => one.socket.write(Uint8Array.of(1))).toThrow("not ready");
  one.wire.give([0xee, 1, 2, 3]);
  one.settle();
  expect(one.calls).toEqual(["handshake", "refused", "error "]);
  expect(one.refusal()).toEqual({ kind: "expired", detail: "d" });
  expect(Handle.last.isFreed).toBe(true);
  expect(one.demand.session).toBeUndefined();
  expect(one.wire.isClosed).toBe(true);
  expect(one.wire.sent).toHaveLength(HELLO_BYTES);
});

test("no connection: the reason is that of the TCP class, and no TLS refusal is reported", () => {
  const one = opened();
  one.wire.options.onError("refused");
  expect(one.calls).toEqual(["error refused"]);
});

test("an end during the handshake is explained by the engine; close sends close_notify, and nothing after it", () => {
  const cut = opened();
  cut.wire.widen(100);
  cut.settle();
  cut.wire.options.onError();
  cut.settle();
  expect(cut.calls).toEqual(["handshake", "refused", "error "]);
  const one = opened();
  one.wire.widen(100);
  one.settle();
  one.wire.give(HELLO);
  one.settle();
  one.socket.close();
  one.wire.options.onError();
  one.settle();
  expect(one.wire.sent.slice(HELLO_BYTES)).toEqual([GOODBYE, 0]);
  expect(Handle.last.isFreed).toBe(true);
  expect(one.calls).toEqual(["handshake", "secured", "writable"]);
});

test("an exception of the owner ends the connection, and does not escape", () => {
  const one = opened(() => {
    throw new Error("the owner's");
  });
  one.wire.widen(100);
  one.settle();
  one.wire.give([...HELLO, ...record([1, 2, 3])]);
  one.settle();
  expect(one.calls).toEqual(["handshake", "secured", "writable", "error "]);
});

test("a TCP class that calls back from its constructor works all the same", () => {
  class Eager extends Wire {
    constructor(options: StreamOptions) {
      super(options);
      this.widen(100);
    }
  }
  const one = opened(undefined, Eager);
  expect(one.calls).toEqual([]); // the owner does not have the socket yet
  one.settle();
  expect([one.calls, one.wire.sent.length]).toEqual([["handshake"], HELLO_BYTES]);
});

test("a session that comes after the handshake is kept, also between data", () => {
  const got: number[] = [];
  const one = opened((bytes, socket) => {
    const buffer = new Uint8Array(bytes);
    socket.read(buffer);
    got.push(...buffer);
  });
  one.wire.widen(100);
  one.settle();
  one.wire.give([...HELLO, ...record([1]), TICKET, 2, 7, 8]);
  one.settle();
  expect([...new Uint8Array(one.demand.session as ArrayBuffer)]).toEqual([7, 8]);
  one.wire.give([...record([2]), TICKET, 1, 9, ...record([3])]);
  one.settle();
  expect([...new Uint8Array(one.demand.session as ArrayBuffer)]).toEqual([9]);
  expect(got).toEqual([1, 2, 3]);
});

test("an owner that does not read is notified once; when it reads, it is notified of the rest", () => {
  const heard: number[] = [];
  const one = opened((bytes) => {
    heard.push(bytes);
    if (heard.length > 10) throw new Error("again and again");
  });
  one.wire.widen(100);
  one.settle();
  one.wire.give([...HELLO, ...record([1, 2]), ...record([3])]);
  one.settle();
  expect(heard).toEqual([2]);
  one.socket.read(new Uint8Array(2));
  one.settle();
  expect(heard).toEqual([2, 1]);
});

test("not enough memory for the engine is a refusal; the connection is closed", () => {
  const { open } = engine;
  Object.assign(engine, { open: () => undefined });
  const one = opened();
  one.wire.widen(100);
  one.settle();
  Object.assign(engine, { open });
  expect(one.calls).toEqual(["handshake", "refused", "error "]);
  expect(one.refusal()?.kind).toBe("noMemory");
  expect([one.wire.sent, one.wire.isClosed]).toEqual([[], true]);
});

test("if an option is missing, the constructor throws instead of making a plain connection", () => {
  expect(() => new TLSSocket({ socket: { io: Wire } } as never)).toThrow(TypeError);
});
