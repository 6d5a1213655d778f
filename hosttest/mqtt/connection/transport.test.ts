/*
 * Difficult connections: sockets that accept a byte at a time, resolvers that fail, classes that throw, servers that disappear.
 */
import { describe, expect, test } from "vitest";
import type { ResolveOptions, ResolverConstructor } from "../../../src/mqtt/wire/io.js";
import { CONNACK_NEW, CONNACK_PRESENT, Setup } from "../support/setup.js";

describe("partial writes", () => {
  /** All that a client sends in a run with every kind of packet, if its socket accepts `room` bytes at a time. */
  function run(room: number, bufferLength: number): string {
    const setup = new Setup({
      bufferLength,
      keepAlive: 10,
      will: { topic: "w", payload: Buffer.from("x"), qos: 1, retain: false },
    });
    let sent = "";
    const drain = () => {
      for (let n = 0; n < 2_000; n++) {
        setup.link.allow(room);
        const bytes = setup.take();
        if (bytes === "") return;
        sent += `${bytes} `;
      }
    };
    setup.client.subscribe("s", 1);
    setup.publish("hello", 1);
    setup.publish("y".repeat(200), 2);
    setup.client.start();
    drain();
    setup.link.give(CONNACK_NEW);
    drain();
    setup.link.give("90 03 f0 01 01 40 02 00 01 50 02 00 02");
    drain();
    setup.link.give("70 02 00 02 32 06 00 01 61 00 07 78");
    drain();
    setup.time.advance(9_000);
    drain();
    setup.client.stop();
    drain();
    expect(setup.errors).toEqual([]);
    expect(setup.settled).toEqual(["0 delivered", "1 delivered"]);
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
    const setup = new Setup();
    setup.publish("hello", 1);
    setup.publish("world", 2);
    setup.client.start();
    for (let bytes = 0; bytes <= 26; bytes++) {
      setup.time.runUntil(() => !setup.link.isClosed, 600_000);
      setup.link.allow(16);
      setup.take();
      setup.link.give(CONNACK_PRESENT);
      setup.link.allow(bytes);
      expect(setup.take().split(" ").filter(Boolean)).toHaveLength(Math.min(bytes, 24));
      setup.client.linkDown();
      setup.client.linkUp();
    }
    setup.link.allow(1_000);
    setup.take();
    setup.link.give(CONNACK_PRESENT);
    expect(setup.take()).toBe("3a 0a 00 01 61 00 01 68 65 6c 6c 6f 3c 0a 00 01 61 00 02 77 6f 72 6c 64");
  });

  test("several packets are sent in one write", () => {
    const setup = new Setup();
    for (let n = 0; n < 8; n++) setup.publish("x");
    setup.connect();
    expect(setup.link.writes).toBe(2); // CONNECT, then all
  });

  test("a payload of 100,000 bytes passes through a buffer of 64, and is rendered once", () => {
    let renders = 0;
    const setup = new Setup({
      bufferLength: 64,
      render: (entry) => {
        renders++;
        return entry;
      },
    });
    const payload = Buffer.alloc(100_000, "abc");
    setup.store.append("a", payload, 1);
    setup.publish("next");
    setup.connect(CONNACK_NEW, 16);
    const pieces: Uint8Array[] = [];
    for (let n = 0; n < 1_010; n++) {
      setup.link.allow(100);
      pieces.push(setup.link.takeBytes());
    }
    const head = Uint8Array.of(0x32, 0xa5, 0x8d, 0x06, 0, 1, 0x61, 0, 1);
    const next = Uint8Array.of(0x32, 9, 0, 1, 0x61, 0, 2, ...Buffer.from("next"));
    expect(Buffer.concat(pieces).equals(Buffer.concat([head, payload, next]))).toBe(true);
    expect(renders).toBe(2);
  });
});

