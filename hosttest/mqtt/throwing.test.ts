/*
 * Owners, stores and sockets that throw: no exception leaves the client, in callbacks or in calls of its owner, and what
 * is reported afterwards is true.
 */
import { describe, expect, test } from "vitest";
import type { ClientState, MQTTError } from "../../src/mqtt/client.js";
import { Setup } from "./support/setup.js";
import { answer5, connack5, setup5 } from "./support/setup5.js";

const fails = (): never => {
  throw new Error("mine");
};

/** How a connection ends while an entry is in flight. */
const ENDS: Readonly<Record<string, (setup: Setup) => void>> = {
  "closed by the server": ({ link }) => link.end(),
  "a packet that is none": ({ link }) => link.give("00 00"),
  "PINGRESP overdue": ({ time, link }) => time.runUntil(() => link.isClosed, 600_000),
  "a store that throws when PUBACK comes": ({ store, link }) => {
    store.settle = fails;
    link.give("40 02 00 01");
  },
  "a store that throws in wake": ({ store, client }) => {
    store.seek = fails;
    client.wake();
  },
  "a socket that throws in publish": ({ link, client }) => {
    link.write = fails;
    client.publish("b", new Uint8Array(1), { qos: 1 });
  },
};

describe("an owner who throws", () => {
  test.each(Object.entries(ENDS))("in onError, or in onState of the end: %s", (_name, end) => {
    for (const callback of ["onError", "onState"] as const) {
      const setup: Setup = new Setup({
        [callback]: () => {
          if (setup.client.status().state === "waiting") throw new Error("mine");
        },
      });
      setup.connect();
      setup.publish("x");
      const { link } = setup;
      end(setup);
      expect([link.isClosed, setup.client.status().lastError === undefined], callback).toEqual([true, false]);
      setup.time.runUntil(() => setup.peer.links.length > 1, 600_000);
      expect(setup.client.status().state).toBe("connecting");
    }
  });

  test("in onState of all but connected: onError reports it, and everything continues", () => {
    const reports: string[] = [];
    const setup = new Setup({
      onState: (state) => {
        if (state !== "connected") throw new Error(state);
      },
      onError: ({ kind, message }) => reports.push(`${kind} ${message}`),
    });
    setup.connect();
    setup.link.end();
    setup.reconnect();
    setup.client.linkDown();
    setup.client.linkUp();
    setup.connect();
    setup.client.close();
    const [connecting, waiting] = ["application connecting", "application waiting"];
    expect(reports.slice(0, 3)).toEqual([connecting, waiting, "closed closed by the server"]);
    expect(reports.slice(3)).toEqual([connecting, waiting, connecting, "application stopped"]);
    expect(setup.client.status()).toMatchObject({ state: "stopped", lastError: { kind: "closed" } });
  });

  test("in onState of connected: that connection ends, like any with a callback that throws", () => {
    const setup = new Setup({ onState: (state) => state === "connected" && fails() });
    setup.connect();
    expect(setup.link.isClosed).toBe(true);
    expect(setup.errors).toMatchObject([{ kind: "application", message: "mine" }]);
    expect(setup.client.status().state).toBe("waiting");
  });

  test("in whenDone: it is not reported, stopped or not", () => {
    const setup = new Setup();
    setup.client.stop(fails);
    setup.connect();
    setup.client.stop(fails);
    expect([setup.client.status().state, setup.errors]).toEqual(["stopped", []]);
  });

  test("in onSubscribed, of a filter that is dropped with the connection: it is removed all the same", () => {
    const setup = new Setup({ deadLetterAfter: 1, onSubscribed: fails });
    setup.connect();
    setup.client.subscribe("a", 1);
    setup.link.end();
    setup.publish("x");
    expect([setup.peer.links[0].isClosed, setup.errors.length]).toEqual([true, 1]);
    expect(setup.client.status()).toMatchObject({ state: "waiting", inFlight: 0, dropped: 1 });
    setup.reconnect();
    expect(setup.take()).toBe("32 06 00 01 61 00 01 78");
  });

  test("in render, after close and start: the new connection is not blamed", () => {
    const setup: Setup = new Setup({
      render: () => {
        setup.client.close();
        setup.client.start();
        throw new Error("mine");
      },
    });
    setup.connect();
    setup.publish("x");
    expect(setup.errors).toEqual([]);
    expect([setup.client.status().state, setup.peer.links.length, setup.link.isClosed]).toEqual([
      "connecting",
      2,
      false,
    ]);
  });
});

