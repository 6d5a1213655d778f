/*
 * Difficult connections: sockets that accept a byte at a time, resolvers that fail, classes that throw, servers that disappear.
 */
import { describe, expect, test } from "vitest";
import type { ResolveOptions, ResolverConstructor } from "../../../src/mqtt/wire/io.js";
import { CONNACK_NEW, CONNACK_PRESENT, World } from "../support/world.js";

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
