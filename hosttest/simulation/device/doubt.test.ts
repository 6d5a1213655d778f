/*
 * A broker loses its sessions after PUBREC, and the CONNACK that reports this is lost as well: the next one reports that the session is
 * present. In version 5 the device detects it and loses no reading; in 3.1.1 no client can.
 */
import { expect, test } from "vitest";
import { VirtualTime } from "../../support/virtual-time.js";
import { Broker } from "../broker/broker.js";
import { ORDINARY } from "../broker/terms.js";
import { Network, type Peer } from "../network.js";
import { Random } from "../random.js";
import { Device } from "./device.js";

const PUBREL = 0x62;
const CONNACK = 0x20;

function simulation(version: "3.1.1" | "5") {
  const time = new VirtualTime();
  const seen: number[] = [];
  const lost: string[] = [];
  const breaches: string[] = [];
  let swallowed: number | undefined; // first byte of the packet that will be lost, together with its connection
  const broker = new Broker({
    time,
    random: new Random(1),
    forwardAt: "pubrel",
    terms: ORDINARY,
    forwarded: ({ topic, payload }) => topic.endsWith("/temperature") && seen.push(JSON.parse(payload).seq),
    sessionLost: () => {},
    messageLost: ({ payload }) => lost.push(payload),
    breach: (_client, what) => breaches.push(what),
  });
  /** Whether the connection ends here. */
  const isSwallowed = (bytes: Uint8Array): boolean => {
    if (swallowed === undefined || bytes[0] !== swallowed) return false;
    swallowed = undefined;
    return true;
  };
  const network = new Network(time, (peer: Peer) => {
    const acceptor = broker.listen({
      send: (bytes) => (isSwallowed(bytes) ? peer.close() : peer.send(bytes)),
      close: () => peer.close(),
    });
    if (acceptor === undefined) return undefined;
    return {
      data: (bytes) => {
        if (!isSwallowed(bytes)) {
          acceptor.data(bytes);
          return;
        }
        peer.close();
        acceptor.ended();
      },
      ended: () => acceptor.ended(),
    };
  });
  const violations: unknown[] = [];
  const device = new Device({
    index: 0,
    time,
    random: new Random(1),
    network,
    blocks: 4,
    contents: "nothing",
    intervalS: 30,
    qos: 2,
    version,
    mayLower: false,
    sensor: "tmp117",
    firstSequence: 0,
    report: (violation) => violations.push(violation),
    log: () => {},
  });
  device.powerOn();
  device.wifi(true);
  const swallow = (first: number): void => {
    swallowed = first;
    time.runUntil(() => swallowed === undefined, 600_000);
    expect(swallowed).toBeUndefined();
  };
  return { time, broker, device, seen, lost, breaches, swallow };
}

function missing(seen: readonly number[]): number[] {
  const all = Array.from({ length: Math.max(...seen) + 1 }, (_, n) => n);
  return all.filter((n) => !seen.includes(n));
}

test.each([
  ["5", 0, 1],
  ["3.1.1", 1, 0],
] as const)("version %s: %i readings lost, %i counted as possible doubles", (version, lostCount, possibleDoubles) => {
  const { time, broker, device, seen, lost, breaches, swallow } = simulation(version);
  time.advance(300_000);
  expect(seen.length).toBeGreaterThan(5);
  swallow(PUBREL);
  broker.stop("lost");
  broker.start();
  swallow(CONNACK);
  time.advance(300_000);
  expect(breaches).toEqual([]);
  expect([lost.length, missing(seen).length]).toEqual([lostCount, lostCount]);
  expect(new Set(seen).size, "none twice").toBe(seen.length);
  expect(device.firmware?.uplink?.status.possibleDoubles).toBe(possibleDoubles);
});
