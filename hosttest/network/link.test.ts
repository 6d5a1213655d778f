import { describe, expect, test } from "vitest";
import { type AccessPoint, WiFiLink } from "../../boards/parts/wifi-link.js";
import { JOIN_MS, LINK_STEPS, Link, type LinkOptions, SCAN_MS, SETTLE_MS, WATCH_MS } from "../../src/network/link.js";
import type { Network } from "../../src/network/survey.js";
import { VirtualTime } from "../support/virtual-time.js";

const HOME: AccessPoint = { ssid: "home", password: "correct horse", rssi: -60 };
const OPEN: AccessPoint = { ssid: "café", rssi: -80 };

/** A device, the air around it, and its log. `random` 0.999: every wait has its maximum. */
function world(options: Partial<LinkOptions> = {}, air: readonly AccessPoint[] = [HOME, OPEN]) {
  const time = new VirtualTime();
  const wifi = new WiFiLink({ timers: time.timers, accessPoints: air });
  const log: string[] = [];
  const faults: unknown[] = [];
  const start = (more: Partial<LinkOptions> = {}) =>
    new Link({
      wifi,
      ssid: "home",
      password: "correct horse",
      timers: time.timers,
      random: () => 0.999,
      onChange: (up, detail) => log.push(`${up ? "up" : "down"}: ${detail}`),
      onFault: (error) => faults.push(error),
      ...options,
      ...more,
    });
  return { time, wifi, log, faults, start };
}

/** Scans and collects. */
function scanned(link: Link) {
  const result: { networks: Network[]; error?: Error; done: number } = { networks: [], done: 0 };
  const began = link.scan({
    onFound: (network) => result.networks.push(network),
    onDone: (error) => {
      result.error = error;
      result.done++;
    },
  });
  return { began, result };
}

describe("joining", () => {
  test("the network is there: up within a second, with address and signal strength", () => {
    const { time, log, start } = world();
    const link = start();
    expect(link.status()).toMatchObject({ state: "joining", ssid: "home", joins: 1 });
    time.advance(1_000);
    expect(link.status()).toEqual({
      state: "up",
      ssid: "home",
      trouble: undefined,
      address: "192.0.2.7",
      rssi: -60,
      joins: 1,
      drops: 0,
    });
    expect(log).toEqual(['up: on "home", 192.0.2.7']);
  });

  test("an open network is joined without the word `undefined` for a password", () => {
    const { time, start } = world();
    const link = start({ ssid: "café", password: "" });
    time.advance(1_000);
    expect(link.up).toBe(true);
  });

  test("the hostname is configured before the join", () => {
    const { time, wifi, start } = world();
    start({ hostname: "thermometer-kitchen" });
    expect(wifi.hostname).toBe("thermometer-kitchen");
    time.advance(1_000);
    expect(wifi.connected).toBe(true);
  });

  test("a hostname that the driver refuses is a fault, not an obstacle", () => {
    const { time, wifi, faults, start } = world();
    wifi.faults.configure = "set hostname failed";
    const link = start({ hostname: "x".repeat(99) });
    time.advance(1_000);
    expect(link.up).toBe(true);
    expect(faults).toEqual([new Error("set hostname failed")]);
  });

  test("no name: unconfigured, the radio is left alone, for ever", () => {
    const { time, wifi, log, start } = world();
    wifi.faults.open = "touched";
    const link = start({ ssid: "" });
    time.advance(86_400_000);
    expect(link.status()).toMatchObject({ state: "unconfigured", joins: 0, trouble: undefined });
    expect([time.waiting, log]).toEqual([0, []]);
  });

  test("already joined at the start: used, not joined again", () => {
    const { time, wifi, start } = world();
    new wifi.io({}).connect({ SSID: "home", password: "correct horse" });
    time.advance(1_000);
    const link = start();
    expect(link.status()).toMatchObject({ state: "up", joins: 0 });
    expect(wifi.joins).toBe(1);
  });

  test("already in another network at the start: left first, then ours is joined", () => {
    const { time, wifi, start } = world();
    new wifi.io({}).connect({ SSID: "café" });
    time.advance(1_000);
    const link = start();
    time.advance(3_000);
    expect(link.up).toBe(true);
    expect(new wifi.io({}).SSID).toBe("home");
  });
});

