/*
 * Scans for networks, in each state of the link.
 */
import { describe, expect, test } from "vitest";
import { SCAN_MS } from "../../src/network/link.js";
import { HOME, OPEN, scanned, setup } from "./link-setup.js";

describe("scan", () => {
  const crowd = [
    HOME,
    OPEN,
    { ...HOME, rssi: -40, channel: 11 },
    { ssid: "", rssi: -10 },
    { ssid: "\u001b[2J", rssi: -5 },
  ];

  test("one entry a name, strongest first; no hidden networks, nothing that drives a terminal", () => {
    const { time, start } = setup({}, crowd);
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
    const { time, wifi, start } = setup();
    const link = start();
    const { began, result } = scanned(link);
    expect([began, wifi.scans]).toEqual([true, 0]);
    time.advance(4_000);
    expect(result.networks.map((network) => network.ssid)).toEqual(["home", "café"]);
    expect(link.up).toBe(true);
  });

  test("while it waits: scanned at once, joined later", () => {
    const { time, wifi, start } = setup();
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
    const { time, wifi, start } = setup();
    const link = start({ password: "wrong" });
    time.advance(500);
    const { result } = scanned(link);
    time.advance(2_000);
    expect(result.networks).toHaveLength(2);
    expect(wifi.scans).toBe(1);
    expect(link.status().trouble).toEqual({ kind: "wrongPassword" });
  });

  test("unconfigured: scans all the same, for the person who sets the name up", () => {
    const { time, start } = setup({ ssid: "" });
    const { result } = scanned(start());
    time.advance(3_000);
    expect(result.networks).toHaveLength(2);
  });

  test("a second one while the first is running is refused, and gets no callback", () => {
    const { time, start } = setup({ ssid: "" });
    const link = start();
    const first = scanned(link);
    const second = scanned(link);
    time.advance(20_000);
    expect([first.result.done, second.began, second.result.done]).toEqual([1, false, 0]);
    expect(scanned(link).began).toBe(true);
  });

  test("the driver throws, or a scan never ends: it is reported with the error, and the next scan works or reports its own", () => {
    const { time, wifi, start } = setup({ ssid: "" });
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
    const { time, wifi, log, start } = setup();
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
    const { time, wifi, start } = setup({ ssid: "" });
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
    const { time, faults, start } = setup({ ssid: "" });
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
