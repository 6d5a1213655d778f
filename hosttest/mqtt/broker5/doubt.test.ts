/*
 * A CONNECT without an answer may have begun a new session, which the next CONNACK reports as present. Subscriptions are made
 * again; in version 5 the filter that marks the session shows whether it is the one that the client knows.
 */
import { describe, expect, test } from "vitest";
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
function released(): World {
  const world = world5({ sessionFilter: MARK, keepAlive: 10 });
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
function doubtful(): World {
  const world = released();
  loseConnack(world);
  world.reconnect(PRESENT5);
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
    expect(world.sessions.at(-1)).toEqual({ present: false, wiped: false, possibleDoubles: 1 });
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
    expect(world.take()).toBe("62 02 00 01");
  });

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