describe("why it is not up", () => {
  test("wrong password: a scan finds the network, so it is the password", () => {
    const { time, log, start } = world();
    const link = start({ password: "wrong" });
    time.advance(3_000);
    expect(link.status().trouble).toEqual({ kind: "wrongPassword" });
    expect(log).toEqual(['down: "home" refuses the connection: wrong password?']);
  });

  test("a name that no network has: a scan does not find it, so it is not there", () => {
    const { time, log, start } = world();
    const link = start({ ssid: "hoem" });
    time.advance(3_000);
    expect(link.status().trouble).toEqual({ kind: "noSuchNetwork" });
    expect(log).toEqual(['down: no network "hoem" in reach']);
  });

  test("let in without an address: timed out after the join's time, and reported", () => {
    const { time, wifi, log, start } = world();
    wifi.faults.noAddress = true;
    start();
    time.advance(JOIN_MS);
    expect(log).toEqual(['down: "home" assigns no address']);
    delete wifi.faults.noAddress;
    time.advance(10_000);
    expect(log[1]).toBe('up: on "home", 192.0.2.7');
  });

  test("the driver cannot be opened: a trouble, tried again until it can", () => {
    const { time, wifi, log, start } = world();
    wifi.faults.open = "no memory";
    const link = start();
    expect(link.status().trouble).toEqual({ kind: "driver", message: "no memory" });
    expect(log).toEqual(["down: driver: no memory"]);
    delete wifi.faults.open;
    time.advance(10_000);
    expect(link.up).toBe(true);
  });

  test("connect throws: a trouble, tried again", () => {
    const { time, wifi, log, start } = world();
    wifi.faults.connect = "connect failed";
    const link = start();
    expect(log).toEqual(["down: driver: connect failed"]);
    delete wifi.faults.connect;
    time.advance(10_000);
    expect(link.up).toBe(true);
  });

  test.each([["scan"], ["endlessScan"]] as const)("the scan that should show why fails (%s): joins go on", (fault) => {
    const { time, wifi, start } = world();
    Object.assign(wifi.faults, { [fault]: fault === "scan" ? "scan failed" : true });
    const link = start({ password: "wrong" });
    time.advance(JOIN_MS + SCAN_MS);
    expect(link.status().trouble).toMatchObject({ kind: "driver" });
    time.advance(600_000);
    expect(wifi.joins).toBeGreaterThan(5);
  });

  test("the same trouble again and again is reported once", () => {
    const { time, wifi, log, start } = world();
    start({ password: "wrong" });
    time.advance(3_600_000);
    expect(wifi.joins).toBeGreaterThan(20);
    expect(log).toHaveLength(1);
  });

  test("another trouble is reported: out of reach after a wrong password", () => {
    const { time, wifi, log, start } = world();
    start({ password: "wrong" });
    time.advance(3_000);
    wifi.down();
    time.advance(120_000);
    expect(log.slice(1)).toEqual(['down: no network "home" in reach']);
  });

  test("an attempt that never ends: ended after the join's time, and the scan still shows why", () => {
    const { time, wifi, start } = world();
    wifi.faults.deaf = true;
    const link = start({ password: "wrong" });
    time.advance(JOIN_MS + 3_000);
    expect(link.status().trouble).toEqual({ kind: "wrongPassword" });
  });
});

