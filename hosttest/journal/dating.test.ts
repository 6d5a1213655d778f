/*
 * When a reading was taken, where flash and clock do not go together.
 */
import { expect, test } from "vitest";
import { ReadingDevice, stamp, WORLD_BEGINS_MS } from "./device.js";

const HOUR = 3_600_000;

test("flash takes a reading, but not yet the clock that dates it: its time is the same, whatever is sent before it, and after a reboot", () => {
  const device = new ReadingDevice();
  device.setClock(-2 * HOUR);
  const sent = device.append(20);
  device.see(sent);
  const note = device.outbox.note;
  device.outbox.note = () => {
    throw new Error("flash failed");
  };
  device.setClock();
  device.pass(60_000);
  const sequence = device.append(20);
  device.see(sent);
  expect(device.see(sequence)?.ts, "at first").toBe(stamp(WORLD_BEGINS_MS + 60_000));
  device.outbox.note = note;
  device.append(20); // with it goes the note
  device.see(sent);
  expect(device.see(sequence)?.ts, "again").toBe(stamp(WORLD_BEGINS_MS + 60_000));
  device.boot();
  expect(device.see(sequence)?.ts, "after a reboot").toBe(stamp(WORLD_BEGINS_MS + 60_000));
  expect(device.see(sent)?.ts).toBe(stamp(WORLD_BEGINS_MS - 2 * HOUR));
});
