/*
 * A CONNECT without an answer may have begun a new session, which the next CONNACK reports as present. Subscriptions are made
 * again; in version 5 the filter that marks the session shows whether it is the one that the client knows.
 */
import { describe, expect, test } from "vitest";
import { Requests } from "../../../src/mqtt/delivery/requests.js";
import { version5 } from "../../../src/mqtt/v5/version5.js";
import type { Protocol } from "../../../src/mqtt/wire/protocol.js";
import type { Transmit } from "../../../src/mqtt/wire/transmit.js";
import { version4 } from "../../../src/mqtt/wire/version4.js";
import { CONNACK_NEW, CONNACK_PRESENT, World } from "../support/world.js";
import { answer5, connack5, world5 } from "../support/world5.js";

const MARK = "s";
const PRESENT5 = connack5({}, { present: true });
// In version 5 with Retain Handling 1: retained messages for a new subscription only.
const SUBSCRIBE_A = "82 07 f0 01 00 00 01 61 11";
const SUBSCRIBE_MARK = "00 00 01 73 10";

/** A CONNECT is sent, and the connection ends before the CONNACK. */
function loseConnack(world: World): void {
  const before = world.peer.links.length;
  world.time.runUntil(() => world.peer.links.length > before, 600_000);
  world.open();
  world.link.end();
}

/** The packet id in the first UNSUBSCRIBE or SUBSCRIBE of one filter of one character. */
function idIn(sent: string, first: "82" | "a2"): string {
  const found = new RegExp(`${first} 0[67] (f0 ..) 00 00 01 73`).exec(sent);
  if (!found) throw new Error(`no ${first} for ${MARK} in ${sent}`);
  return found[1];
}

/** Connected in version 5, with the mark granted, and one entry of QoS 2 released: PUBREC has come, PUBCOMP has not. */
function released(options: Parameters<typeof world5>[0] = {}): World {
  const world = world5({ sessionFilter: MARK, keepAlive: 10, ...options });
  world.client.subscribe(MARK, 0);
  world.connect(connack5());
  world.link.give(`90 04 ${idIn(world.take(), "82")} 00 00`);
  world.publish("x", 2);
  world.take();
  world.link.give(answer5(5, 1, 0));
  expect(world.take()).toBe("62 02 00 01");
  world.link.end();
  return world;
}

/** `released`, then a CONNACK is lost, and the next one says that the session is present. */
function doubtful(options: Parameters<typeof world5>[0] = {}, connack = PRESENT5): World {
  const world = released(options);
  loseConnack(world);
  world.reconnect(connack);
  return world;
}

describe("subscriptions", () => {
  test.each([
    ["3.1.1", () => new World(), CONNACK_NEW, CONNACK_PRESENT, "82 06 f0 01 00 01 61 01", "90 03 f0 01 01"],
    ["5", () => world5(), connack5(), PRESENT5, SUBSCRIBE_A, "90 04 f0 01 00 01"],
  ] as const)("version %s: made again after a CONNECT without an answer, though the session is present", (...given) => {
    const [, make, isNew, isPresent, subscribe, granted] = given;
    const world = make();
    world.client.subscribe("a", 1);
    world.connect(isNew);
    expect(world.take()).toBe(subscribe);
    world.link.give(granted);
    world.link.end();
    loseConnack(world);
    world.reconnect(isPresent);
    expect(world.take()).toBe(subscribe);
    world.link.give(granted);
    world.link.end();
    world.reconnect(isPresent);
    expect(world.take(), "the doubt is over").toBe("");
  });

  test("not made again if the server has refused the CONNECT, or if it never left", () => {
    const world = new World();
    world.client.subscribe("a", 1);
    world.connect();
    world.take();
    world.link.give("90 03 f0 01 01");
    world.link.end();
    world.reconnect("20 02 00 03"); // server unavailable
    world.link.end();
    const before = world.peer.links.length;
    world.time.runUntil(() => world.peer.links.length > before, 600_000);
    world.link.end(); // no TCP connection
    world.reconnect(CONNACK_PRESENT);
    expect(world.take()).toBe("");
  });
});

