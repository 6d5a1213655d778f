/*
 * The cost of sampling: from the sampler's timer to the record in flash. With a TMP117 whose registers count as native, and the
 * product's journal and outbox.
 */
import { Journal } from "../../../src/journal/journal.js";
import { Sticky } from "../../../src/journal/sticky.js";
import { encodeTopicName } from "../../../src/mqtt/wire/topics.js";
import { encodeUTF8 } from "../../../src/mqtt/wire/utf8.js";
import { Outbox } from "../../../src/outbox/outbox.js";
import { SensorBus } from "../../../src/sensor/probe.js";
import { Sampler } from "../../../src/sensor/sampler.js";
import { advance, PlainFlash, timers, uptimeMs } from "./harness.js";
import { allocated, type Cost, enter, leave, spentIn } from "./meter.js";

const INTERVAL_MS = 10_000;
const STEP_MS = 5; // a conversion is started, and read some steps later
const WARM_UP = 50;

let taken = 0;

/** A TMP117 that is always ready; its temperature rises and falls. */
export class Registers {
  readUint16(register: number): number {
    const entered = enter();
    let value = 0x2000 | 0x0400 | 0x0020; // ready, shutdown, averaging 8
    if (register === 0x0f) value = 0x0117;
    else if (register === 0x00) value = 2_700 + (taken % 64);
    leave(entered);
    return value;
  }
  writeUint16(): void {
    const entered = enter();
    leave(entered);
  }
  readUint8(): number {
    return 0;
  }
  writeUint8(): void {}
  read(): void {}
  write(): void {}
  close(): void {}
}

/** The mean cost of a reading, with all its timer callbacks. */
export function samplingCost(turns: number): Cost {
  const outbox = new Outbox({ flash: new PlainFlash(32) });
  const topicOf = (): Uint8Array => encodeTopicName("home/livingroom/temperature");
  const clock = { uptimeMs, utcMs: () => undefined };
  const room = encodeUTF8("livingroom");
  const journal = new Journal({
    store: outbox,
    notes: new Sticky(outbox),
    clock,
    boot: 1,
    room,
    format: "json",
    isEach: false,
    intervalMs: INTERVAL_MS,
    topicOf,
  });
  const sampler = new Sampler({
    sensors: new SensorBus({ io: Registers, data: 21, clock: 22 }, "tmp117", { intervalMs: INTERVAL_MS }),
    timers,
    clock: { uptimeMs },
    intervalMs: INTERVAL_MS,
    onSample(sample) {
      journal.append(sample, 1);
      const entered = enter();
      taken++;
      leave(entered);
    },
    onFailure(error) {
      throw error;
    },
  });
  sampler.start();
  let computrons = 0;
  const takeOne = (): void => {
    const before = taken;
    while (taken === before) {
      const callback = advance(STEP_MS);
      if (callback !== undefined) computrons += spentIn(callback);
    }
  };
  for (let i = 0; i < WARM_UP; i++) takeOne();
  computrons = 0;
  const { slots, chunkBytes } = allocated(() => {
    for (let i = 0; i < turns; i++) takeOne();
  });
  sampler.close();
  if (outbox.entries !== WARM_UP + turns) throw new Error(`${outbox.entries} entries, expected ${WARM_UP + turns}`);
  return { computrons: computrons / turns, slots: slots / turns, chunkBytes: chunkBytes / turns };
}
