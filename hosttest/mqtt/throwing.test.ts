/*
 * Owners, stores and sockets that throw: no exception leaves the client, in callbacks or in calls of its owner, and what
 * is reported afterwards is true.
 */
import { describe, expect, test } from "vitest";
import type { ClientState, MQTTError } from "../../src/mqtt/client.js";
import { World } from "./support/world.js";

const fails = (): never => {
  throw new Error("mine");
};

/** The ways in which a connection ends that has an entry in flight. */
const ENDS: Readonly<Record<string, (world: World) => void>> = {
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
      const world: World = new World({
        [callback]: () => {
          if (world.client.status().state === "waiting") throw new Error("mine");
        },
      });
      world.connect();
      world.publish("x");
      const { link } = world;
      end(world);
      expect([link.isClosed, world.client.status().lastError === undefined], callback).toEqual([true, false]);
      world.time.runUntil(() => world.peer.links.length > 1, 600_000);
      expect(world.client.status().state).toBe("connecting");
    }
  });

  test("in onState of all but connected: onError reports it, and everything continues", () => {
    const reports: string[] = [];
    const world = new World({
      onState: (state) => {
        if (state !== "connected") throw new Error(state);
      },
      onError: ({ kind, message }) => reports.push(`${kind} ${message}`),
    });
    world.connect();
    world.link.end();
    world.reconnect();
    world.client.linkDown();
    world.client.linkUp();
    world.connect();
    world.client.close();
    const [connecting, waiting] = ["application connecting", "application waiting"];
    expect(reports.slice(0, 3)).toEqual([connecting, waiting, "closed closed by the server"]);
    expect(reports.slice(3)).toEqual([connecting, waiting, connecting, "application stopped"]);
    expect(world.client.status()).toMatchObject({ state: "stopped", lastError: { kind: "closed" } });
  });

  test("in onState of connected: that connection ends, like any with a callback that throws", () => {
    const world = new World({ onState: (state) => state === "connected" && fails() });
    world.connect();
    expect(world.link.isClosed).toBe(true);
    expect(world.errors).toMatchObject([{ kind: "application", message: "mine" }]);
    expect(world.client.status().state).toBe("waiting");
  });

  test("in whenDone: it is not reported, stopped or not", () => {
    const world = new World();
    world.client.stop(fails);
    world.connect();
    world.client.stop(fails);
    expect([world.client.status().state, world.errors]).toEqual(["stopped", []]);
  });

  test("in onSubscribed, of a filter that is dropped with the connection: it is removed all the same", () => {
    const world = new World({ deadLetterAfter: 1, onSubscribed: fails });
    world.connect();
    world.client.subscribe("a", 1);
    world.link.end();
    world.publish("x");
    expect([world.peer.links[0].isClosed, world.errors.length]).toEqual([true, 1]);
    expect(world.client.status()).toMatchObject({ state: "waiting", inFlight: 0, dropped: 1 });
    world.reconnect();
    expect(world.take()).toBe("32 06 00 01 61 00 01 78");
  });

  test("in render, after close and start: the new connection is not blamed", () => {
    const world: World = new World({
      render: () => {
        world.client.close();
        world.client.start();
        throw new Error("mine");
      },
    });
    world.connect();
    world.publish("x");
    expect(world.errors).toEqual([]);
    expect([world.client.status().state, world.peer.links.length, world.link.isClosed]).toEqual([
      "connecting",
      2,
      false,
    ]);
  });
});

describe("publish at QoS 0", () => {
  const message = { topic: Uint8Array.of(98), payload: new Uint8Array(1), payloadLength: 1, retain: false };

  test("on a socket that throws: false, because it was not sent", () => {
    const ways: readonly ((world: World) => boolean)[] = [
      ({ client }) => client.publish("b", new Uint8Array(1), { qos: 0 }),
      ({ client }) => client.publishNow(message),
    ];
    for (const publish of ways) {
      const world = new World();
      world.connect();
      expect([publish(world), world.take()]).toEqual([true, "30 04 00 01 62 00"]);
      world.link.write = fails;
      expect([publish(world), world.client.status().state]).toEqual([false, "waiting"]);
    }
  });
});

describe("a DISCONNECT that cannot be sent", () => {
  /** An owner who stops, on a socket that accepts no DISCONNECT; `onError` is its reaction to the report. */
  function leaving(onError: (world: World, reports: string[]) => void): { world: World; reports: string[] } {
    const reports: string[] = [];
    const world: World = new World({
      onState: (state: ClientState) => reports.push(state),
      onError: ({ message }: MQTTError) => {
        reports.push(message);
        onError(world, reports);
      },
    });
    world.connect(undefined, 14 + "t1".length); // CONNECT fits, DISCONNECT does not
    reports.length = 0;
    world.client.stop(() => reports.push("done"));
    world.time.advance(2_000);
    return { world, reports };
  }

  test("onError comes before whenDone, and nothing after it", () => {
    const { world, reports } = leaving(() => {});
    world.time.advance(600_000);
    expect(reports).toEqual(["stopped", "DISCONNECT not sent", "done"]);
  });

  test("stop in onError: each whenDone is called once; start: the new connection stays", () => {
    const stopping = leaving(({ client }, reports) => client.stop(() => reports.push("second")));
    expect(stopping.reports).toEqual(["stopped", "DISCONNECT not sent", "second", "done"]);
    const starting = leaving(({ client }) => client.start());
    expect(starting.reports).toEqual(["stopped", "DISCONNECT not sent", "connecting", "done"]);
    expect([starting.world.peer.links.length, starting.world.link.isClosed]).toEqual([2, false]);
  });
});
