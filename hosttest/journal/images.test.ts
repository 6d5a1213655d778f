/*
 * Flash that firmware 0.1 wrote: images/firmware-0.1.json was made by 0.1 itself (commit a57c10d), with what it would have sent. It
 * mounts, every reading has the message that 0.1 would have sent, and new samples follow, over reboots, to the last one drained.
 */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { NorFlash } from "../../boards/parts/flash/nor-flash.js";
import { Outbox } from "../../src/outbox/outbox.js";
import { sampleOf } from "../support/sample.js";
import { ReadingDevice, type Seen } from "./device.js";

interface Image {
  readonly name: string;
  readonly writeUnit: 1 | 16;
  readonly blocks: number;
  readonly blockLength: number;
  /** Sequence number of the next entry. */
  readonly next: number;
  readonly waiting: readonly (Seen & { readonly qos: 1 | 2; readonly released: boolean })[];
  /** The flash, gzipped, as base64. */
  readonly bytes: string;
}

const images: readonly Image[] = JSON.parse(readFileSync(new URL("images/firmware-0.1.json", import.meta.url), "utf8"));
const flashOf = ({ bytes }: Image) => Uint8Array.from(gunzipSync(Buffer.from(bytes, "base64")));

/** Sends all waiting readings in order, including those further from the oldest than the outbox looks ahead. */
function drain(device: ReadingDevice): void {
  const { entries } = device.outbox.statistics();
  for (let i = 0; i < entries; i++) {
    const [sequence] = device.waiting();
    expect(device.see(sequence)?.value).toBe(sequence < 10 ? 19 : 20 + ((sequence - 10) % 40) / 10);
    device.outbox.settle(sequence);
  }
  expect(entries).toBeGreaterThan(150);
  expect(device.outbox.statistics()).toMatchObject({ entries: 0, damaged: 0 });
}

describe.each(images.filter(({ writeUnit }) => writeUnit === 1).map((image) => [image.name, image] as const))(
  "flash of 0.1: %s",
  (_name, image) => {
    const { blocks, blockLength, next, waiting } = image;
    const openDevice = () => new ReadingDevice({ blocks, blockLength, bytes: flashOf(image) });

    test("every waiting reading has the message that 0.1 would have sent", () => {
      const device = openDevice();
      expect(device.waiting()).toEqual(waiting.map(({ sequence }) => sequence));
      for (const { qos, released, ...seen } of waiting) {
        const entry = device.outbox.seek(seen.sequence);
        expect([entry?.qos, entry?.released]).toEqual([qos, released]);
        expect(device.see(seen.sequence)).toEqual(seen);
      }
    });

    test("new samples follow, short ones too, while the old ones drain, over reboots: none lost, none twice", () => {
      const device = openDevice();
      device.setClock();
      if (image.name.startsWith("full")) drain(device); // or the new ones would evict the old
      const expected = new Map<number, Partial<Seen>>(
        device.outbox.entries === 0 ? [] : waiting.map(({ qos, released, ...seen }) => [seen.sequence, seen]),
      );
      for (let i = 0; i < 150; i++) {
        device.pass(60_000);
        const value = 21 + (i % 20) / 100;
        const sequence = device.take(sampleOf(i < 100 ? { temperature: value } : { temperature: value, humidity: 45 }));
        expect(sequence).toBe(next + i);
        expected.set(sequence, { sequence, value, ...(i < 100 ? {} : { humidity: 45 }) });
        const [oldest] = expected.keys();
        expect(device.see(oldest)).toMatchObject(expected.get(oldest) ?? {});
        device.outbox.settle(oldest);
        expected.delete(oldest);
        device.outbox.idle();
        if (i % 40 === 39) {
          device.boot();
          device.setClock();
        }
      }
      expect(device.waiting()).toEqual([...expected.keys()]);
      for (const [sequence, seen] of expected) {
        expect(device.see(sequence)).toMatchObject(seen);
        device.outbox.settle(sequence);
      }
      expect(device.outbox.statistics()).toMatchObject({ entries: 0, damaged: 0 });
    });
  },
);

test.each(images.filter(({ writeUnit }) => writeUnit === 16).map((image) => [image.name, image] as const))(
  "flash of 0.1, %s: waiting entries are returned, and those appended after them",
  (_name, image) => {
    const flash = new NorFlash({
      blocks: image.blocks,
      blockLength: image.blockLength,
      writeUnit: 16,
      bytes: flashOf(image),
    });
    const wanted = image.waiting as unknown as number[];
    for (let boot = 0; boot < 3; boot++) {
      flash.powerOn();
      const outbox = new Outbox({ flash, writeUnit: 16 });
      const found: number[] = [];
      for (let entry = outbox.seek(0); entry !== undefined; entry = outbox.seek(entry.sequence + 1)) {
        const { sequence, qos, payload, payloadLength } = entry;
        found.push(sequence);
        if (sequence >= 60) continue;
        expect(qos).toBe(sequence % 2 === 0 ? 2 : 1);
        expect([...payload.subarray(0, payloadLength)]).toEqual(
          [...Array(12).keys()].map((k) => (sequence * 7 + k) & 0xff),
        );
      }
      expect(found).toEqual([...wanted, ...[...Array(boot).keys()].map((i) => 60 + i)]);
      expect(outbox.append(Uint8Array.of(boot, 2, 3), 1)).toBe(60 + boot);
    }
  },
);
