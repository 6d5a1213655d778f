/*
 * The cost of a boot, by the content of flash: an outbox that was never used, one that is full, and one that was full and has
 * drained. Measured is the work before the prompt (the mount, the journal's notes, the oldest entry), then the first reading.
 */

import { TEMPERATURE } from "../../../src/channels/channels.js";
import { Sample } from "../../../src/channels/sample.js";
import { Journal } from "../../../src/journal/journal.js";
import { Sticky } from "../../../src/journal/sticky.js";
import { encodeTopicName } from "../../../src/mqtt/wire/topics.js";
import { encodeUTF8 } from "../../../src/mqtt/wire/utf8.js";
import type { Flash, FlashStatus } from "../../../src/outbox/flash/flash.js";
import { Outbox } from "../../../src/outbox/outbox.js";
import { enter, leave, spent } from "./meter.js";

/** Content of flash when the device boots. */
export type Contents = "empty" | "full" | "drained";

/** Work of one callback. */
export interface Work {
  computrons: number;
  reads: number;
  programs: number;
  erases: number;
}

const BLOCK_BYTES = 4_096;
const TOPIC = encodeTopicName("home/livingroom/temperature");
const ROOM = encodeUTF8("livingroom");
const EPOCH_MS = 1_781_687_520_000;
const INTERVAL_MS = 10_000;
const IN_FLIGHT = 8;
const QUEUE_TURN = 16;

const bytes = { flash: new Uint8Array(0) };
const calls = new Uint32Array(4);
const READS = 0;
const PROGRAMS = 1;
const ERASES = 2;
const READ_BYTES = 3;

/** NOR flash that counts its calls. The cost of its own work is subtracted, as for the other parts of the harness. */
export class CountedFlash implements Flash {
  read(buffer: Uint8Array, offsetBytes: number): number {
    const entered = enter();
    calls[READS]++;
    calls[READ_BYTES] += buffer.length;
    const { flash } = bytes;
    for (let i = 0; i < buffer.length; i++) buffer[i] = flash[offsetBytes + i]; // allocates nothing
    leave(entered);
    return buffer.length;
  }
  write(buffer: Uint8Array, offsetBytes: number): void {
    const entered = enter();
    calls[PROGRAMS]++;
    for (let i = 0; i < buffer.length; i++) bytes.flash[offsetBytes + i] &= buffer[i];
    leave(entered);
  }
  eraseBlock(first: number, end = first + 1): void {
    const entered = enter();
    calls[ERASES] += end - first;
    bytes.flash.fill(0xff, first * BLOCK_BYTES, end * BLOCK_BYTES);
    leave(entered);
  }
  status(): FlashStatus {
    return { size: bytes.flash.length, blockLength: BLOCK_BYTES, blocks: bytes.flash.length / BLOCK_BYTES };
  }
  close(): void {}
}

const SAMPLE = new Sample();
SAMPLE.set(TEMPERATURE, 21.44, 2);
const clock = { uptimeMs: 1_000, isSet: false };

function openJournal(store: Outbox): Journal {
  return new Journal({
    store,
    notes: new Sticky(store),
    boot: 1,
    isEach: false,
    clock: {
      uptimeMs: () => clock.uptimeMs,
      utcMs: () => (clock.isSet ? EPOCH_MS + clock.uptimeMs : undefined),
    },
    room: ROOM,
    format: "json",
    intervalMs: INTERVAL_MS,
    topicOf: () => TOPIC,
  });
}

function takeReading(outbox: Outbox, journal: Journal): number {
  clock.uptimeMs += INTERVAL_MS;
  const sequence = journal.append(SAMPLE, 1);
  outbox.idle();
  return sequence;
}

/** Replaces the flash by a blank one of `blocks` blocks. */
export function blankFlash(blocks: number): void {
  bytes.flash = new Uint8Array(blocks * BLOCK_BYTES).fill(0xff);
  host.keepWritable();
}

/** Calls of flash, and bytes read, since the figures were last set to 0. */
export function flashWork(): { reads: number; readBytes: number; programs: number } {
  return { reads: calls[READS], readBytes: calls[READ_BYTES], programs: calls[PROGRAMS] };
}

/** An earlier boot: fills the outbox, and, for "drained", drains it with some readings in flight. Returns how many it took. */
function prepare(contents: Contents, blocks: number): number {
  blankFlash(blocks);
  if (contents === "empty") return 0;
  const outbox = new Outbox({ flash: new CountedFlash(), whenFull: "refuse" });
  const journal = openJournal(outbox);
  let count = 0;
  while (takeReading(outbox, journal) !== -1) count++;
  if (contents === "full") return count;
  const flying: number[] = [];
  for (let entry = outbox.seek(0); entry !== undefined; entry = outbox.seek(entry.sequence + 1)) {
    flying.push(entry.sequence);
    if (flying.length > IN_FLIGHT) outbox.settle(flying.shift() as number);
  }
  for (const sequence of flying) outbox.settle(sequence);
  return count;
}

function workOf(call: () => void): Work {
  calls.fill(0);
  const computrons = spent(call);
  return { computrons, reads: calls[READS], programs: calls[PROGRAMS], erases: calls[ERASES] };
}

/** Work of a boot on a partition of `blocks` blocks with these contents. */
export function bootWork(
  contents: Contents,
  blocks: number,
): { readings: number; mount: Work; start: Work; first: Work } {
  const readings = prepare(contents, blocks);
  let outbox: Outbox | undefined;
  let journal: Journal | undefined;
  const mount = workOf(() => {
    outbox = new Outbox({ flash: new CountedFlash() });
  });
  const start = workOf(() => {
    journal = openJournal(outbox as Outbox);
    (outbox as Outbox).seek(0);
  });
  const first = workOf(() => {
    takeReading(outbox as Outbox, journal as Journal);
  });
  return { readings, mount, start, first };
}

/** Work of each callback on a full outbox with undated readings of earlier boots. Work that grows with the backlog would show here. */
export function callbackWork(blocks: number): Readonly<Record<string, Work>> {
  prepare("full", blocks);
  const outbox = new Outbox({ flash: new CountedFlash() });
  const journal = openJournal(outbox);
  const works: Record<string, Work> = {};
  const measure = (name: string, call: () => void): void => {
    works[name] = workOf(call);
  };
  const renderOldest = (): void => {
    const entry = outbox.seek(0);
    if (entry !== undefined) journal.render(entry);
  };
  measure("CONNACK: session lost", () => outbox.requeue());
  measure("sending: the oldest, its clock searched", renderOldest);
  measure("clock set", () => {
    clock.isSet = true;
    journal.clockSet();
  });
  measure("acknowledgement: settled", () => outbox.settle(0));
  measure("status", () => outbox.statistics());
  measure("queue drop: 16 entries", () => {
    for (let i = 0; i < QUEUE_TURN; i++) outbox.settle(outbox.seek(0)?.sequence ?? 0);
  });
  outbox.setInFlight(0);
  measure("reading: flash full, the oldest block is evicted", () => {
    takeReading(outbox, journal);
  });
  measure("idle", () => outbox.idle());
  clock.isSet = false;
  return works;
}
