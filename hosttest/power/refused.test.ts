/* A sleeper whose broker refuses one reading with "later" for ever: the next report knows what one has found out. */
import { expect, test } from "vitest";
import type { Peer } from "../simulation/network.js";
import { SimulatedDevice } from "../support/device-board.js";
import type { House } from "../support/house.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SLEEPER = { sleep: "on", interval: "60", report: "10", "mqtt.qos": "1", awake: "10" };
/** "Implementation specific error": it does not show whether it is temporary. */
const LATER = 0x83;
const PUBLISH = 3;
const PUBACK = 4;

/** Calls `each` with the packets in `bytes`, which are whole. */
function packetsIn(bytes: Uint8Array, each: (packet: Uint8Array, bodyAt: number) => void): void {
  for (let at = 0; at < bytes.length; ) {
    let bodyAt = at + 1;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[bodyAt++];
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    each(bytes.subarray(at, bodyAt + length), bodyAt - at);
    at = bodyAt + length;
  }
}

/** From now on the broker refuses messages that contain `text`. `came`: how often one came. */
function refuse(house: House, text: string): { came: number } {
  const heard = { came: 0 };
  const { listen } = house.broker;
  house.broker = Object.assign(Object.create(house.broker), {
    listen: (peer: Peer) => {
      const ids = new Set<number>();
      const acceptor = listen({
        send: (bytes) => {
          const id = (bytes[2] << 8) | bytes[3];
          if (bytes[0] >> 4 !== PUBACK || !ids.delete(id)) peer.send(bytes);
          else peer.send(Uint8Array.of(bytes[0], 3, bytes[2], bytes[3], LATER));
        },
        close: () => peer.close(),
      });
      return (
        acceptor && {
          data(bytes: Uint8Array) {
            packetsIn(bytes, (packet, at) => {
              if (packet[0] >> 4 !== PUBLISH || !Buffer.from(packet).includes(text)) return;
              const idAt = at + 2 + ((packet[at] << 8) | packet[at + 1]);
              ids.add((packet[idAt] << 8) | packet[idAt + 1]);
              heard.came++;
            });
            acceptor.data(bytes);
          },
          ended: () => acceptor.ended(),
        }
      );
    },
  });
  return heard;
}

test("the others go after a few reports, and with each report from then on; the radio is on no longer for it", () => {
  const device = new SimulatedDevice({ defaults: SLEEPER, sleep: { rate: 1 } }).powerOn();
  const { house } = device;
  house.time.advance(35 * MINUTE);
  const before = house.readings().length;
  const next = device.taken.length;
  const heard = refuse(house, `"seq":${next}}`);
  house.time.advance(3 * HOUR);
  expect(house.readings().length - before).toBeGreaterThan(120);
  const { came } = heard;
  const settled = device.settled.length;
  device.longestWakeMs = 0;
  for (let report = 0; report < 36; report++) {
    const before = device.settled.length;
    house.time.advance(10 * MINUTE);
    expect(device.settled.length - before).toBeGreaterThan(8);
  }
  expect(device.settled.length - settled).toBeGreaterThan(340);
  expect(heard.came - came).toBeLessThanOrEqual(36);
  expect(device.longestWakeMs).toBeLessThan(5_000);
  expect(device.crashes).toEqual([]);
});