describe("staying up", () => {
  test("the network disappears and returns: lost, then up again, without any restart", () => {
    const { time, wifi, log, start } = world();
    const link = start();
    time.advance(60_000);
    wifi.down();
    time.advance(600_000);
    expect(link.status()).toMatchObject({ drops: 1, trouble: { kind: "noSuchNetwork" } });
    wifi.up();
    time.advance(SETTLE_MS + LINK_STEPS.longestMs + 5_000);
    expect(log).toEqual([
      'up: on "home", 192.0.2.7',
      'down: lost "home"',
      'down: no network "home" in reach',
      'up: on "home", 192.0.2.7',
    ]);
    expect(link.status().trouble).toBeUndefined();
  });

  test("failures, then a long time up, then thrown out: joined again within the first step", () => {
    const { time, wifi, start } = world();
    wifi.down();
    const link = start();
    time.advance(600_000);
    wifi.up();
    time.advance(WATCH_MS * 4);
    wifi.kick();
    time.advance(100);
    expect(link.status()).toMatchObject({ state: "waiting", trouble: { kind: "lost" } });
    time.advance(SETTLE_MS + LINK_STEPS.firstMs + 600);
    expect(link.up).toBe(true);
  });

  test("moved to another access point of the network: down for the moment without an address, no new join", () => {
    const { time, wifi, log, start } = world();
    const link = start();
    time.advance(5_000);
    wifi.roam();
    expect(link.up).toBe(false);
    time.advance(500);
    expect(link.up).toBe(true);
    expect([wifi.joins, log.length]).toEqual([1, 3]);
  });

  test("moved, and no address follows: reported, and joined again", () => {
    const { time, wifi, start } = world();
    const link = start();
    time.advance(5_000);
    wifi.faults.noAddress = true;
    wifi.roam();
    time.advance(JOIN_MS);
    expect(link.status().trouble).toEqual({ kind: "noAddress" });
    delete wifi.faults.noAddress;
    time.advance(10_000);
    expect(link.up).toBe(true);
  });

  test("disconnected right after each join: the step keeps doubling", () => {
    const { time, wifi, start } = world();
    start();
    const gapsMs: number[] = [];
    for (let i = 0; i < 8; i++) {
      time.runUntil(() => wifi.connected, 100_000);
      wifi.kick();
      const atMs = time.nowMs;
      const joins = wifi.joins;
      time.runUntil(() => wifi.joins > joins, 100_000);
      gapsMs.push(Math.round((time.nowMs - atMs) / 1_000));
    }
    expect(gapsMs).toEqual([3, 5, 9, 17, 33, 61, 61, 61]);
  });

  test("the event of the loss was lost: the watch finds out", () => {
    const { time, wifi, start } = world();
    const link = start();
    time.advance(5_000);
    wifi.faults.deaf = true;
    wifi.kick();
    time.advance(1_000);
    expect(link.up).toBe(true);
    delete wifi.faults.deaf;
    time.advance(WATCH_MS);
    expect(link.status()).toMatchObject({ drops: 1, trouble: { kind: "lost" } });
    time.advance(10_000);
    expect(link.up).toBe(true);
  });

  test("the events of the join were lost: taken over at the next attempt", () => {
    const { time, wifi, start } = world();
    wifi.faults.deaf = true;
    const link = start();
    time.advance(JOIN_MS - 1_000);
    expect(link.up).toBe(false);
    delete wifi.faults.deaf;
    time.advance(60_000);
    expect(link.up).toBe(true);
  });
});

describe("other credentials, on the fly", () => {
  test("up on one network, given another: left, reported, up on the other", () => {
    const { time, log, start } = world();
    const link = start();
    time.advance(5_000);
    link.setCredentials("café", "");
    expect(link.up).toBe(false);
    time.advance(5_000);
    expect(link.status()).toMatchObject({ state: "up", ssid: "café", rssi: -80 });
    expect(log.slice(1)).toEqual(['down: leaving "home"', 'up: on "café", 192.0.2.7']);
  });

  test("the password is put right: no wait is left over from the failures", () => {
    const { time, start } = world();
    const link = start({ password: "wrong" });
    time.advance(600_000);
    link.setCredentials("home", "correct horse");
    time.advance(SETTLE_MS + SCAN_MS + 1_000);
    expect(link.up).toBe(true);
  });

  test.each([[0], [100], [299], [301], [1_000], [2_299], [2_400]])(
    "changed %i ms into a failing attempt: up on the new one",
    (ms) => {
      const { time, log, start } = world();
      const link = start({ password: "wrong" });
      time.advance(ms);
      link.setCredentials("café", "");
      time.advance(10_000);
      expect(link.status()).toMatchObject({ state: "up", ssid: "café", trouble: undefined });
      expect(log.filter((line) => line.includes("café"))).toEqual(['up: on "café", 192.0.2.7']);
    },
  );

  test("wrong again: reported again, although it is the same trouble", () => {
    const { time, log, start } = world();
    const link = start({ password: "wrong" });
    time.advance(60_000);
    link.setCredentials("home", "wrong too");
    time.advance(60_000);
    expect(log).toHaveLength(2);
  });

  test("the same again while up: nothing happens", () => {
    const { time, wifi, start } = world();
    const link = start();
    time.advance(5_000);
    link.setCredentials("home", "correct horse");
    expect(link.up).toBe(true);
    expect(wifi.joins).toBe(1);
  });

  test("emptied: leaves the network and rests; given again: joins", () => {
    const { time, wifi, start } = world();
    const link = start();
    time.advance(5_000);
    link.setCredentials("", "");
    time.advance(86_400_000);
    expect([link.status().state, wifi.connected, wifi.joins]).toEqual(["unconfigured", false, 1]);
    link.setCredentials("home", "correct horse");
    time.advance(5_000);
    expect(link.up).toBe(true);
  });
});

