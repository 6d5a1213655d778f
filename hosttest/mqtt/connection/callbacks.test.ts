/*
 * Owners that call the client from within its callbacks, and sockets and resolvers that call after their connection has ended.
 */
import { describe, expect, test } from "vitest";
import type { ResolveOptions, TCPOptions } from "../../../src/mqtt/wire/io.js";
import { CONNACK_NEW, CONNACK_PRESENT, World } from "../support/world.js";

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
