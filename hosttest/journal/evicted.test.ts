/*
 * A sleeper whose outbox is full evicts the entries after those in flight, together with the clock notes that date these. The notes are
 * carried along, so that entries that are kept or sent again have the same time as before.
 */
import { expect, test } from "vitest";
import { generator } from "../../boards/parts/flash/nor-flash.js";
import { SLOW_CLOCK } from "../../src/journal/dating.js";
import { SEED } from "../support/seed.js";
import { ReadingDevice } from "./device.js";

const MINUTE = 60_000;

/** Error of the time with which an entry would be sent, milliseconds. */
function wrongMs(device: ReadingDevice, sequence: number, utcMs: number): number {
  return Math.abs(Date.parse(`${device.see(sequence)?.ts}`) - utcMs);
}

/** Fills the outbox of a device whose drift changes at each synchronisation; `check` is called after each. */
function fill(seed: number, check: (device: ReadingDevice, taken: ReadonlyMap<number, number>) => void): number {
  const random = generator(seed);
  const device = new ReadingDevice({ blocks: 5 });
  const taken = new Map<number, number>();
  device.oscillator = SLOW_CLOCK;
  device.sleep();
  device.setClock();
  for (let report = 0; report < 24; report++) {
    device.drift = (random() - 0.5) / 10;
    for (let left = 10 + Math.floor(random() * 60); left > 0; left--) {
      device.pass(MINUTE);
      taken.set(device.append(20), device.utcMs);
    }
    device.outbox.idle();
    if (report % 4 === 0) device.sleep();
    device.setClock();
    device.outbox.setInFlight((device.outbox.seek(0)?.sequence ?? 0) + 8);
    check(device, taken);
    device.outbox.setInFlight((device.outbox.seek(0)?.sequence ?? 0) + 8);
  }
  return device.outbox.statistics().dropped;
}

test("entries behind a gap are dated within two seconds, however many are evicted", () => {
  for (let seed = SEED; seed < SEED + 2; seed++) {
    let checked = 0;
    const dropped = fill(seed, (device, taken) => {
      for (const sequence of device.waiting().filter((each) => each % 5 === 0)) {
        expect(wrongMs(device, sequence, taken.get(sequence) ?? 0), `seed ${seed}, entry ${sequence}`).toBeLessThan(
          2_000,
        );
        checked++;
      }
    });
    expect(dropped).toBeGreaterThan(100);
    expect(checked).toBeGreaterThan(200);
  }
});

test("entries in flight keep their message, after the eviction and after a start", () => {
  const oldest = 110; // near the end of the first block: its clock note is in the next one
  for (let seed = SEED; seed < SEED + 2; seed++) {
    const sentTs = new Map<number, string>();
    fill(seed, (device) => {
      const { nextSequence } = device.outbox;
      if (nextSequence < 150) return;
      for (let settled = 0; settled < oldest; settled++) device.outbox.settle(settled);
      for (let sequence = oldest; sequence < oldest + 8; sequence++) {
        const ts = `${device.see(sequence)?.ts}`;
        expect(ts, `seed ${seed}, entry ${sequence}`).toBe(sentTs.get(sequence) ?? ts);
        sentTs.set(sequence, ts);
      }
    });
    expect(sentTs.size).toBe(8);
  }
});