describe("scan", () => {
  const crowd = [
    HOME,
    OPEN,
    { ...HOME, rssi: -40, channel: 11 },
    { ssid: "", rssi: -10 },
    { ssid: "\u001b[2J", rssi: -5 },
  ];

  test("one entry a name, strongest first; no hidden networks, nothing that drives a terminal", () => {
    const { time, start } = world({}, crowd);
    const link = start();
    time.advance(1_000);
    const { began, result } = scanned(link);
    time.advance(3_000);
    expect(began).toBe(true);
    expect(result).toEqual({
      networks: [
        { ssid: "home", rssi: -40, channel: 11, secured: true },
        { ssid: "café", rssi: -80, channel: 1, secured: false },
      ],
      error: undefined,
      done: 1,
    });
    expect(link.up).toBe(true);
  });

  test("while it joins: the scan waits for the join to end", () => {
    const { time, wifi, start } = world();
    const link = start();
    const { began, result } = scanned(link);
    expect([began, wifi.scans]).toEqual([true, 0]);
    time.advance(4_000);
    expect(result.networks.map((network) => network.ssid)).toEqual(["home", "café"]);
    expect(link.up).toBe(true);
  });

  test("while it waits: scanned at once, joined later", () => {
    const { time, wifi, start } = world();
    const link = start({ password: "wrong" });
    time.advance(60_000);
    time.runUntil(() => link.status().state === "waiting", 60_000);
    const scans = wifi.scans;
    const { result } = scanned(link);
    expect(wifi.scans).toBe(scans + 1);
    time.advance(2_000);
    expect(result.done).toBe(1);
    const joins = wifi.joins;
    time.advance(120_000);
    expect(wifi.joins).toBeGreaterThan(joins);
  });

  test("while it scans to find out why: one scan serves both", () => {
    const { time, wifi, start } = world();
    const link = start({ password: "wrong" });
    time.advance(500);
    const { result } = scanned(link);
    time.advance(2_000);
    expect(result.networks).toHaveLength(2);
    expect(wifi.scans).toBe(1);
    expect(link.status().trouble).toEqual({ kind: "wrongPassword" });
  });

  test("unconfigured: scans all the same, for the person who sets the name up", () => {
    const { time, start } = world({ ssid: "" });
    const { result } = scanned(start());
    time.advance(3_000);
    expect(result.networks).toHaveLength(2);
  });

  test("a second one while the first is running is refused, and gets no callback", () => {
    const { time, start } = world({ ssid: "" });
    const link = start();
    const first = scanned(link);
    const second = scanned(link);
    time.advance(20_000);
    expect([first.result.done, second.began, second.result.done]).toEqual([1, false, 0]);
    expect(scanned(link).began).toBe(true);
  });

  test("the driver throws, or never ends: done, with the error, and the next one works or says so", () => {
    const { time, wifi, start } = world({ ssid: "" });
    const link = start();
    wifi.faults.scan = "radio off";
    expect(scanned(link).result).toMatchObject({ done: 1, error: new Error("scan: radio off") });
    delete wifi.faults.scan;
    wifi.faults.endlessScan = true;
    const { result } = scanned(link);
    time.advance(SCAN_MS);
    expect(result).toMatchObject({ done: 1, error: new Error("the scan does not end") });
    delete wifi.faults.endlessScan;
    const { result: next } = scanned(link);
    time.advance(3_000);
    expect(next).toMatchObject({ done: 1, error: undefined });
  });

  test("it never ends while up: the driver is opened again, still up, and gets later events", () => {
    const { time, wifi, log, start } = world();
    const link = start();
    time.advance(1_000);
    wifi.faults.endlessScan = true;
    const { result } = scanned(link);
    time.advance(SCAN_MS);
    expect(result.done).toBe(1);
    expect(log).toHaveLength(1);
    wifi.kick();
    time.advance(100);
    expect(link.up).toBe(false);
  });

  test("a scan that was aborted and reports late: not taken for the end of the next one", () => {
    const { time, wifi, start } = world({ ssid: "" });
    const begun: { onComplete(): void }[] = [];
    class Forgetful extends wifi.io {
      override scan(options: { onFound(): void; onComplete(): void }) {
        begun.push(options);
      }
    }
    const link = start({ wifi: { io: Forgetful } });
    scanned(link);
    time.advance(SCAN_MS);
    const { result } = scanned(link);
    begun[0].onComplete();
    expect(result.done).toBe(0);
    begun[1].onComplete();
    expect(result).toMatchObject({ done: 1, error: undefined });
  });

  test("an onFound that throws is caught; onDone is still called", () => {
    const { time, faults, start } = world({ ssid: "" });
    const link = start();
    let done = 0;
    link.scan({
      onFound: () => {
        throw new Error("owner");
      },
      onDone: () => done++,
    });
    time.advance(3_000);
    expect([faults.length, done]).toEqual([2, 1]);
  });
});

