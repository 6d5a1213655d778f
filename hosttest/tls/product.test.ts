/* How the thermometer handles the results of TLS: log, status, waiting for the clock, a slow handshake. On virtual time. */
import { describe, expect, test } from "vitest";
import { tlsRefusalText } from "../../src/thermometer/broker/tls-refusal.js";
import type { TLSFacts, TLSRefusal, TLSRefusalKind } from "../../src/tls/io.js";
import { SimulatedDevice } from "../support/device-board.js";
import { House, START_UTC_MS } from "../support/house.js";
import { type Ending, pretendedTLS } from "./support/pretended.js";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const PIN = "a1".repeat(32);

const FACTS: TLSFacts = {
  version: "TLSv1.3",
  cipher: "TLS_AES_128_GCM_SHA256",
  name: "broker.test",
  endsMs: START_UTC_MS + 300 * DAY,
  isResumed: false,
};

function device(ending: () => Ending, defaults: Record<string, string> = {}) {
  const house = new House();
  const names: string[] = [];
  const one = new SimulatedDevice({
    house,
    defaults: { "mqtt.tls": "on", interval: "60", ...defaults },
    tls: (tcp) =>
      pretendedTLS(tcp, (demand) => {
        names.push(demand.name);
        return ending();
      }),
  });
  one.powerOn();
  return { one, house, names, time: house.time };
}

describe("a connection over TLS", () => {
  test("status shows version, cipher, the certificate's name and last day; readings arrive; the port is that of TLS", () => {
    const { one, house, time, names } = device(() => FACTS);
    time.advance(5 * MINUTE);
    expect(one.status("broker")).toMatch(/^10\.0\.0\.1:8883: connected for /);
    expect(one.status("encryption")).toBe(
      'TLSv1.3, TLS_AES_128_GCM_SHA256, certificate "broker.test" until 2027-04-13',
    );
    expect(house.readings().length).toBeGreaterThan(2);
    expect(names[0]).toBe("10.0.0.1");
    expect(one.port.take()).not.toContain("certificate ends");
    house.network.resetAll();
    house.network.weather.refusing = true;
    time.advance(SECOND);
    expect(one.status("encryption")).toBeUndefined();
  });

  test("mqtt.name is the name that the certificate must have; mqtt.port replaces the default port", () => {
    const { one, time, names } = device(() => FACTS, { "mqtt.name": "broker.test", "mqtt.port": "1234" });
    time.advance(MINUTE);
    expect(new Set(names)).toEqual(new Set(["broker.test"]));
    expect(one.status("broker")).toContain("10.0.0.1:1234: connected");
  });

  test("the certificate's end is reported every day from 30 days before, and not earlier, on the same connection", () => {
    const { one, time, house } = device(() => ({ ...FACTS, endsMs: START_UTC_MS + 32.5 * DAY }), {
      "mqtt.keepalive": "60",
    });
    const warned = (): number => one.port.take().split("broker's certificate ends on 2026-07-19: renew it").length - 1;
    for (let days = 0; days < 3; days++) time.advance(DAY);
    expect(warned()).toBe(0); // 29.5 days are left
    for (let days = 0; days < 3; days++) time.advance(DAY);
    expect(warned()).toBe(3);
    expect(house.breaches).toEqual([]);
    expect(one.crashes).toEqual([]);
  });
});