describe("entries of QoS 2 that the server had received", () => {
  test("wait for UNSUBACK; if the session has the mark, only PUBREL is sent", () => {
    const world = doubtful();
    const id = idIn(world.take(), "a2");
    world.link.give(`b0 04 ${id} 00 00`);
    const sent = world.take();
    expect(sent).toContain("62 02 00 01");
    expect(sent, "the mark is set again").toContain(SUBSCRIBE_MARK);
    expect(sent).not.toContain("78");
    expect(world.client.status().possibleDoubles).toBe(0);
    expect(world.sessions.map(({ present }) => present)).toEqual([false, true]);
  });

  test("if the session does not have the mark, it is another one: all are sent as new, and counted", () => {
    const world = doubtful();
    const first = world.take();
    expect(first, "no PUBREL, no PUBLISH").toMatch(/^a2 06 f0 .. 00 00 01 73$/);
    world.link.give(`b0 04 ${idIn(first, "a2")} 00 11`);
    const sent = world.take();
    expect(sent).toContain("34 07 00 01 61 00 01 00 78");
    expect(sent).not.toContain("62 02 00 01");
    expect(sent).toContain(SUBSCRIBE_MARK);
    expect(world.client.status().possibleDoubles).toBe(1);
    expect(world.sessions.at(-1)).toEqual({ present: false, wiped: false, possibleDoubles: 1, reach: 8 });
    // The new session is marked, too.
    world.link.give(`90 04 ${idIn(sent, "82")} 00 00`);
    world.link.end();
    loseConnack(world);
    world.reconnect(PRESENT5);
    expect(world.take()).toMatch(/^a2 06 f0 .. 00 00 01 73$/);
  });

  test("the connection ends before UNSUBACK: the mark may be gone, so nothing is concluded from it, and it is set again", () => {
    const world = doubtful();
    world.take();
    world.link.end();
    loseConnack(world);
    world.reconnect(PRESENT5);
    const sent = world.take();
    expect(sent).not.toContain("a2 06");
    expect(sent).toContain("62 02 00 01");
    world.link.give(`90 04 ${idIn(sent, "82")} 00 00`);
    world.link.end();
    loseConnack(world);
    world.reconnect(PRESENT5);
    expect(world.take()).toMatch(/^a2 06/);
  });

  test("a server that does not answer UNSUBSCRIBE delays them until a ping is answered", () => {
    const world = doubtful();
    world.take();
    world.time.runUntil(() => world.take().includes("c0 00"), 60_000);
    world.link.give("d0 00");
    const sent = world.take();
    expect(sent).toContain("62 02 00 01");
    world.link.give(`90 04 ${idIn(sent, "82")} 00 00`);
    world.link.end();
    loseConnack(world);
    world.reconnect(PRESENT5);
    expect(world.take(), "the session is marked again").toMatch(/^a2 06/);
  });

  test("such a server is pinged even if both ends are busy", () => {
    const world = doubtful();
    world.take();
    let sent = "";
    for (let second = 0; second < 30; second++) {
      world.client.publish("q", Buffer.from("0"), { qos: 0 });
      world.link.give("30 05 00 01 61 00 30");
      world.time.advance(1_000);
      sent += world.take();
    }
    expect(sent).toContain("c0 00");
  });

  test("are asked for before all other requests: another session then sends nothing before its answer", () => {
    const world = released();
    world.client.subscribe("a", 1);
    loseConnack(world);
    world.reconnect(PRESENT5);
    expect(world.take()).toMatch(/^a2 06 f0 .. 00 00 01 73 82 07 /);
  });

  test("requests for the mark in the middle of a check have no effect: it is subscribed to afterwards", () => {
    for (const request of ["subscribe", "unsubscribe", "forget"] as const) {
      let isArmed = false;
      const world: World = released({
        onState: (state) => isArmed && state === "connected" && world.client[request](MARK, 0),
      });
      isArmed = true;
      loseConnack(world);
      world.reconnect(PRESENT5);
      const first = world.take();
      expect(first, request).toMatch(/^a2 06 f0 .. 00 00 01 73$/);
      world.link.give(`b0 04 ${idIn(first, "a2")} 00 11`);
      expect(world.take(), request).toContain("34 07 00 01 61 00 01 00 78");
    }
  });

  test("the server's Maximum Packet Size is below the request: no check, and the connection's end has its usual effect", () => {
    const world = doubtful({}, connack5({ maxPacketBytes: 7 }, { present: true }));
    expect(world.take()).toBe("62 02 00 01");
    world.link.end();
    expect(world.client.status().state).toBe("waiting");
    world.reconnect(PRESENT5);
    expect(world.take()).toContain("62 02 00 01");
  });

  test("a session that 3.1.1 found in doubt counts as marked only after its SUBACK", () => {
    const requests = new Requests({ sessionFilter: MARK }, version5);
    let sent: Uint8Array[] = [];
    const out = { packet: (bytes: Uint8Array) => sent.push(bytes.slice()), drain: () => true } as unknown as Transmit;
    const begin = (protocol: Protocol): number[] => {
      sent = [];
      requests.open(protocol);
      requests.doubt();
      requests.fill(out, 10);
      return sent.map(([first]) => first);
    };
    requests.ask(MARK, 0);
    requests.fill(out, 10);
    requests.settle(61_441, 0);
    requests.close(true, 0, false);
    expect(begin(version4)).toEqual([0x82]);
    requests.close(true, 0, false);
    expect(begin(version5)).toEqual([0x82]);
    requests.settle(61_441, 0);
    requests.close(true, 0, false);
    expect(begin(version5)).toEqual([0xa2]);
  });

  test.each([
    ["3.1.1", () => new World(), CONNACK_NEW, CONNACK_PRESENT, "50 02 00 01", "34 06 00 01 61 00 01 78"],
    ["5", () => world5(), connack5(), PRESENT5, answer5(5, 1, 0), "34 07 00 01 61 00 01 00 78"],
  ] as const)(
    "%s: a wipe, then a lost CONNACK: the session is one that was begun after the wipe, all are sent as new",
    (...given) => {
      const [, make, isNew, isPresent, pubrec, publish] = given;
      const world = make();
      world.connect(isNew);
      world.publish("x", 2);
      world.link.give(pubrec);
      world.client.wipe();
      world.open();
      world.link.give(isNew); // the wipe
      world.open();
      world.link.end(); // its CONNACK is lost
      world.reconnect(isPresent);
      expect(world.take()).toBe(publish);
      expect(world.sessions.at(-1)).toEqual({ present: false, wiped: true, possibleDoubles: 1, reach: 8 });
    },
  );

  test.each([
    ["the server has not granted it", "87"],
    ["the server has not answered yet", undefined],
  ])("no check: %s", (_why, code) => {
    const world = world5({ sessionFilter: MARK });
    world.client.subscribe(MARK, 0);
    world.connect(connack5());
    const id = idIn(world.take(), "82");
    if (code) world.link.give(`90 04 ${id} 00 ${code}`);
    world.link.end();
    loseConnack(world);
    world.reconnect(PRESENT5);
    expect(world.take()).not.toContain("a2 06");
  });

  test("no check without the option, after the owner has removed the mark, without a doubt, or in a new session", () => {
    const sentIn = (world: World, connack: string, isDoubtful: boolean): string => {
      world.link.end();
      if (isDoubtful) loseConnack(world);
      world.reconnect(connack);
      return world.take();
    };
    const marked = (options = {}): World => {
      const world = world5({ sessionFilter: MARK, ...options });
      world.client.subscribe(MARK, 0);
      world.connect(connack5());
      world.link.give(`90 04 ${idIn(world.take(), "82")} 00 00`);
      return world;
    };
    expect(sentIn(marked(), PRESENT5, true)).toContain("a2 06"); // with all of it
    expect(sentIn(marked({ sessionFilter: undefined }), PRESENT5, true)).not.toContain("a2");
    expect(sentIn(marked(), PRESENT5, false)).toBe("");
    expect(sentIn(marked(), connack5(), true)).not.toContain("a2");
    const removed = marked();
    removed.client.forget(MARK);
    expect(sentIn(removed, PRESENT5, true)).toBe("");
  });
});
