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
import { CONNACK_NEW, CONNACK_PRESENT, Setup } from "../support/setup.js";
import { answer5, connack5, setup5 } from "../support/setup5.js";

const MARK = "s";
const PRESENT5 = connack5({}, { present: true });
// In version 5 with Retain Handling 1: retained messages for a new subscription only.
const SUBSCRIBE_A = "82 07 f0 01 00 00 01 61 11";
const SUBSCRIBE_MARK = "00 00 01 73 10";

/** A CONNECT is sent, and the connection ends before the CONNACK. */
function loseConnack(setup: Setup): void {
  const before = setup.peer.links.length;
  setup.time.runUntil(() => setup.peer.links.length > before, 600_000);
  setup.open();
  setup.link.end();
}

/** The packet id in the first UNSUBSCRIBE or SUBSCRIBE of one filter of one character. */
function idIn(sent: string, first: "82" | "a2"): string {
  const found = new RegExp(`${first} 0[67] (f0 ..) 00 00 01 73`).exec(sent);
  if (!found) throw new Error(`no ${first} for ${MARK} in ${sent}`);
  return found[1];
}

/** Connected in version 5, with the mark granted, and one entry of QoS 2 released: PUBREC has come, PUBCOMP has not. */
function released(options: Parameters<typeof setup5>[0] = {}): Setup {
  const setup = setup5({ sessionFilter: MARK, keepAlive: 10, ...options });
  setup.client.subscribe(MARK, 0);
  setup.connect(connack5());
  setup.link.give(`90 04 ${idIn(setup.take(), "82")} 00 00`);
  setup.publish("x", 2);
  setup.take();
  setup.link.give(answer5(5, 1, 0));
  expect(setup.take()).toBe("62 02 00 01");
  setup.link.end();
  return setup;
}

/** `released`, then a CONNACK is lost, and the next one says that the session is present. */
function doubtful(options: Parameters<typeof setup5>[0] = {}, connack = PRESENT5): Setup {
  const setup = released(options);
  loseConnack(setup);
  setup.reconnect(connack);
  return setup;
}

describe("subscriptions", () => {
  test.each([
    ["3.1.1", () => new Setup(), CONNACK_NEW, CONNACK_PRESENT, "82 06 f0 01 00 01 61 01", "90 03 f0 01 01"],
    ["5", () => setup5(), connack5(), PRESENT5, SUBSCRIBE_A, "90 04 f0 01 00 01"],
  ] as const)("version %s: made again after a CONNECT without an answer, though the session is present", (...given) => {
    const [, make, isNew, isPresent, subscribe, granted] = given;
    const setup = make();
    setup.client.subscribe("a", 1);
    setup.connect(isNew);
    expect(setup.take()).toBe(subscribe);
    setup.link.give(granted);
    setup.link.end();
    loseConnack(setup);
    setup.reconnect(isPresent);
    expect(setup.take()).toBe(subscribe);
    setup.link.give(granted);
    setup.link.end();
    setup.reconnect(isPresent);
    expect(setup.take(), "the doubt is over").toBe("");
  });

  test("not made again if the server has refused the CONNECT, or if it never left", () => {
    const setup = new Setup();
    setup.client.subscribe("a", 1);
    setup.connect();
    setup.take();
    setup.link.give("90 03 f0 01 01");
    setup.link.end();
    setup.reconnect("20 02 00 03"); // server unavailable
    setup.link.end();
    const before = setup.peer.links.length;
    setup.time.runUntil(() => setup.peer.links.length > before, 600_000);
    setup.link.end(); // no TCP connection
    setup.reconnect(CONNACK_PRESENT);
    expect(setup.take()).toBe("");
  });
});

