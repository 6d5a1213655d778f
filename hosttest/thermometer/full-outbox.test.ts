/* A full outbox that refuses new readings, at QoS 2: the first session, and power cuts in it. */
import { expect, test } from "vitest";
import { SimulatedDevice } from "../support/device-board.js";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const PUBREL = 0x62;

test("full since an earlier boot, power cut between PUBREL and PUBCOMP of the first session: nothing is lost, none is doubled", () => {
  const defaults = { "mqtt.qos": "2", interval: "1", "outbox.full": "refuse" };
  const one = new SimulatedDevice({ blocks: 3, defaults });
  const { house } = one;
  const { time } = house;
  house.broker.stop("kept");
  one.powerOn();
  time.runUntil(() => (one.taken.at(-1) ?? 0) < 0, 30 * MINUTE);
  const kept = one.taken.filter((sequence) => sequence !== undefined && sequence >= 0);
  for (let boot = 0; boot < 2; boot++) {
    one.cut();
    one.powerOn();
    time.advance(10 * SECOND);
  }
  one.taken.length = 0;
  house.replaceBroker();
  let cuts = 0;
  const { listen } = house.broker;
  house.broker = Object.assign(Object.create(house.broker), {
    listen: (peer: Parameters<typeof listen>[0]) => {
      const acceptor = listen(peer);
      if (acceptor === undefined) return undefined;
      const data = (bytes: Uint8Array): void => {
        acceptor.data(bytes);
        if (bytes[0] !== PUBREL || cuts === 4) return;
        cuts++;
        one.cut(); // PUBCOMP is on its way
      };
      return { data, ended: () => acceptor.ended() };
    },
  });
  for (let cut = 0; cut < 4; cut++) {
    time.runUntil(() => !one.isOn, 5 * MINUTE);
    house.network.resetAll();
    one.powerOn();
  }
  time.advance(3 * MINUTE);
  const sequences = house.sequences();
  expect(cuts).toBe(4);
  expect(sequences).toHaveLength(new Set(sequences).size);
  expect(sequences).toEqual(expect.arrayContaining(kept));
  expect(one.firmware.lifetime?.possibleDoubles).toBe(0);
  expect(house.breaches).toEqual([]);
});
