/*
 * Difficult connections: sockets that accept a byte at a time, resolvers that fail, classes that throw, servers that disappear,
 * owners that call back.
 */
import { describe, expect, test } from "vitest";
import type { ResolveOptions, ResolverConstructor, TCPOptions } from "../../src/mqtt/wire/io.js";
import { CONNACK_NEW, CONNACK_PRESENT, World } from "./support/world.js";

describe("partial writes", () => {
  /** All that a client sends in a run with every kind of packet, its socket taking `room` bytes at a time. */
  function run(room: number, bufferLength: number): string {
    const world = new World({
      bufferLength,
      keepAlive: 10,
      will: { topic: "w", payload: Buffer.from("x"), qos: 1, retain: false },
    });
    let sent = "";
    const drain = () => {
      for (let n = 0; n < 2_000; n++) {
        world.link.allow(room);
        const bytes = world.take();
        if (bytes === "") return;
        sent += `${bytes} `;
      }
    };
    world.client.subscribe("s", 1);
    world.publish("hello", 1);
    world.publish("y".repeat(200), 2);
    world.client.start();
    drain();
    world.link.give(CONNACK_NEW);
    drain();
    world.link.give("90 03 f0 01 01 40 02 00 01 50 02 00 02");
    drain();
    world.link.give("70 02 00 02 32 06 00 01 61 00 07 78");
    drain();
    world.time.advance(9_000);
    drain();
    world.client.stop();
    drain();
    expect(world.errors).toEqual([]);
    expect(world.settled).toEqual(["0 delivered", "1 delivered"]);
    return sent.trim();
  }

  test("the stream is the same whether the socket takes all or 1, 2, 3 ... 300 bytes, with a buffer smaller than a payload or larger", () => {
    const whole = run(65_536, 1_024);
    for (const bufferLength of [64, 1_024]) {
      for (const room of [1, 2, 3, 4, 5, 7, 8, 11, 16, 31, 63, 64, 65, 300])
        expect(run(room, bufferLength), `${room} of ${bufferLength}`).toBe(whole);
    }
  });

  test("a drop after any number of bytes written: everything is sent again, from the first byte", () => {
    const world = new World();
    world.publish("hello", 1);
    world.publish("world", 2);
    world.client.start();
    for (let bytes = 0; bytes <= 26; bytes++) {
      world.time.runUntil(() => !world.link.isClosed, 600_000);
      world.link.allow(16);
      world.take();
      world.link.give(CONNACK_PRESENT);
      world.link.allow(bytes);
      expect(world.take().split(" ").filter(Boolean)).toHaveLength(Math.min(bytes, 24));
      world.client.linkDown();
      world.client.linkUp();
    }
    world.link.allow(1_000);
    world.take();
    world.link.give(CONNACK_PRESENT);
    expect(world.take()).toBe("3a 0a 00 01 61 00 01 68 65 6c 6c 6f 3c 0a 00 01 61 00 02 77 6f 72 6c 64");
  });

  test("several packets are sent in one write", () => {
    const world = new World();
    for (let n = 0; n < 8; n++) world.publish("x");
    world.connect();
    expect(world.link.writes).toBe(2); // CONNECT, then all
  });

  test("a payload of 100,000 bytes passes through a buffer of 64, and is rendered once", () => {
    let renders = 0;
    const world = new World({
      bufferLength: 64,
      render: (entry) => {
        renders++;
        return entry;
      },
    });
    const payload = Buffer.alloc(100_000, "abc");
    world.store.append("a", payload, 1);
    world.publish("next");
    world.connect(CONNACK_NEW, 16);
    const pieces: Uint8Array[] = [];
    for (let n = 0; n < 1_010; n++) {
      world.link.allow(100);
      pieces.push(world.link.takeBytes());
    }
    const head = Uint8Array.of(0x32, 0xa5, 0x8d, 0x06, 0, 1, 0x61, 0, 1);
    const next = Uint8Array.of(0x32, 9, 0, 1, 0x61, 0, 2, ...Buffer.from("next"));
    expect(Buffer.concat(pieces).equals(Buffer.concat([head, payload, next]))).toBe(true);
    expect(renders).toBe(2);
  });
});

