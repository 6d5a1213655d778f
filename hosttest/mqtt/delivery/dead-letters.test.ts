/*
 * The cause of a broken connection, byte by byte: an entry that breaks it again and again while others are delivered is a dead
 * letter, a flaky network costs none. Servers as a whole: unwilling.test.ts.
 */
import { describe, expect, test } from "vitest";
import { CONNACK_PRESENT, Setup } from "../support/setup.js";
import { UnwillingServer } from "../support/unwilling-server.js";

describe("dead letters", () => {
  /** The server closes `times` connections when it sees the first entry, acknowledging nothing. */
  function breakOn(setup: Setup, times: number): void {
    for (let n = 0; n < times; n++) {
      expect(setup.take()).toContain("61 00 01 62");
      setup.link.end();
      setup.reconnect();
    }
  }

  test("five connections broken on one entry: held back; five more that it was the first on, others delivered in turn: a dead letter (4.3.3-2)", () => {
    const setup = new Setup({ deadLetterAfter: 5 });
    setup.publish("bad", 2);
    setup.publish("g0", 2);
    setup.connect();
    for (let n = 0; n < 5; n++) {
      expect(setup.take()).toContain("61 00 01 62");
      setup.link.end();
      setup.reconnect();
    }
    for (let n = 0; n < 5; n++) {
      const id = `00 0${n + 2}`;
      expect(setup.take()).toMatch(new RegExp(`^3[4c] 07 00 01 61 ${id}`)); // without it
      setup.link.give(`50 02 ${id} 70 02 ${id}`);
      expect(setup.take()).toBe(`62 02 ${id} 3c 08 00 01 61 00 01 62 61 64`); // then it, alone
      setup.publish(`g${n + 1}`, 2);
      expect(setup.take()).toBe("");
      setup.link.end();
      expect(setup.settled).toHaveLength(n + 1);
      setup.reconnect();
      expect(setup.take()).toBe("3c 08 00 01 61 00 01 62 61 64"); // and as the first
      setup.link.end();
      setup.reconnect();
    }
    setup.take();
    setup.link.give("50 02 00 07 70 02 00 07");
    expect(setup.settled.slice(-2)).toEqual(["0 deadLetter", "6 delivered"]);
    expect(setup.take()).toBe("62 02 00 07 62 02 00 01"); // the server forgets the id, in case it had it: it is sent again
    expect(setup.client.status()).toMatchObject({ deadLetters: 1, delivered: 6, refusal: undefined });
  });

  test("two at once: the server forgets the ids of both, in case it had them", () => {
    const released: number[] = [];
    const setup = new Setup({ deadLetterAfter: 2 });
    const server = new UnwillingServer(setup, {
      session: "kept",
      answer: ({ kind, id, payload }) => {
        if (kind === "pubrel") released.push(id);
        return payload.startsWith("bad") ? "close" : "acknowledge";
      },
    });
    setup.publish("bad0", 2);
    setup.publish("bad1", 2);
    server.run(1_800, (second) => {
      if (second % 10 === 0) setup.publish(`good${second}`, 2);
    });
    expect(setup.client.status().deadLetters).toBe(2);
    expect([released.includes(1), released.includes(2)]).toEqual([true, true]);
  });

  test("the same with a new client for each connection, as after a sleep, which gets the knowledge of the previous one", () => {
    const outcomes: string[] = [];
    let setup = new Setup({ deadLetterAfter: 5 });
    setup.publish("bad", 2);
    let perhapsSent = 0;
    const connections = (limit: number): number => {
      for (let n = 1; n <= limit; n++) {
        setup.publish(`g${n}`, 2);
        setup.connect(n === 1 && perhapsSent === 0 ? undefined : CONNACK_PRESENT);
        // All that comes but the bad one is taken, one after the other.
        for (let sent = setup.take(); sent !== ""; sent = setup.take()) {
          if (sent.includes("61 00 01 62")) {
            setup.link.end();
            break;
          }
          const ids = [...sent.matchAll(/3[4c] [0-9a-f]{2} 00 01 61 ([0-9a-f]{2} [0-9a-f]{2})/g)].map(([, id]) => id);
          for (const id of ids) setup.link.give(`50 02 ${id} 70 02 ${id}`);
        }
        outcomes.push(...setup.settled);
        if (outcomes.includes("0 deadLetter")) return n;
        setup.client.close();
        const { learned } = setup.client;
        perhapsSent = 16;
        setup = new Setup({ deadLetterAfter: 5, learned, perhapsSent }, { store: setup.store, time: setup.time });
      }
      return limit;
    };
    expect(connections(60)).toBeLessThan(30);
    expect(outcomes.filter((outcome) => outcome.endsWith("deadLetter"))).toEqual(["0 deadLetter"]);
  });

  test("with nothing else to send there is no proof, and it stays", () => {
    const setup = new Setup();
    setup.publish("bad");
    setup.connect();
    breakOn(setup, 60);
    setup.link.give("d0 00");
    expect(setup.settled).toEqual([]);
    expect(setup.client.status().refusal).toEqual({ scope: "all", by: "closing", sequence: 0 });
    setup.link.give("40 02 00 01");
    expect(setup.client.status().refusal).toBeUndefined();
  });

  test("a flaky network costs no reading: 200 links lost, refusals, silent servers, resets", () => {
    const setup = new Setup({ keepAlive: 10, pingTimeoutMs: 5_000, connectTimeoutMs: 5_000 });
    setup.publish("bad");
    setup.connect();
    for (let n = 0; n < 200; n++) {
      switch (n % 4) {
        case 0:
          setup.client.linkDown();
          setup.client.linkUp();
          break;
        case 1:
          setup.time.advance(30_000); // half-open: ping timeout
          break;
        case 2:
          setup.link.end();
          break;
        default:
          setup.publish("other");
          setup.link.give("40 02 00 01".replace("01", "02")); // heard on this connection, then it breaks
          setup.link.end();
      }
      if (setup.link.isClosed) setup.reconnect();
      else setup.connect(CONNACK_PRESENT);
    }
    expect(setup.settled.filter((line) => line.endsWith("deadLetter"))).toEqual([]);
    expect(setup.client.status().deadLetters).toBe(0);
  });

  test("an entry that a working server never acknowledges: stuck, reconnected, and kept", () => {
    const setup = new Setup({ keepAlive: 10, deadLetterAfter: 2 });
    setup.publish("bad");
    setup.connect();
    const pingsUntilClosed = () => {
      let pings = 0;
      while (!setup.link.isClosed && pings < 50) {
        setup.time.advance(1_000);
        if (!setup.link.isClosed && setup.take().includes("c0 00")) {
          pings++;
          setup.link.give("d0 00");
        }
      }
      return pings;
    };
    expect(pingsUntilClosed()).toBe(4);
    expect(setup.errors).toMatchObject([{ kind: "timeout", message: "no acknowledgement" }]);
    for (let n = 0; n < 5; n++) {
      setup.reconnect();
      pingsUntilClosed();
    }
    expect(setup.settled).toEqual([]);
    expect(setup.client.status().refusal).toEqual({ scope: "all", by: "silence", sequence: 0 });
  });

  test("unexpected PINGRESPs prove nothing", () => {
    const setup = new Setup();
    setup.publish("bad");
    setup.connect();
    for (let n = 0; n < 10; n++) setup.link.give("d0 00");
    expect(setup.link.isClosed).toBe(false);
  });

  test("strikes are for one entry in a row: an acknowledgement in between restarts the count", () => {
    const setup = new Setup({ deadLetterAfter: 3 });
    setup.publish("bad");
    setup.publish("two");
    setup.connect();
    breakOn(setup, 2);
    setup.link.give("40 02 00 02");
    setup.link.end();
    setup.reconnect();
    breakOn(setup, 2);
    expect(setup.take()).toContain("61 00 01 62");
    expect(setup.client.status().deadLetters).toBe(0);
  });

  test("the owner closes the client when one is reported: nothing more is read from the store, nothing is sent", () => {
    const setup: Setup = new Setup({
      render: (entry) => (entry.sequence === 0 ? undefined : entry),
      onSettled: () => setup.client.close(),
    });
    setup.connect();
    setup.store.append("a", Buffer.from("bad"), 1);
    setup.store.append("a", Buffer.from("good"), 1);
    setup.client.wake();
    expect([setup.take(), setup.link.isClosed, setup.client.status().inFlight]).toEqual(["", true, 0]);
    expect(setup.open().slice(0, 2)).toBe("10"); // and nothing is left over for the next connection
    setup.link.give(CONNACK_PRESENT);
    expect(setup.take()).toBe("32 09 00 01 61 00 02 67 6f 6f 64");
  });

  test("the owner closes the client when a filter is granted: that proves nothing about the next connection", () => {
    const setup: Setup = new Setup({ deadLetterAfter: 1, onSubscribed: () => setup.client.close() });
    setup.client.subscribe("s", 1);
    setup.connect();
    setup.link.give("90 03 f0 01 01");
    setup.publish("bad");
    setup.connect(CONNACK_PRESENT);
    setup.publish("good");
    breakOn(setup, 1);
    expect(setup.take()).toBe("32 09 00 01 61 00 02 67 6f 6f 64".replace("32", "3a")); // the first is held back
    expect(setup.client.status().refusal).toMatchObject({ scope: "all", by: "closing" });
  });

  test("a topic longer than the buffer can never be sent: a dead letter at once, the rest is sent", () => {
    const setup = new Setup({ bufferLength: 64 });
    setup.store.append("t".repeat(80), Buffer.from("x"), 1);
    setup.publish("good");
    setup.connect();
    expect(setup.settled).toEqual(["0 deadLetter"]);
    expect(setup.take()).toBe("32 09 00 01 61 00 02 67 6f 6f 64");
  });
});