describe("a connection that TLS refuses", () => {
  test("is reported once, with reason and remedy, is shown in status, and is tried again; readings are kept", () => {
    let ending: Ending = { kind: "expired", detail: "broker.test: May 1 2026" };
    const { one, house, time } = device(() => ending);
    time.advance(10 * MINUTE);
    const line =
      "TLS: its certificate has expired (broker.test: May 1 2026): renew it at the broker; if it is still valid, the clock is wrong: check ntp";
    expect(one.port.take().split(`warn: broker 10.0.0.1:8883: ${line}`)).toHaveLength(2);
    expect(one.status("broker")).toMatch(/tries again in .*; last failure: TLS: its certificate has expired/);
    expect(house.messages).toEqual([]);
    ending = FACTS;
    time.advance(5 * MINUTE);
    expect(house.readings()[0].seq).toBe(0);
  });

  test("a server that stalls is not an unreachable host", () => {
    const { one, time } = device(() => "never");
    time.advance(2 * MINUTE);
    expect(one.port.take()).toContain("TLS: the server accepted the connection, but does not continue the handshake");
  });

  test("if no host answers, TLS is not given as the reason, even after an earlier refusal by TLS", () => {
    const { one, house, time } = device(() => ({ kind: "wrongKey" }));
    time.advance(MINUTE);
    expect(one.status("broker")).toContain("last failure: TLS: its key is not the pinned one");
    house.network.weather.refusing = true;
    time.advance(5 * MINUTE);
    expect(one.status("broker")).not.toContain("TLS");
  });

  test("every reason has its own text; control characters from the certificate are not printed", () => {
    const kinds: Record<TLSRefusalKind, true> = {
      unknownCA: true,
      wrongName: true,
      expired: true,
      notYetValid: true,
      wrongUsage: true,
      noCA: true,
      wrongKey: true,
      weak: true,
      noCommon: true,
      noTLS: true,
      client: true,
      closed: true,
      broken: true,
      unusable: true,
      tooLarge: true,
      noMemory: true,
    };
    const texts = Object.keys(kinds).map((kind) => tlsRefusalText({ kind } as TLSRefusal, "broker.test"));
    expect(new Set(texts).size).toBe(texts.length);
    for (const text of texts) expect(text).toMatch(/^TLS: /);
    const { one, time } = device(() => ({ kind: "wrongName", detail: "DNS:\x1b[2Jevil\n" }));
    time.advance(MINUTE);
    const printed = one.port.take();
    expect(printed).toContain("evil");
    expect(printed).not.toContain("\x1b[2J");
  });
});

describe("before the clock is set", () => {
  test("no connection is opened, and the log shows the reason; when the clock is set, one is opened", () => {
    const { one, house, time, names } = device(() => FACTS);
    one.ntp.faults.silent = true;
    time.advance(10 * MINUTE);
    expect(names).toEqual([]);
    expect(one.port.take()).toContain(
      "warn: broker 10.0.0.1:8883: waits for the time, which TLS needs to check certificates: check ntp",
    );
    expect(one.status("broker")).toBe(
      "10.0.0.1:8883: waits for the time, which TLS needs to check certificates: check ntp",
    );
    delete one.ntp.faults.silent;
    time.advance(2 * HOUR);
    expect(one.status("broker")).toContain("connected");
    expect(house.readings().length).toBeGreaterThan(10);
  });

  test("with a pinned key, the device does not wait for the clock", () => {
    const { one, time, names } = device(() => FACTS, { "mqtt.fingerprint": PIN, ntp: "" });
    time.advance(5 * MINUTE);
    expect(names.length).toBeGreaterThan(0);
    expect(one.status("broker")).toContain("connected");
  });
});

test("during a handshake that does not end, the prompt answers, samples are taken, a full outbox evicts; what it kept arrives afterwards", () => {
  let ending: Ending = "never";
  const house = new House();
  const one = new SimulatedDevice({
    house,
    blocks: 4,
    defaults: { "mqtt.tls": "on", interval: "1" },
    tls: (tcp) => pretendedTLS(tcp, () => ending),
  });
  one.powerOn();
  house.time.advance(2 * HOUR);
  expect(one.status("uptime")).toContain("2 h");
  expect(one.status("broker")).toMatch(/TLS: the server accepted the connection, but does not continue|connecting/);
  const taken = one.taken.length;
  house.time.advance(MINUTE);
  expect(one.taken.length).toBeGreaterThan(taken + 50);
  expect(house.readings()).toEqual([]);
  ending = FACTS;
  house.time.advance(30 * MINUTE);
  const sequences = house.sequences();
  const first = Number(sequences[0]);
  expect(first).toBeGreaterThan(0);
  expect(sequences).toEqual(sequences.map((_, n) => first + n));
  expect(sequences.length).toBeGreaterThan(1_000);
  expect(one.crashes).toEqual([]);
});