describe("reaching the server", () => {
  /** A resolver that does as the test says. */
  function resolver(): { io: ResolverConstructor; asked: ResolveOptions[]; closed: number } {
    const world = {
      asked: [] as ResolveOptions[],
      closed: 0,
      io: class {
        resolve(options: ResolveOptions): void {
          world.asked.push(options);
        }
        close(): void {
          world.closed++;
        }
      },
    };
    return world;
  }

  test("a name is resolved again before every attempt: the address may have changed", () => {
    const dns = resolver();
    const world = new World({ dns, host: "broker.local" });
    world.client.start();
    for (const address of ["192.0.2.7", "192.0.2.8"]) {
      const question = dns.asked.at(-1);
      question?.onResolved("broker.local", address);
      expect(world.link.options).toMatchObject({ address, host: "broker.local", port: 1883, format: "buffer" });
      world.link.end();
      const before = dns.asked.length;
      world.time.runUntil(() => dns.asked.length > before, 10_000);
    }
  });

  test("no such name: reported, tried again after a back-off", () => {
    const dns = resolver();
    const world = new World({ dns, host: "nowhere" });
    world.client.start();
    dns.asked[0].onError();
    expect(world.errors).toMatchObject([{ kind: "resolve", message: "unknown host: no address for nowhere" }]);
    world.time.runUntil(() => dns.asked.length === 2, 10_000);
    expect(world.peer.links).toHaveLength(0);
  });

  test("a resolver that never answers, or too late: the attempt ends by its limit, the late answer is ignored", () => {
    const dns = resolver();
    const world = new World({ dns, host: "slow", connectTimeoutMs: 1_000, random: () => 0 });
    world.client.start();
    world.time.advance(1_000);
    expect(world.errors).toMatchObject([{ kind: "timeout", message: "no answer from the resolver" }]);
    dns.asked[0].onResolved("slow", "192.0.2.7");
    dns.asked[0].onError();
    expect(world.peer.links).toHaveLength(0);
    expect(world.errors).toHaveLength(1);
    expect(dns.closed).toBe(1);
  });

  test("a resolver that answers twice, and fails then: one connection, no error", () => {
    const dns = resolver();
    const world = new World({ dns, host: "broker.local" });
    world.client.start();
    for (let n = 0; n < 2; n++) dns.asked[0].onResolved("broker.local", "192.0.2.7");
    dns.asked[0].onError();
    expect([world.peer.links.length, world.errors]).toEqual([1, []]);
  });

  test("an address is not resolved, and without a resolver the name is passed to the socket", () => {
    const dns = resolver();
    const numeric = new World({ dns, host: "192.0.2.1" });
    numeric.client.start();
    expect(dns.asked).toHaveLength(0);
    expect(numeric.link.options.address).toBe("192.0.2.1");
    const named = new World({ host: "broker" });
    named.client.start();
    expect(named.link.options).toMatchObject({ host: "broker", address: undefined });
  });

  test("a TCP class that throws: unreachable, tried again", () => {
    const world = new World();
    world.peer.refuse = new Error("no socket");
    world.client.start();
    expect(world.errors).toMatchObject([{ kind: "unreachable", message: "no socket" }]);
    world.peer.refuse = undefined;
    world.reconnect(CONNACK_NEW);
    expect(world.states.at(-1)).toBe("connected");
  });

  test.each([
    ["refused", "connection refused: nothing listens on that port"],
    ["unreachable", "host unreachable"],
  ] as const)("a class that knows why there is no connection: %s", (reason, message) => {
    const world = new World();
    world.client.start();
    world.link.options.onError(reason);
    expect(world.errors).toMatchObject([{ kind: "unreachable", message }]);
  });

  test("closed before CONNACK: reported as that", () => {
    const world = new World();
    world.open();
    world.link.end();
    expect(world.errors).toMatchObject([{ kind: "closed", message: "closed by the server before CONNACK" }]);
  });

  test("refused by the machine: unreachable; one attempt at a time, whatever the owner calls meanwhile", () => {
    const world = new World();
    world.client.start();
    world.client.start();
    world.client.linkUp();
    world.client.wake();
    expect(world.peer.links).toHaveLength(1);
    world.link.end();
    expect(world.errors).toMatchObject([
      { kind: "unreachable", message: "no connection: refused, or host unreachable" },
    ]);
    world.client.start();
    world.client.wake();
    expect(world.peer.links).toHaveLength(1);
  });

  test("callbacks of a socket that was closed change nothing", () => {
    const world = new World();
    world.connect();
    const old = world.link;
    world.client.linkDown();
    world.client.linkUp();
    old.options.onWritable(100);
    old.options.onReadable(4);
    old.options.onError();
    expect(world.errors).toEqual([]);
    expect(world.peer.links).toHaveLength(2);
    world.connect();
    expect(world.states.at(-1)).toBe("connected");
  });

  test("a server that accepts and never answers PINGREQ is disconnected, at the ping timeout", () => {
    const world = new World({ keepAlive: 60, pingTimeoutMs: 7_000 });
    world.connect();
    world.time.advance(24_000 + 24_000 + 6_999);
    expect(world.errors).toEqual([]);
    world.time.advance(1);
    expect(world.errors).toMatchObject([{ kind: "timeout", message: "no PINGRESP" }]);
    expect(world.link.isClosed).toBe(true);
    world.reconnect();
    expect(world.states.at(-1)).toBe("connected");
  });

  test("status shows state, waits, errors and counts", () => {
    const world = new World();
    expect(world.client.status()).toMatchObject({ state: "stopped", connectedMs: undefined, retryMs: undefined });
    world.connect();
    world.time.advance(1_500);
    expect(world.client.status()).toMatchObject({ state: "connected", connectedMs: 1_500, reconnects: 0 });
    world.link.end();
    expect(world.client.status()).toMatchObject({ state: "waiting", retryMs: 500, lastError: { kind: "closed" } });
    world.reconnect();
    expect(world.client.status()).toMatchObject({ state: "connected", reconnects: 1 });
  });
});