describe("robustness", () => {
  test("an owner who throws at every turn gets a report, and the link stays up", () => {
    const { time, wifi, start } = world();
    const thrown: unknown[] = [];
    const link = start({
      onChange: () => {
        throw new Error("owner");
      },
      onFault: (error) => {
        thrown.push(error);
        throw error;
      },
    });
    time.advance(60_000);
    wifi.kick();
    time.advance(60_000);
    expect(link.up).toBe(true);
    expect(thrown).toHaveLength(3);
  });

  test.each([[0], [400], [1_000], [40_000]])("the driver breaks %i ms after boot, and heals: up again", (ms) => {
    const { time, wifi, start } = world();
    const link = start();
    time.advance(ms);
    wifi.faults.broken = "broken";
    expect(link.status().rssi).toBeUndefined();
    time.advance(200_000);
    expect(link.up).toBe(false);
    delete wifi.faults.broken;
    time.advance(SETTLE_MS + LINK_STEPS.longestMs + 5_000);
    expect(link.up).toBe(true);
  });

  test("credentials changed while the driver is broken: joined when it heals", () => {
    const { time, wifi, start } = world();
    const link = start();
    time.advance(5_000);
    wifi.faults.broken = "broken";
    link.setCredentials("café", "");
    expect(link.up).toBe(false);
    delete wifi.faults.broken;
    time.advance(60_000);
    expect(link.status()).toMatchObject({ state: "up", ssid: "café" });
  });

  test("an owner who changes the credentials from within onChange is obeyed", () => {
    const { time, wifi, start } = world();
    const link: Link = start({
      password: "wrong",
      onChange: (up) => up || link.setCredentials("home", "correct horse"),
    });
    time.advance(10_000);
    expect(link.up).toBe(true);
    expect(wifi.joins).toBe(2);
  });

  test("closed in any state: nothing waits, nothing is reported afterwards, the chip is free", () => {
    for (const ms of [0, 350, 1_000, 3_000]) {
      for (const password of ["correct horse", "wrong"]) {
        const { time, wifi, log, start } = world({ password });
        const link = start();
        time.advance(ms);
        const before = log.length;
        link.close();
        link.close();
        link.setCredentials("home", "correct horse");
        expect(link.scan({ onFound() {}, onDone() {} })).toBe(false);
        time.advance(600_000);
        expect([log.length, time.waiting, wifi.connected, link.status().state]).toEqual([before, 0, false, "closed"]);
      }
    }
  });

  test("closed while a scan is running: the scan ends with an error", () => {
    const { time, start } = world({ ssid: "" });
    const link = start();
    const { result } = scanned(link);
    link.close();
    expect(result).toMatchObject({ done: 1, error: new Error("the link was closed") });
    time.advance(60_000);
    expect(result.done).toBe(1);
  });
});
