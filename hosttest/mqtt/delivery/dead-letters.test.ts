/*
 * The cause of a broken connection, byte by byte: an entry that breaks it again and again while others are delivered is a dead
 * letter, a flaky network costs none. Servers as a whole: unwilling.test.ts.
 */
import { describe, expect, test } from "vitest";
import { CONNACK_PRESENT, World } from "../support/world.js";

describe("dead letters", () => {
  /** The server closes `times` connections when it sees the first entry, acknowledging nothing. */
  function breakOn(world: World, times: number): void {
    for (let n = 0; n < times; n++) {
      expect(world.take()).toContain("61 00 01 62");
      world.link.end();
      world.reconnect();
    }
  }

  test("five connections broken on one entry: held back; five more that it was the first on, others delivered in turn: a dead letter (4.3.3-2)", () => {
    const world = new World({ deadLetterAfter: 5 });
    world.publish("bad", 2);
    world.publish("g0", 2);
    world.connect();
    for (let n = 0; n < 5; n++) {
      expect(world.take()).toContain("61 00 01 62");
      world.link.end();
      world.reconnect();
    }
    for (let n = 0; n < 5; n++) {
      const id = `00 0${n + 2}`;
      expect(world.take()).toMatch(new RegExp(`^3[4c] 07 00 01 61 ${id}`)); // without it
      world.link.give(`50 02 ${id} 70 02 ${id}`);
      expect(world.take()).toBe(`62 02 ${id} 3c 08 00 01 61 00 01 62 61 64`); // then it, alone
      world.publish(`g${n + 1}`, 2);
      expect(world.take()).toBe("");
      world.link.end();
      expect(world.settled).toHaveLength(n + 1);
      world.reconnect();
      expect(world.take()).toBe("3c 08 00 01 61 00 01 62 61 64"); // and as the first
      world.link.end();
      world.reconnect();
    }
    world.take();
    world.link.give("50 02 00 07 70 02 00 07");
    expect(world.settled.slice(-2)).toEqual(["0 deadLetter", "6 delivered"]);
    expect(world.take()).toBe("62 02 00 07 62 02 00 01"); // the server forgets the id, in case it had it: it is sent again
    expect(world.client.status()).toMatchObject({ deadLetters: 1, delivered: 6, refusal: undefined });
  });

  test("the same with a new client for each connection, as after a sleep, which gets the knowledge of the previous one", () => {
    const outcomes: string[] = [];
    let world = new World({ deadLetterAfter: 5 });
    world.publish("bad", 2);
    let perhapsSent = 0;
    const connections = (limit: number): number => {
      for (let n = 1; n <= limit; n++) {
        world.publish(`g${n}`, 2);
        world.connect(n === 1 && perhapsSent === 0 ? undefined : CONNACK_PRESENT);
        // All that comes but the bad one is taken, one after the other.
        for (let sent = world.take(); sent !== ""; sent = world.take()) {
          if (sent.includes("61 00 01 62")) {
            world.link.end();
            break;
          }
          const ids = [...sent.matchAll(/3[4c] [0-9a-f]{2} 00 01 61 ([0-9a-f]{2} [0-9a-f]{2})/g)].map(([, id]) => id);
          for (const id of ids) world.link.give(`50 02 ${id} 70 02 ${id}`);
        }
        outcomes.push(...world.settled);
        if (outcomes.includes("0 deadLetter")) return n;
        world.client.close();
        const { learned } = world.client;
        perhapsSent = 16;
        world = new World({ deadLetterAfter: 5, learned, perhapsSent }, { store: world.store, time: world.time });
      }
      return limit;
    };
    expect(connections(60)).toBeLessThan(30);
    expect(outcomes.filter((outcome) => outcome.endsWith("deadLetter"))).toEqual(["0 deadLetter"]);
  });

  test("with nothing else to send there is no proof, and it stays", () => {
    const world = new World();
    world.publish("bad");
    world.connect();
    breakOn(world, 60);
    world.link.give("d0 00");
    expect(world.settled).toEqual([]);
    expect(world.client.status().refusal).toEqual({ scope: "all", by: "closing", sequence: 0 });
    world.link.give("40 02 00 01");
    expect(world.client.status().refusal).toBeUndefined();
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

  test("an entry that a working server never acknowledges: stuck, reconnected, and kept", () => {
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
    for (let n = 0; n < 5; n++) {
      world.reconnect();
      pingsUntilClosed();
    }
    expect(world.settled).toEqual([]);
    expect(world.client.status().refusal).toEqual({ scope: "all", by: "silence", sequence: 0 });
  });

  test("unexpected PINGRESPs prove nothing", () => {
    const world = new World();
    world.publish("bad");
    world.connect();
    for (let n = 0; n < 10; n++) world.link.give("d0 00");
    expect(world.link.isClosed).toBe(false);
  });

  test("strikes are for one entry in a row: an acknowledgement in between restarts the count", () => {
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

  test("the owner closes the client when one is reported: nothing more is read from the store, nothing is sent", () => {
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
    world.publish("good");
    breakOn(world, 1);
    expect(world.take()).toBe("32 09 00 01 61 00 02 67 6f 6f 64".replace("32", "3a")); // the first is held back
    expect(world.client.status().refusal).toMatchObject({ scope: "all", by: "closing" });
  });

  test("a topic longer than the buffer can never be sent: a dead letter at once, the rest is sent", () => {
    const world = new World({ bufferLength: 64 });
    world.store.append("t".repeat(80), Buffer.from("x"), 1);
    world.publish("good");
    world.connect();
    expect(world.settled).toEqual(["0 deadLetter"]);
    expect(world.take()).toBe("32 09 00 01 61 00 02 67 6f 6f 64");
  });
});
