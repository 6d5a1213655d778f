/*
 * Who is blamed for a broken connection: an entry that breaks it again and again is given up, a flaky network costs none.
 */
import { describe, expect, test } from "vitest";
import { CONNACK_PRESENT, World } from "./support/world.js";

describe("dead letters", () => {
  /** The server closes `times` connections when it sees the first entry, acknowledging nothing. */
  function breakOn(world: World, times: number): void {
    for (let n = 0; n < times; n++) {
      expect(world.take()).toContain("61 00 01 62");
      world.link.end();
      world.reconnect();
    }
  }

  test("ten connections broken on one entry and one that lives without it: given up, the rest goes on", () => {
    const world = new World();
    world.publish("bad");
    world.publish("good");
    world.connect();
    breakOn(world, 10);
    expect(world.take()).toBe("c0 00 3a 09 00 01 61 00 02 67 6f 6f 64");
    expect(world.settled).toEqual([]);
    world.link.give("40 02 00 02");
    expect(world.settled).toEqual(["0 deadLetter", "1 delivered"]);
    expect(world.client.status()).toMatchObject({ deadLetters: 1, delivered: 1 });
  });

  test("with nothing else to send, PINGRESP is the proof", () => {
    const world = new World();
    world.publish("bad");
    world.connect();
    breakOn(world, 10);
    expect(world.take()).toBe("c0 00");
    world.link.give("d0 00");
    expect(world.settled).toEqual(["0 deadLetter"]);
  });

  test("the connection without it breaks as well: the network is to blame, the entry goes again", () => {
    const world = new World();
    world.publish("bad");
    world.connect();
    breakOn(world, 10);
    world.take();
    world.link.end();
    world.reconnect();
    breakOn(world, 9);
    world.link.give("40 02 00 01");
    expect(world.settled).toEqual(["0 delivered"]);
  });

  test("a flaky network costs no reading: 200 links lost, refusals, silent servers, resets", () => {
    const world = new World({ keepAlive: 10, pingTimeoutMs: 5_000, connectTimeoutMs: 5_000 });
    world.publish("bad");
    world.connect();
    for (let n = 0; n < 200; n++) {
      switch (n % 4) {
        case 0:
          world.client.linkDown();
          world.client.linkUp();
          break;
        case 1:
          world.time.advance(30_000); // half-open: ping timeout
          break;
        case 2:
          world.link.end();
          break;
        default:
          world.publish("other");
          world.link.give("40 02 00 01".replace("01", "02")); // heard on this connection, then it breaks
          world.link.end();
      }
      if (world.link.isClosed) world.reconnect();
      else world.connect(CONNACK_PRESENT);
    }
    expect(world.settled.filter((line) => line.endsWith("deadLetter"))).toEqual([]);
    expect(world.client.status().deadLetters).toBe(0);
  });

  test("an entry that the server never acknowledges, alive as it is: stuck, reconnected, in the end given up", () => {
    const world = new World({ keepAlive: 10, deadLetterAfter: 2 });
    world.publish("bad");
    world.connect();
    const pingsUntilClosed = () => {
      let pings = 0;
      while (!world.link.isClosed && pings < 50) {
        world.time.advance(1_000);
        if (!world.link.isClosed && world.take().includes("c0 00")) {
          pings++;
          world.link.give("d0 00");
        }
      }
      return pings;
    };
    expect(pingsUntilClosed()).toBe(4);
    expect(world.errors).toMatchObject([{ kind: "timeout", message: "no acknowledgement" }]);
    world.reconnect();
    pingsUntilClosed();
    world.reconnect();
    world.link.give("d0 00");
    expect(world.settled).toEqual(["0 deadLetter"]);
  });

  test("PINGRESPs that nobody asked for prove nothing", () => {
    const world = new World();
    world.publish("bad");
    world.connect();
    for (let n = 0; n < 10; n++) world.link.give("d0 00");
    expect(world.link.isClosed).toBe(false);
  });

  test("strikes are for one entry in a row: an acknowledgement in between begins the count anew", () => {
    const world = new World({ deadLetterAfter: 3 });
    world.publish("bad");
    world.publish("two");
    world.connect();
    breakOn(world, 2);
    world.link.give("40 02 00 02");
    world.link.end();
    world.reconnect();
    breakOn(world, 2);
    expect(world.take()).toContain("61 00 01 62");
    expect(world.client.status().deadLetters).toBe(0);
  });

  test("the owner closes the client when it hears of one: nothing more is taken from the store, nothing is sent", () => {
    const world: World = new World({
      render: (entry) => (entry.sequence === 0 ? undefined : entry),
      onSettled: () => world.client.close(),
    });
    world.connect();
    world.store.append("a", Buffer.from("bad"), 1);
    world.store.append("a", Buffer.from("good"), 1);
    world.client.wake();
    expect([world.take(), world.link.isClosed, world.client.status().inFlight]).toEqual(["", true, 0]);
    expect(world.open().slice(0, 2)).toBe("10"); // and nothing is left over for the next connection
    world.link.give(CONNACK_PRESENT);
    expect(world.take()).toBe("32 09 00 01 61 00 02 67 6f 6f 64");
  });

  test("the owner closes the client when a filter is granted: that proves nothing about the next connection", () => {
    const world: World = new World({ deadLetterAfter: 1, onSubscribed: () => world.client.close() });
    world.client.subscribe("s", 1);
    world.connect();
    world.link.give("90 03 f0 01 01");
    world.publish("bad");
    world.connect(CONNACK_PRESENT);
    breakOn(world, 1);
    expect(world.take()).toBe("c0 00"); // it is held back
  });

  test("a topic longer than the buffer can never go: given up at once, the rest goes on", () => {
    const world = new World({ bufferLength: 64 });
    world.store.append("t".repeat(80), Buffer.from("x"), 1);
    world.publish("good");
    world.connect();
    expect(world.settled).toEqual(["0 deadLetter"]);
    expect(world.take()).toBe("32 09 00 01 61 00 02 67 6f 6f 64");
  });
});