describe("entries of QoS 2 that the server had received", () => {
  test("wait for UNSUBACK; if the session has the mark, only PUBREL is sent", () => {
    const setup = doubtful();
    const id = idIn(setup.take(), "a2");
    setup.link.give(`b0 04 ${id} 00 00`);
    const sent = setup.take();
    expect(sent).toContain("62 02 00 01");
    expect(sent, "the mark is set again").toContain(SUBSCRIBE_MARK);
    expect(sent).not.toContain("78");
    expect(setup.client.status().possibleDoubles).toBe(0);
    expect(setup.sessions.map(({ present }) => present)).toEqual([false, true]);
  });

  test("if the session does not have the mark, it is another one: all are sent as new, and counted", () => {
    const setup = doubtful();
    const first = setup.take();
    expect(first, "no PUBREL, no PUBLISH").toMatch(/^a2 06 f0 .. 00 00 01 73$/);
    setup.link.give(`b0 04 ${idIn(first, "a2")} 00 11`);
    const sent = setup.take();
    expect(sent).toContain("34 07 00 01 61 00 01 00 78");
    expect(sent).not.toContain("62 02 00 01");
    expect(sent).toContain(SUBSCRIBE_MARK);
    expect(setup.client.status().possibleDoubles).toBe(1);
    expect(setup.sessions.at(-1)).toEqual({ present: false, wiped: false, possibleDoubles: 1, reach: 8 });
    // The new session is marked, too.
    setup.link.give(`90 04 ${idIn(sent, "82")} 00 00`);
    setup.link.end();
    loseConnack(setup);
    setup.reconnect(PRESENT5);
    expect(setup.take()).toMatch(/^a2 06 f0 .. 00 00 01 73$/);
  });

  test("the connection ends before UNSUBACK: the mark may be gone, so nothing is concluded from it, and it is set again", () => {
    const setup = doubtful();
    setup.take();
    setup.link.end();
    loseConnack(setup);
    setup.reconnect(PRESENT5);
    const sent = setup.take();
    expect(sent).not.toContain("a2 06");
    expect(sent).toContain("62 02 00 01");
    setup.link.give(`90 04 ${idIn(sent, "82")} 00 00`);
    setup.link.end();
    loseConnack(setup);
    setup.reconnect(PRESENT5);
    expect(setup.take()).toMatch(/^a2 06/);
  });

  test("a server that does not answer UNSUBSCRIBE delays them until a ping is answered", () => {
    const setup = doubtful();
    setup.take();
    setup.time.runUntil(() => setup.take().includes("c0 00"), 60_000);
    setup.link.give("d0 00");
    const sent = setup.take();
    expect(sent).toContain("62 02 00 01");
    setup.link.give(`90 04 ${idIn(sent, "82")} 00 00`);
    setup.link.end();
    loseConnack(setup);
    setup.reconnect(PRESENT5);
    expect(setup.take(), "the session is marked again").toMatch(/^a2 06/);
  });

  test("such a server is pinged even if both ends are busy", () => {
    const setup = doubtful();
    setup.take();
    let sent = "";
    for (let second = 0; second < 30; second++) {
      setup.client.publish("q", Buffer.from("0"), { qos: 0 });
      setup.link.give("30 05 00 01 61 00 30");
      setup.time.advance(1_000);
      sent += setup.take();
    }
    expect(sent).toContain("c0 00");
  });

  test("are asked for before all other requests: another session then sends nothing before its answer", () => {
    const setup = released();
    setup.client.subscribe("a", 1);
    loseConnack(setup);
    setup.reconnect(PRESENT5);
    expect(setup.take()).toMatch(/^a2 06 f0 .. 00 00 01 73 82 07 /);
  });

  test("requests for the mark in the middle of a check have no effect: it is subscribed to afterwards", () => {
    for (const request of ["subscribe", "unsubscribe", "forget"] as const) {
      let isArmed = false;
      const setup: Setup = released({
        onState: (state) => isArmed && state === "connected" && setup.client[request](MARK, 0),
      });
      isArmed = true;
      loseConnack(setup);
      setup.reconnect(PRESENT5);
      const first = setup.take();
      expect(first, request).toMatch(/^a2 06 f0 .. 00 00 01 73$/);
      setup.link.give(`b0 04 ${idIn(first, "a2")} 00 11`);
      expect(setup.take(), request).toContain("34 07 00 01 61 00 01 00 78");
    }
  });

  test("the server's Maximum Packet Size is below the request: no check, and the connection's end has its usual effect", () => {
    const setup = doubtful({}, connack5({ maxPacketBytes: 7 }, { present: true }));
    expect(setup.take()).toBe("62 02 00 01");
    setup.link.end();
    expect(setup.client.status().state).toBe("waiting");
    setup.reconnect(PRESENT5);
    expect(setup.take()).toContain("62 02 00 01");
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
    ["3.1.1", () => new Setup(), CONNACK_NEW, CONNACK_PRESENT, "50 02 00 01", "34 06 00 01 61 00 01 78"],
    ["5", () => setup5(), connack5(), PRESENT5, answer5(5, 1, 0), "34 07 00 01 61 00 01 00 78"],
  ] as const)(
    "%s: a wipe, then a lost CONNACK: the session is one that was begun after the wipe, all are sent as new",
    (...given) => {
      const [, make, isNew, isPresent, pubrec, publish] = given;
      const setup = make();
      setup.connect(isNew);
      setup.publish("x", 2);
      setup.link.give(pubrec);
      setup.client.wipe();
      setup.open();
      setup.link.give(isNew); // the wipe
      setup.open();
      setup.link.end(); // its CONNACK is lost
      setup.reconnect(isPresent);
      expect(setup.take()).toBe(publish);
      expect(setup.sessions.at(-1)).toEqual({ present: false, wiped: true, possibleDoubles: 1, reach: 8 });
    },
  );

  test.each([
    ["the server has not granted it", "87"],
    ["the server has not answered yet", undefined],
  ])("no check: %s", (_why, code) => {
    const setup = setup5({ sessionFilter: MARK });
    setup.client.subscribe(MARK, 0);
    setup.connect(connack5());
    const id = idIn(setup.take(), "82");
    if (code) setup.link.give(`90 04 ${id} 00 ${code}`);
    setup.link.end();
    loseConnack(setup);
    setup.reconnect(PRESENT5);
    expect(setup.take()).not.toContain("a2 06");
  });

  test("no check without the option, after the owner has removed the mark, without a doubt, or in a new session", () => {
    const sentIn = (setup: Setup, connack: string, isDoubtful: boolean): string => {
      setup.link.end();
      if (isDoubtful) loseConnack(setup);
      setup.reconnect(connack);
      return setup.take();
    };
    const marked = (options = {}): Setup => {
      const setup = setup5({ sessionFilter: MARK, ...options });
      setup.client.subscribe(MARK, 0);
      setup.connect(connack5());
      setup.link.give(`90 04 ${idIn(setup.take(), "82")} 00 00`);
      return setup;
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