describe("calls from within callbacks", () => {
  test("wake and publish in onSettled, in the middle of what came in, leave space for every answer", () => {
    const world: World = new World({
      bufferLength: 64,
      onSettled: () => {
        world.publish("z".repeat(40));
        world.client.publish("b", Buffer.alloc(40), { qos: 0 });
        world.client.publish("c", Buffer.alloc(40), { qos: 1 });
      },
    });
    world.connect();
    world.publish("x");
    world.take();
    // PUBACK first, then as many PUBRELs as the buffer could ever answer.
    const releases = Array.from({ length: 14 }, (_, id) => [0x62, 2, 0, id + 1]).flat();
    world.link.giveBytes([0x40, 2, 0, 1, ...releases]);
    const answers = world.take().match(/70 02 00 ../g);
    expect(answers).toHaveLength(14);
    expect(world.errors).toEqual([]);
  });

  test("close in onSession, onState, onSettled, onMessage, onSubscribed: nothing more is sent or called", () => {
    for (const name of ["onSession", "onState", "onSettled", "onMessage", "onSubscribed"] as const) {
      const world: World = new World({
        [name]: () => world.client.status().state !== "connecting" && world.client.close(),
      });
      world.client.subscribe("a", 1);
      world.publish("x");
      world.connect();
      if (!world.link.isClosed)
        world.link.give("90 03 f0 01 01 40 02 00 01 32 06 00 01 61 00 05 78 32 06 00 01 61 00 06 78");
      if (name === "onSession") world.client.close();
      expect(world.link.isClosed, name).toBe(true);
      expect(world.client.status().state).toBe("stopped");
      expect(world.time.waiting).toBe(0);
      expect(world.errors).toEqual([]);
    }
  });

  test("close, or close and start, in onSubscribed when a filter is dropped with the connection: that is what counts", () => {
    for (const isStarted of [false, true]) {
      const world: World = new World({
        deadLetterAfter: 1,
        onSubscribed: () => {
          world.client.close();
          if (isStarted) world.client.start();
        },
      });
      world.connect();
      world.client.subscribe("a", 1);
      world.link.end();
      expect(world.client.status().state).toBe(isStarted ? "connecting" : "stopped");
      world.time.advance(20_000);
      expect(world.peer.links.filter((link) => !link.isClosed)).toHaveLength(isStarted ? 1 : 0);
    }
  });

  test("a socket that reports its end from within write: no exception, everything is sent again", () => {
    for (const room of [14, 24, 50, 100, 65_536]) {
      const world = new World({ bufferLength: 64 });
      world.connect();
      const { link } = world;
      link.allow(room);
      const write = link.write.bind(link);
      link.write = (bytes) => {
        const writable = write(bytes);
        link.options.onError();
        return writable;
      };
      for (let n = 0; n < 6; n++) world.store.append("a", Buffer.alloc(40, "y"), 1);
      world.client.wake();
      expect(world.client.status(), `${room}`).toMatchObject({ state: "waiting", inFlight: 0 });
      world.reconnect();
      expect(world.take().match(/3[2a] 2d 00 01 61 00 0[1-6]/g)).toHaveLength(6);
    }
  });

  test("an owner that closes the client and throws: it stays closed, nothing is reported", () => {
    const world: World = new World({
      onSettled: () => {
        world.client.close();
        throw new Error("enough");
      },
    });
    world.connect();
    world.publish("x");
    world.link.give("40 02 00 01");
    expect(world.client.status().state).toBe("stopped");
    expect([world.errors, world.time.waiting]).toEqual([[], 0]);
  });

  test("stop and start again in onState is a new connection of the same session", () => {
    const world = new World();
    world.connect();
    world.publish("x");
    world.client.stop();
    world.client.start();
    world.connect(CONNACK_PRESENT);
    expect(world.take()).toBe("3a 06 00 01 61 00 01 78");
  });
});