describe("reaching the server", () => {
  /** A resolver controlled by the test. */
  function resolver(): { io: ResolverConstructor; asked: ResolveOptions[]; closed: number } {
    const setup = {
      asked: [] as ResolveOptions[],
      closed: 0,
      io: class {
        resolve(options: ResolveOptions): void {
          setup.asked.push(options);
        }
        close(): void {
          setup.closed++;
        }
      },
    };
    return setup;
  }

  test("a name is resolved again before every attempt: the address may have changed", () => {
    const dns = resolver();
    const setup = new Setup({ dns, host: "broker.local" });
    setup.client.start();
    for (const address of ["192.0.2.7", "192.0.2.8"]) {
      const question = dns.asked.at(-1);
      question?.onResolved("broker.local", address);
      expect(setup.link.options).toMatchObject({ address, host: "broker.local", port: 1883, format: "buffer" });
      setup.link.end();
      const before = dns.asked.length;
      setup.time.runUntil(() => dns.asked.length > before, 10_000);
    }
  });

  test("no such name: reported, tried again after a back-off", () => {
    const dns = resolver();
    const setup = new Setup({ dns, host: "nowhere" });
    setup.client.start();
    dns.asked[0].onError();
    expect(setup.errors).toMatchObject([{ kind: "resolve", message: "unknown host: no address for nowhere" }]);
    setup.time.runUntil(() => dns.asked.length === 2, 10_000);
    expect(setup.peer.links).toHaveLength(0);
  });

  test("a resolver that never answers, or too late: the attempt ends by its limit, the late answer is ignored", () => {
    const dns = resolver();
    const setup = new Setup({ dns, host: "slow", connectTimeoutMs: 1_000, random: () => 0 });
    setup.client.start();
    setup.time.advance(1_000);
    expect(setup.errors).toMatchObject([{ kind: "timeout", message: "no answer from the resolver" }]);
    dns.asked[0].onResolved("slow", "192.0.2.7");
    dns.asked[0].onError();
    expect(setup.peer.links).toHaveLength(0);
    expect(setup.errors).toHaveLength(1);
    expect(dns.closed).toBe(1);
  });

  test("a resolver that answers twice, and fails then: one connection, no error", () => {
    const dns = resolver();
    const setup = new Setup({ dns, host: "broker.local" });
    setup.client.start();
    for (let n = 0; n < 2; n++) dns.asked[0].onResolved("broker.local", "192.0.2.7");
    dns.asked[0].onError();
    expect([setup.peer.links.length, setup.errors]).toEqual([1, []]);
  });

  test("an address is not resolved, and without a resolver the name is passed to the socket", () => {
    const dns = resolver();
    const numeric = new Setup({ dns, host: "192.0.2.1" });
    numeric.client.start();
    expect(dns.asked).toHaveLength(0);
    expect(numeric.link.options.address).toBe("192.0.2.1");
    const named = new Setup({ host: "broker" });
    named.client.start();
    expect(named.link.options).toMatchObject({ host: "broker", address: undefined });
  });

  test("a TCP class that throws: unreachable, tried again", () => {
    const setup = new Setup();
    setup.peer.refuse = new Error("no socket");
    setup.client.start();
    expect(setup.errors).toMatchObject([{ kind: "unreachable", message: "no socket" }]);
    setup.peer.refuse = undefined;
    setup.reconnect(CONNACK_NEW);
    expect(setup.states.at(-1)).toBe("connected");
  });

  test.each([
    ["refused", "connection refused: nothing listens on that port"],
    ["unreachable", "host unreachable"],
  ] as const)("a class that knows why there is no connection: %s", (reason, message) => {
    const setup = new Setup();
    setup.client.start();
    setup.link.options.onError(reason);
    expect(setup.errors).toMatchObject([{ kind: "unreachable", message }]);
  });

  test("closed before CONNACK: reported as that", () => {
    const setup = new Setup();
    setup.open();
    setup.link.end();
    expect(setup.errors).toMatchObject([{ kind: "closed", message: "closed by the server before CONNACK" }]);
  });

  test("refused by the machine: unreachable; one attempt at a time, whatever the owner calls meanwhile", () => {
    const setup = new Setup();
    setup.client.start();
    setup.client.start();
    setup.client.linkUp();
    setup.client.wake();
    expect(setup.peer.links).toHaveLength(1);
    setup.link.end();
    expect(setup.errors).toMatchObject([
      { kind: "unreachable", message: "no connection: refused, or host unreachable" },
    ]);
    setup.client.start();
    setup.client.wake();
    expect(setup.peer.links).toHaveLength(1);
  });

  test("callbacks of a socket that was closed change nothing", () => {
    const setup = new Setup();
    setup.connect();
    const old = setup.link;
    setup.client.linkDown();
    setup.client.linkUp();
    old.options.onWritable(100);
    old.options.onReadable(4);
    old.options.onError();
    expect(setup.errors).toEqual([]);
    expect(setup.peer.links).toHaveLength(2);
    setup.connect();
    expect(setup.states.at(-1)).toBe("connected");
  });

  test("a server that accepts and never answers PINGREQ is disconnected, at the ping timeout", () => {
    const setup = new Setup({ keepAlive: 60, pingTimeoutMs: 7_000 });
    setup.connect();
    setup.time.advance(24_000 + 24_000 + 6_999);
    expect(setup.errors).toEqual([]);
    setup.time.advance(1);
    expect(setup.errors).toMatchObject([{ kind: "timeout", message: "no PINGRESP" }]);
    expect(setup.link.isClosed).toBe(true);
    setup.reconnect();
    expect(setup.states.at(-1)).toBe("connected");
  });

  test("status shows state, waits, errors and counts", () => {
    const setup = new Setup();
    expect(setup.client.status()).toMatchObject({ state: "stopped", connectedMs: undefined, retryMs: undefined });
    setup.connect();
    setup.time.advance(1_500);
    expect(setup.client.status()).toMatchObject({ state: "connected", connectedMs: 1_500, reconnects: 0 });
    setup.link.end();
    expect(setup.client.status()).toMatchObject({ state: "waiting", retryMs: 500, lastError: { kind: "closed" } });
    setup.reconnect();
    expect(setup.client.status()).toMatchObject({ state: "connected", reconnects: 1 });
  });
});
