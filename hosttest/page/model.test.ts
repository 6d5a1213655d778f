/* The page's model of a device: when its numbers restart, nothing counts as lost or doubled; dropped and evicted samples are distinguished. */
import { expect, test } from "vitest";
import type { DesktopDevice } from "../../boards/desktop/device.js";
import { DeviceLive } from "../../boards/desktop/page/client/device-live.js";
import { DeviceModel } from "../../boards/desktop/page/server/device-model.js";
import { Sample } from "../../src/channels/sample.js";

const BLOCK = 4_096;

function modelOf(): DeviceModel {
  const model = new DeviceModel("02", () => ({
    room: "kitchen",
    qos: 1,
    payload: "json",
    intervalMs: 1_000,
    sleeps: false,
  }));
  const partition = {
    status: () => ({ size: 4 * BLOCK, blocks: 4, blockLength: BLOCK }),
    peek: () => new Uint8Array(4 * BLOCK).fill(0xff),
  };
  model.watch({
    chip: { outboxFlash: () => partition, supply: { isArmed: false } },
    plug: {},
    sleeping: { isAsleep: false },
    air: { celsius: 21, humidity: 40, isHeld: () => false },
  } as unknown as DesktopDevice);
  return model;
}

/** With a browser that follows it, and a sample. */
function watched() {
  const model = modelOf();
  const live = new DeviceLive(model.snapshot());
  model.send = (message) => {
    if (message.type !== "hello" && message.type !== "broker") live.take(JSON.parse(JSON.stringify(message)));
  };
  const sample = new Sample();
  sample.set(0, 21, 2);
  return { model, live, sample };
}

test("after a factory reset the counts restart, here and in the browser", () => {
  const { model, live, sample } = watched();
  const pass = (count: number): void => {
    for (let seq = 0; seq < count; seq++) {
      model.reading(sample, seq);
      model.settled(seq, "delivered");
      model.received(JSON.stringify({ value: 21, seq }));
    }
  };
  pass(5);
  expect(live.counts).toMatchObject({ taken: 5, delivered: 5, doubled: 0 });
  model.reading(sample, 5); // and is erased before it is sent
  pass(3);
  expect(live.counts).toMatchObject({ taken: 3, delivered: 3, waiting: 0, doubled: 0, lost: 0 });
  const later = new DeviceLive(model.snapshot());
  expect(later.counts).toMatchObject({ taken: 3, delivered: 3, waiting: 0, doubled: 0, lost: 0 });
});

test("dropped by `queue drop`: no loss; evicted by a full flash: a loss, reported as that; the same after a boot", () => {
  const { model, live, sample } = watched();
  for (let seq = 0; seq < 6; seq++) model.reading(sample, seq);
  model.settled(1, "delivered");
  model.received(JSON.stringify({ value: 21, seq: 1 }));
  model.settled(0, "deadLetter");
  model.evicted(0, 4);
  model.settled(4, "dropped");
  const expected = { taken: 6, delivered: 1, deadLetters: 1, waiting: 1, lost: 2, evicted: 2, dropped: 1 };
  expect(live.counts).toMatchObject(expected);
  model.booting("power"); // its flash has none of them
  expect(live.counts).toMatchObject({ lost: 2, evicted: 2, dropped: 1 });
  expect(new DeviceLive(model.snapshot()).counts).toMatchObject({ evicted: 2, dropped: 1 });
});

test("its packets show whether the device is connected, and when it last tried", () => {
  const { model, live } = watched();
  const at = (...packets: readonly (readonly [type: string, detail: string, atMs: number])[]): typeof live.uplink => {
    live.take({
      type: "packets",
      id: model.id,
      packets: packets.map(([type, detail, atMs], n) => ({
        n,
        type,
        detail,
        atMs,
        direction: "sent",
        flags: "",
        bytes: 0,
      })),
    });
    return live.uplink;
  };
  expect(live.uplink).toEqual({ isConnected: false, triedMs: undefined });
  expect(at(["link", "opens 127.0.0.1:1883", 10], ["CONNECT", "", 11])).toEqual({ isConnected: false, triedMs: 10 });
  expect(at(["CONNACK", "", 12])).toEqual({ isConnected: true, triedMs: 10 });
  expect(at(["PUBLISH", "", 13])).toEqual({ isConnected: true, triedMs: 10 });
  expect(at(["DISCONNECT", "", 20])).toEqual({ isConnected: false, triedMs: 10 });
  expect(at(["link", "closed", 20], ["link", "opens 127.0.0.1:1883", 30], ["link", "closed", 31])).toEqual({
    isConnected: false,
    triedMs: 30,
  });
});