describe("a connection that has ended", () => {
  /** What an old socket can still call. */
  const LATE: Readonly<Record<string, (options: TCPOptions) => void>> = {
    "bytes to read, as many as an acknowledgement has": ({ onReadable }) => onReadable(4),
    "bytes to read": ({ onReadable }) => onReadable(100),
    "free space": ({ onWritable }) => onWritable(65_536),
    "its end": ({ onError }) => onError(),
  };
  /** How far the next one has got. */
  const NEXT: Readonly<Record<string, (world: World) => void>> = {
    "its socket is not open": () => {},
    "CONNECT is out": (world) => world.open(),
    "CONNACK came": (world) => {
      world.connect(CONNACK_PRESENT);
      world.take();
    },
  };

  test.each(
    Object.entries(LATE).flatMap(([what, call]) =>
      Object.entries(NEXT).map(([when, go]) => [what, when, call, go] as const),
    ),
  )("what its socket calls late does not reach the next one: %s; %s", (_what, _when, call, go) => {
    const world = new World();
    world.connect();
    world.publish("x");
    const old = world.link;
    old.end();
    world.time.runUntil(() => world.peer.links.length > 1, 600_000);
    go(world);
    world.store.append("a", Buffer.from("y"), 1); // what a late callback would send
    const before = world.client.status();
    call(old.options);
    expect(world.client.status()).toEqual(before);
    expect([world.take(), world.errors.length, world.peer.links.length]).toEqual(["", 1, 2]);
    // And the next one continues.
    if (before.state !== "connected") world.connect(CONNACK_PRESENT);
    world.link.give("40 02 00 01");
    expect(world.settled).toEqual(["0 delivered"]);
  });

  test("nor does a late answer of its resolver", () => {
    const asked: ResolveOptions[] = [];
    const io = class {
      resolve(options: ResolveOptions): void {
        asked.push(options);
      }
    };
    const world = new World({ dns: { io }, host: "broker.local" });
    world.client.start();
    world.client.linkDown();
    world.client.linkUp();
    asked[0].onResolved("broker.local", "192.0.2.7");
    asked[0].onError("broker.local");
    expect([world.peer.links.length, world.errors]).toEqual([0, []]);
    asked[1].onResolved("broker.local", "192.0.2.8");
    expect(world.link.options.address).toBe("192.0.2.8");
    asked[0].onResolved("broker.local", "192.0.2.7");
    expect([world.peer.links.length, world.errors]).toEqual([1, []]);
  });

  test("nor a message that was being rendered, or bytes that were being parsed, when the owner restarted", () => {
    const anew = (world: World): void => {
      world.client.close();
      world.client.start();
      world.open();
    };
    let isRestart = true;
    const rendering: World = new World({
      render: (entry) => {
        if (isRestart) anew(rendering);
        isRestart = false;
        return entry;
      },
    });
    rendering.connect();
    rendering.publish("x");
    expect([rendering.take(), rendering.client.status().inFlight]).toEqual(["", 0]);
    rendering.link.give(CONNACK_NEW);
    expect([rendering.take(), rendering.client.status().inFlight]).toEqual(["32 06 00 01 61 00 01 78", 1]);

    const parsing: World = new World({
      onMessage: () => {
        anew(parsing);
        parsing.link.give(CONNACK_PRESENT);
      },
    });
    parsing.connect();
    parsing.publish("x");
    parsing.link.give("30 04 00 01 62 79 40 02 00 01"); // the acknowledgement is the old connection's
    expect([parsing.errors, parsing.take(), parsing.settled]).toEqual([[], "3a 06 00 01 61 00 01 78", []]);
  });
});
