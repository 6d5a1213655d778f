/*
 * Owners that call the client from within its callbacks, and sockets and resolvers that call after their connection has ended.
 */
import { describe, expect, test } from "vitest";
import type { ResolveOptions, TCPOptions } from "../../../src/mqtt/wire/io.js";
import { CONNACK_NEW, CONNACK_PRESENT, Setup } from "../support/setup.js";

describe("calls from within callbacks", () => {
  test("wake and publish in onSettled, in the middle of what came in, leave space for every answer", () => {
    const setup: Setup = new Setup({
      bufferLength: 64,
      onSettled: () => {
        setup.publish("z".repeat(40));
        setup.client.publish("b", Buffer.alloc(40), { qos: 0 });
        setup.client.publish("c", Buffer.alloc(40), { qos: 1 });
      },
    });
    setup.connect();
    setup.publish("x");
    setup.take();
    // PUBACK first, then as many PUBRELs as the buffer could ever answer.
    const releases = Array.from({ length: 14 }, (_, id) => [0x62, 2, 0, id + 1]).flat();
    setup.link.giveBytes([0x40, 2, 0, 1, ...releases]);
    const answers = setup.take().match(/70 02 00 ../g);
    expect(answers).toHaveLength(14);
    expect(setup.errors).toEqual([]);
  });

  test("close in onSession, onState, onSettled, onMessage, onSubscribed: nothing more is sent or called", () => {
    for (const name of ["onSession", "onState", "onSettled", "onMessage", "onSubscribed"] as const) {
      const setup: Setup = new Setup({
        [name]: () => setup.client.status().state !== "connecting" && setup.client.close(),
      });
      setup.client.subscribe("a", 1);
      setup.publish("x");
      setup.connect();
      if (!setup.link.isClosed)
        setup.link.give("90 03 f0 01 01 40 02 00 01 32 06 00 01 61 00 05 78 32 06 00 01 61 00 06 78");
      if (name === "onSession") setup.client.close();
      expect(setup.link.isClosed, name).toBe(true);
      expect(setup.client.status().state).toBe("stopped");
      expect(setup.time.waiting).toBe(0);
      expect(setup.errors).toEqual([]);
    }
  });

  test("close, or close and start, in onSubscribed when a filter is dropped with the connection: that is what counts", () => {
    for (const isStarted of [false, true]) {
      const setup: Setup = new Setup({
        deadLetterAfter: 1,
        onSubscribed: () => {
          setup.client.close();
          if (isStarted) setup.client.start();
        },
      });
      setup.connect();
      setup.client.subscribe("a", 1);
      setup.link.end();
      expect(setup.client.status().state).toBe(isStarted ? "connecting" : "stopped");
      setup.time.advance(20_000);
      expect(setup.peer.links.filter((link) => !link.isClosed)).toHaveLength(isStarted ? 1 : 0);
    }
  });

  test("a socket that reports its end from within write: no exception, everything is sent again", () => {
    for (const room of [14, 24, 50, 100, 65_536]) {
      const setup = new Setup({ bufferLength: 64 });
      setup.connect();
      const { link } = setup;
      link.allow(room);
      const write = link.write.bind(link);
      link.write = (bytes) => {
        const writable = write(bytes);
        link.options.onError();
        return writable;
      };
      for (let n = 0; n < 6; n++) setup.store.append("a", Buffer.alloc(40, "y"), 1);
      setup.client.wake();
      expect(setup.client.status(), `${room}`).toMatchObject({ state: "waiting", inFlight: 0 });
      setup.reconnect();
      expect(setup.take().match(/3[2a] 2d 00 01 61 00 0[1-6]/g)).toHaveLength(6);
    }
  });

  test("an owner that closes the client and throws: it stays closed, nothing is reported", () => {
    const setup: Setup = new Setup({
      onSettled: () => {
        setup.client.close();
        throw new Error("enough");
      },
    });
    setup.connect();
    setup.publish("x");
    setup.link.give("40 02 00 01");
    expect(setup.client.status().state).toBe("stopped");
    expect([setup.errors, setup.time.waiting]).toEqual([[], 0]);
  });

  test("stop and start again in onState is a new connection of the same session", () => {
    const setup = new Setup();
    setup.connect();
    setup.publish("x");
    setup.client.stop();
    setup.client.start();
    setup.connect(CONNACK_PRESENT);
    expect(setup.take()).toBe("3a 06 00 01 61 00 01 78");
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
  /** The state of the next connection. */
  const NEXT: Readonly<Record<string, (setup: Setup) => void>> = {
    "its socket is not open": () => {},
    "CONNECT is out": (setup) => setup.open(),
    "CONNACK came": (setup) => {
      setup.connect(CONNACK_PRESENT);
      setup.take();
    },
  };

  test.each(
    Object.entries(LATE).flatMap(([what, call]) =>
      Object.entries(NEXT).map(([when, go]) => [what, when, call, go] as const),
    ),
  )("what its socket calls late does not reach the next one: %s; %s", (_what, _when, call, go) => {
    const setup = new Setup();
    setup.connect();
    setup.publish("x");
    const old = setup.link;
    old.end();
    setup.time.runUntil(() => setup.peer.links.length > 1, 600_000);
    go(setup);
    setup.store.append("a", Buffer.from("y"), 1); // what a late callback would send
    const before = setup.client.status();
    call(old.options);
    expect(setup.client.status()).toEqual(before);
    expect([setup.take(), setup.errors.length, setup.peer.links.length]).toEqual(["", 1, 2]);
    // And the next one continues.
    if (before.state !== "connected") setup.connect(CONNACK_PRESENT);
    setup.link.give("40 02 00 01");
    expect(setup.settled).toEqual(["0 delivered"]);
  });

  test("nor does a late answer of its resolver", () => {
    const asked: ResolveOptions[] = [];
    const io = class {
      resolve(options: ResolveOptions): void {
        asked.push(options);
      }
    };
    const setup = new Setup({ dns: { io }, host: "broker.local" });
    setup.client.start();
    setup.client.linkDown();
    setup.client.linkUp();
    asked[0].onResolved("broker.local", "192.0.2.7");
    asked[0].onError("broker.local");
    expect([setup.peer.links.length, setup.errors]).toEqual([0, []]);
    asked[1].onResolved("broker.local", "192.0.2.8");
    expect(setup.link.options.address).toBe("192.0.2.8");
    asked[0].onResolved("broker.local", "192.0.2.7");
    expect([setup.peer.links.length, setup.errors]).toEqual([1, []]);
  });

  test("nor a message that was being rendered, or bytes that were being parsed, when the owner restarted", () => {
    const anew = (setup: Setup): void => {
      setup.client.close();
      setup.client.start();
      setup.open();
    };
    let isRestart = true;
    const rendering: Setup = new Setup({
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

    const parsing: Setup = new Setup({
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
