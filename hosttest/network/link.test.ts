/*
 * The Wi-Fi link: joining, why it is not up, and changed credentials.
 */
import { describe, expect, test } from "vitest";
import { JOIN_MS, SCAN_MS, SETTLE_MS } from "../../src/network/link.js";
import { setup } from "./link-setup.js";

describe("joining", () => {
  test("the network is there: up within a second, with address and signal strength", () => {
    const { time, log, start } = setup();
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
    const { time, start } = setup();
    const link = start({ ssid: "café", password: "" });
    time.advance(1_000);
    expect(link.up).toBe(true);
  });

  test("the hostname is configured before the join", () => {
    const { time, wifi, start } = setup();
    start({ hostname: "thermometer-kitchen" });
    expect(wifi.hostname).toBe("thermometer-kitchen");
    time.advance(1_000);
    expect(wifi.connected).toBe(true);
  });

  test("a hostname that the driver refuses is a fault, not an obstacle", () => {
    const { time, wifi, faults, start } = setup();
    wifi.faults.configure = "set hostname failed";
    const link = start({ hostname: "x".repeat(99) });
    time.advance(1_000);
    expect(link.up).toBe(true);
    expect(faults).toEqual([new Error("set hostname failed")]);
  });

  test("no name: unconfigured, the radio is left alone, for ever", () => {
    const { time, wifi, log, start } = setup();
    wifi.faults.open = "touched";
    const link = start({ ssid: "" });
    time.advance(86_400_000);
    expect(link.status()).toMatchObject({ state: "unconfigured", joins: 0, trouble: undefined });
    expect([time.waiting, log]).toEqual([0, []]);
  });

  test("already joined at the start: used, not joined again", () => {
    const { time, wifi, start } = setup();
    new wifi.io({}).connect({ SSID: "home", password: "correct horse" });
    time.advance(1_000);
    const link = start();
    expect(link.status()).toMatchObject({ state: "up", joins: 0 });
    expect(wifi.joins).toBe(1);
  });

  test("already in another network at the start: left first, then ours is joined", () => {
    const { time, wifi, start } = setup();
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
    const { time, log, start } = setup();
    const link = start({ password: "wrong" });
    time.advance(3_000);
    expect(link.status().trouble).toEqual({ kind: "wrongPassword" });
    expect(log).toEqual(['down: "home" refuses the connection: wrong password?']);
  });

  test("a name that no network has: a scan does not find it, so it is not there", () => {
    const { time, log, start } = setup();
    const link = start({ ssid: "hoem" });
    time.advance(3_000);
    expect(link.status().trouble).toEqual({ kind: "noSuchNetwork" });
    expect(log).toEqual(['down: no network "hoem" in reach']);
  });

  test("let in without an address: timed out after the join's time, and reported", () => {
    const { time, wifi, log, start } = setup();
    wifi.faults.noAddress = true;
    start();
    time.advance(JOIN_MS);
    expect(log).toEqual(['down: "home" assigns no address']);
    delete wifi.faults.noAddress;
    time.advance(10_000);
    expect(log[1]).toBe('up: on "home", 192.0.2.7');
  });

  test("the driver cannot be opened: a trouble, tried again until it can", () => {
    const { time, wifi, log, start } = setup();
    wifi.faults.open = "no memory";
    const link = start();
    expect(link.status().trouble).toEqual({ kind: "driver", message: "no memory" });
    expect(log).toEqual(["down: driver: no memory"]);
    delete wifi.faults.open;
    time.advance(10_000);
    expect(link.up).toBe(true);
  });

  test("connect throws: a trouble, tried again", () => {
    const { time, wifi, log, start } = setup();
    wifi.faults.connect = "connect failed";
    const link = start();
    expect(log).toEqual(["down: driver: connect failed"]);
    delete wifi.faults.connect;
    time.advance(10_000);
    expect(link.up).toBe(true);
  });

  test.each([["scan"], ["endlessScan"]] as const)("the scan that should show why fails (%s): joins go on", (fault) => {
    const { time, wifi, start } = setup();
    Object.assign(wifi.faults, { [fault]: fault === "scan" ? "scan failed" : true });
    const link = start({ password: "wrong" });
    time.advance(JOIN_MS + SCAN_MS);
    expect(link.status().trouble).toMatchObject({ kind: "driver" });
    time.advance(600_000);
    expect(wifi.joins).toBeGreaterThan(5);
  });

  test("the same trouble again and again is reported once", () => {
    const { time, wifi, log, start } = setup();
    start({ password: "wrong" });
    time.advance(3_600_000);
    expect(wifi.joins).toBeGreaterThan(20);
    expect(log).toHaveLength(1);
  });

  test("another trouble is reported: out of reach after a wrong password", () => {
    const { time, wifi, log, start } = setup();
    start({ password: "wrong" });
    time.advance(3_000);
    wifi.down();
    time.advance(120_000);
    expect(log.slice(1)).toEqual(['down: no network "home" in reach']);
  });

  test("an attempt that never ends: ended after the join's time, and the scan still shows why", () => {
    const { time, wifi, start } = setup();
    wifi.faults.deaf = true;
    const link = start({ password: "wrong" });
    time.advance(JOIN_MS + 3_000);
    expect(link.status().trouble).toEqual({ kind: "wrongPassword" });
  });
});

describe("other credentials, on the fly", () => {
  test("up on one network, given another: left, reported, up on the other", () => {
    const { time, log, start } = setup();
    const link = start();
    time.advance(5_000);
    link.setCredentials("café", "");
    expect(link.up).toBe(false);
    time.advance(5_000);
    expect(link.status()).toMatchObject({ state: "up", ssid: "café", rssi: -80 });
    expect(log.slice(1)).toEqual(['down: leaving "home"', 'up: on "café", 192.0.2.7']);
  });

  test("the password is put right: no wait is left over from the failures", () => {
    const { time, start } = setup();
    const link = start({ password: "wrong" });
    time.advance(600_000);
    link.setCredentials("home", "correct horse");
    time.advance(SETTLE_MS + SCAN_MS + 1_000);
    expect(link.up).toBe(true);
  });

  test.each([[0], [100], [299], [301], [1_000], [2_299], [2_400]])(
    "changed %i ms into a failing attempt: up on the new one",
    (ms) => {
      const { time, log, start } = setup();
      const link = start({ password: "wrong" });
      time.advance(ms);
      link.setCredentials("café", "");
      time.advance(10_000);
      expect(link.status()).toMatchObject({ state: "up", ssid: "café", trouble: undefined });
      expect(log.filter((line) => line.includes("café"))).toEqual(['up: on "café", 192.0.2.7']);
    },
  );

  test("wrong again: reported again, although it is the same trouble", () => {
    const { time, log, start } = setup();
    const link = start({ password: "wrong" });
    time.advance(60_000);
    link.setCredentials("home", "wrong too");
    time.advance(60_000);
    expect(log).toHaveLength(2);
  });

  test("the same again while up: nothing happens", () => {
    const { time, wifi, start } = setup();
    const link = start();
    time.advance(5_000);
    link.setCredentials("home", "correct horse");
    expect(link.up).toBe(true);
    expect(wifi.joins).toBe(1);
  });

  test("emptied: leaves the network and rests; given again: joins", () => {
    const { time, wifi, start } = setup();
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
