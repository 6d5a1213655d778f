/*
 * A link that is up stays up, or comes up again: lost networks and events, drivers that break, owners that throw.
 */
import { describe, expect, test } from "vitest";
import { JOIN_MS, LINK_STEPS, type Link, SETTLE_MS, WATCH_MS } from "../../src/network/link.js";
import { scanned, setup } from "./link-setup.js";

describe("staying up", () => {
  test("the network disappears and returns: lost, then up again, without any restart", () => {
    const { time, wifi, log, start } = setup();
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
    const { time, wifi, start } = setup();
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
    const { time, wifi, log, start } = setup();
    const link = start();
    time.advance(5_000);
    wifi.roam();
    expect(link.up).toBe(false);
    time.advance(500);
    expect(link.up).toBe(true);
    expect([wifi.joins, log.length]).toEqual([1, 3]);
  });

  test("moved, and no address follows: reported, and joined again", () => {
    const { time, wifi, start } = setup();
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
    const { time, wifi, start } = setup();
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
    const { time, wifi, start } = setup();
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
    const { time, wifi, start } = setup();
    wifi.faults.deaf = true;
    const link = start();
    time.advance(JOIN_MS - 1_000);
    expect(link.up).toBe(false);
    delete wifi.faults.deaf;
    time.advance(60_000);
    expect(link.up).toBe(true);
  });
});

describe("robustness", () => {
  test("an owner who throws at every turn gets a report, and the link stays up", () => {
    const { time, wifi, start } = setup();
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
    const { time, wifi, start } = setup();
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
    const { time, wifi, start } = setup();
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
    const { time, wifi, start } = setup();
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
        const { time, wifi, log, start } = setup({ password });
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
    const { time, start } = setup({ ssid: "" });
    const link = start();
    const { result } = scanned(link);
    link.close();
    expect(result).toMatchObject({ done: 1, error: new Error("the link was closed") });
    time.advance(60_000);
    expect(result.done).toBe(1);
  });
});