describe("a store that throws", () => {
  test("when an entry that is not allowed is sent again, after a minute: the connection ends, as with any exception", () => {
    const setup = setup5({ version: 5, keepAlive: 0 });
    setup.connect(connack5());
    setup.publish("x");
    setup.link.give(answer5(4, 1, 0x87));
    setup.store.seek = fails;
    setup.time.runUntil(() => setup.link.isClosed, 70_000);
    expect([setup.link.isClosed, setup.errors]).toMatchObject([true, [{ kind: "application", message: "mine" }]]);
  });

  test("at the end of a connection that began with an entry that is held back: this end counts for nothing", () => {
    const setup = new Setup({ deadLetterAfter: 1 });
    setup.publish("bad");
    setup.connect();
    setup.link.end(); // held back from now on
    setup.publish("good");
    setup.reconnect();
    setup.link.give("40 02 00 02");
    setup.link.end();
    setup.reconnect();
    expect(setup.take()).toBe("3a 08 00 01 61 00 01 62 61 64");
    const { seek } = setup.store;
    setup.store.seek = fails;
    setup.link.end();
    setup.store.seek = seek;
    expect([setup.client.status().state, setup.client.status().inFlight]).toEqual(["waiting", 0]);
    setup.publish("another");
    setup.reconnect();
    expect(setup.take()).toBe("3a 08 00 01 61 00 01 62 61 64"); // as the first again
    setup.link.give("40 02 00 01");
    expect(setup.settled).toEqual(["1 delivered", "0 delivered"]);
  });
});

describe("publish at QoS 0", () => {
  const message = { topic: Uint8Array.of(98), payload: new Uint8Array(1), payloadLength: 1, retain: false };

  test("on a socket that throws: false, because it was not sent", () => {
    const ways: readonly ((setup: Setup) => boolean)[] = [
      ({ client }) => client.publish("b", new Uint8Array(1), { qos: 0 }),
      ({ client }) => client.publishNow(message),
    ];
    for (const publish of ways) {
      const setup = new Setup();
      setup.connect();
      expect([publish(setup), setup.take()]).toEqual([true, "30 04 00 01 62 00"]);
      setup.link.write = fails;
      expect([publish(setup), setup.client.status().state]).toEqual([false, "waiting"]);
    }
  });
});

describe("a DISCONNECT that cannot be sent", () => {
  /** An owner who stops, on a socket that accepts no DISCONNECT; `onError` is its reaction to the report. */
  function leaving(onError: (setup: Setup, reports: string[]) => void): { setup: Setup; reports: string[] } {
    const reports: string[] = [];
    const setup: Setup = new Setup({
      onState: (state: ClientState) => reports.push(state),
      onError: ({ message }: MQTTError) => {
        reports.push(message);
        onError(setup, reports);
      },
    });
    setup.connect(undefined, 14 + "t1".length); // CONNECT fits, DISCONNECT does not
    reports.length = 0;
    setup.client.stop(() => reports.push("done"));
    setup.time.advance(2_000);
    return { setup, reports };
  }

  test("onError comes before whenDone, and nothing after it", () => {
    const { setup, reports } = leaving(() => {});
    setup.time.advance(600_000);
    expect(reports).toEqual(["stopped", "DISCONNECT not sent", "done"]);
  });

  test("stop in onError: each whenDone is called once; start: the new connection stays", () => {
    const stopping = leaving(({ client }, reports) => client.stop(() => reports.push("second")));
    expect(stopping.reports).toEqual(["stopped", "DISCONNECT not sent", "second", "done"]);
    const starting = leaving(({ client }) => client.start());
    expect(starting.reports).toEqual(["stopped", "DISCONNECT not sent", "connecting", "done"]);
    expect([starting.setup.peer.links.length, starting.setup.link.isClosed]).toEqual([2, false]);
  });
});
