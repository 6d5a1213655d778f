/*
 * The outbox's use of flash: programmed bytes and calls, entries for each erase, wear, reads of a mount, RAM, and brown-outs.
 * On simulated flash of 64 KiB, which is filled a hundred times; every entry is appended, read and settled. The figures of other
 * designs are not measured in this run. They were recorded in one measurement of the same work (a queue of 128-byte messages) on a
 * byte-accurate emulator, which is not part of this repository.
 */
import { generator, NorFlash } from "../../boards/parts/flash/nor-flash.js";
import { BYTES_A_BLOCK } from "../../src/outbox/blocks/blocks.js";
import { HEAD_BYTES } from "../../src/outbox/flash/layout.js";
import { Outbox } from "../../src/outbox/outbox.js";
import { type Row, row } from "./row.js";

const BLOCKS = 16;
const LAPS = 100;
const MESSAGE_BYTES = 128;
const READING_BYTES = 12;
/** A sample as the journal stores it while it stays near its base: temperature, or temperature and humidity. A short frame. */
const SHORT_BYTES = 3;
/** The notes of a device, bytes by tag: the room "livingroom", the clock, the session, the counters, the base of the samples. */
const NOTES = [11, 14, 9, 12, 26] as const;
const BROWN_OUTS = 100;

type Unit = 1 | 16;
type QoS = 1 | 2;

/** Other designs, from one measurement: programmed bytes and program calls for each message, messages for each erase. */
const OTHERS: readonly (readonly [name: string, bytes: number, calls: number, anErase: number])[] = [
  ["littlefs, a file a message", 241, 3.0, 17],
  ["littlefs, log + cursor file", 2156, 10.7, 1],
  ["ESP-IDF NVS blob", 215, 8.5, 21],
  ["FlashDB TSDB (loses at 10 % of cuts)", 144, 5.3, 28],
  ["mynewt FCB (loses at 10 % of cuts)", 131, 3.0, 31],
  ["sequential-storage (loses in 60 % of cut erases)", 144, 3.1, 30],
];

interface Figures {
  readonly bytes: number;
  readonly calls: number;
  readonly anErase: number;
  readonly wear: number;
}

/** The figures of `npm run bench -- flash`. */
export function flashRows(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, bytes, calls, anErase] of OTHERS) {
    rows.push({ ...row(`${name}: programmed bytes`, bytes, "a message"), recorded: true });
    rows.push({ ...row(`${name}: program calls`, calls, "a message"), recorded: true });
    rows.push({ ...row(`${name}: messages`, anErase, "an erase"), recorded: true });
  }
  rows.push(...messageRows(), ...recordRows(), ...shortRows(), ...mountRows(), ...brownOutRows());
  return Promise.resolve(rows);
}

function messageRows(): Row[] {
  const bytewise = ring(MESSAGE_BYTES, 1, 1);
  return [
    row("outbox, 128 B, QoS 1: programmed bytes", bytewise.bytes / MESSAGE_BYTES, "a payload byte", 1.11),
    row("outbox, 128 B, QoS 1: programmed bytes", bytewise.bytes, "a message"),
    row("outbox, 128 B, QoS 1: program calls", bytewise.calls, "a message", 2.2),
    atLeast("outbox, 128 B, QoS 1: messages", bytewise.anErase, "an erase", 29),
    row("outbox, 128 B, QoS 1: wear, most to mean", bytewise.wear, "", 1.01),
    atLeast("outbox, 128 B, QoS 2: messages", ring(MESSAGE_BYTES, 1, 2).anErase, "an erase", 29),
    atLeast("units of 16, 128 B, QoS 1: messages", ring(MESSAGE_BYTES, 16, 1).anErase, "an erase", 25),
    atLeast("units of 16, 128 B, QoS 2: messages", ring(MESSAGE_BYTES, 16, 2).anErase, "an erase", 23),
  ];
}

/**
 * Samples that fit a short frame, on flash with the notes of a device. In units of 16, each append, each release and each eighth
 * settle takes one of the 253 units of a block; the notes take 11.
 */
function shortRows(): Row[] {
  const bytewise = ring(SHORT_BYTES, 1, 1, NOTES);
  return [
    row("outbox, short frames, QoS 1: programmed bytes", bytewise.bytes, "a sample"),
    row("outbox, short frames, QoS 1: program calls", bytewise.calls, "a sample"),
    atLeast("outbox, short frames, QoS 1: samples", bytewise.anErase, "an erase", 480),
    atLeast("outbox, short frames, QoS 2: samples", ring(SHORT_BYTES, 1, 2, NOTES).anErase, "an erase", 480),
    row("outbox, short frames, QoS 1: wear, most to mean", bytewise.wear, "", 1.01),
    atLeast("units of 16, short frames, QoS 1: samples", ring(SHORT_BYTES, 16, 1, NOTES).anErase, "an erase", 170),
    atLeast("units of 16, short frames, QoS 2: samples", ring(SHORT_BYTES, 16, 2, NOTES).anErase, "an erase", 120),
  ];
}

/** Records of firmware 0.1. A sample that does not fit a short frame is still stored like this. */
function recordRows(): Row[] {
  const bytewise = ring(READING_BYTES, 1, 1);
  return [
    row("outbox, readings, QoS 1: programmed bytes", bytewise.bytes, "a reading"),
    row("outbox, readings, QoS 1: program calls", bytewise.calls, "a reading"),
    atLeast("outbox, readings, QoS 1: readings", bytewise.anErase, "an erase", 190),
    row("outbox, readings, QoS 1: wear, most to mean", bytewise.wear, "", 1.01),
    atLeast("units of 16, readings, QoS 1: readings", ring(READING_BYTES, 16, 1).anErase, "an erase", 84),
    atLeast("units of 16, readings, QoS 2: readings", ring(READING_BYTES, 16, 2).anErase, "an erase", 63),
  ];
}

/** Appends, reads and settles entries until the flash was filled LAPS times. `notes`: bytes of the notes in force, by tag. */
function ring(length: number, unit: Unit, qos: QoS, notes: readonly number[] = []): Figures {
  const flash = new NorFlash({ blocks: BLOCKS, writeUnit: unit });
  const outbox = new Outbox({ flash, writeUnit: unit });
  for (const [tag, bytes] of notes.entries()) outbox.note(tag, new Uint8Array(bytes));
  const payload = new Uint8Array(length);
  let count = 0;
  // Counted from the end of the first lap: during it, the erased blocks were never written.
  while (erasesOf(flash) < BLOCKS) count += pass(outbox, payload, qos);
  const first = { count, erases: erasesOf(flash), programs: flash.programs, bytes: flash.programmedBytes };
  while (erasesOf(flash) < BLOCKS * (LAPS + 1)) count += pass(outbox, payload, qos);
  const entries = count - first.count;
  return {
    bytes: (flash.programmedBytes - first.bytes) / entries,
    calls: (flash.programs - first.programs) / entries,
    anErase: entries / (erasesOf(flash) - first.erases),
    wear: (Math.max(...flash.erases) * BLOCKS) / erasesOf(flash),
  };
}

function pass(outbox: Outbox, payload: Uint8Array, qos: QoS): number {
  const sequence = outbox.append(payload, qos);
  const entry = outbox.seek(sequence);
  if (entry?.sequence !== sequence) throw new Error(`entry ${sequence} is not delivered`);
  if (qos === 2) outbox.released(sequence);
  outbox.settle(sequence);
  outbox.idle();
  return 1;
}

function erasesOf(flash: NorFlash): number {
  return flash.erases.reduce((sum, erases) => sum + erases);
}

/** A full partition of 1 MiB: bytes read by a mount and for the first entry after it, and RAM for each block. */
function mountRows(): Row[] {
  const rows: Row[] = [];
  for (const unit of [1, 16] as const) {
    const flash = new NorFlash({ blocks: 256, writeUnit: unit });
    const full = new Outbox({ flash, writeUnit: unit, whenFull: "refuse" });
    while (full.append(new Uint8Array(READING_BYTES), 1) !== -1) full.idle();
    flash.powerOn();
    flash.readBytes = 0;
    const outbox = new Outbox({ flash, writeUnit: unit });
    const mode = unit === 1 ? "bytes" : "units of 16";
    rows.push(row(`mount of a full 1 MiB, ${mode}`, flash.readBytes, "bytes read", 256 * HEAD_BYTES + 2 * 4096));
    flash.readBytes = 0;
    outbox.seek(0);
    rows.push(row(`first entry after that, ${mode}`, flash.readBytes, "bytes read"));
  }
  rows.push(row("RAM beyond one record buffer", BYTES_A_BLOCK, "bytes a block", 8));
  return rows;
}

/** A hundred power cuts in a row, each within an append. */
function brownOutRows(): Row[] {
  const rows: Row[] = [];
  for (const unit of [1, 16] as const) {
    for (const length of [READING_BYTES, MESSAGE_BYTES]) {
      const name = `${BROWN_OUTS} brown-outs in appends of ${length} B, ${unit === 1 ? "bytes" : "units of 16"}`;
      rows.push(row(name, brownOuts(unit, length), "blocks", 1));
    }
  }
  return rows;
}

/** Blocks that the brown-outs used up: how many entries fewer fit, divided by the entries of a block. */
function brownOuts(unit: Unit, length: number): number {
  const random = generator(7);
  const flash = new NorFlash({ blocks: BLOCKS, writeUnit: unit, random });
  let outbox = new Outbox({ flash, writeUnit: unit });
  const payload = new Uint8Array(length).fill(0x5a);
  for (let i = 0; i < 5; i++) outbox.append(payload, 1);
  const before = capacity(flash, unit, payload);
  for (let i = 0; i < BROWN_OUTS; i++) {
    while (outbox.idle()); // recovered: the cut falls in the append
    flash.cutAfter(Math.floor(random() * length));
    outbox.append(payload, 1);
    flash.powerOn();
    outbox = new Outbox({ flash, writeUnit: unit });
  }
  const stored = outbox.entries - 5;
  const perBlock = Math.floor(4096 / (length + 8));
  return (before - stored - capacity(flash, unit, payload)) / perBlock;
}

/** How many more entries fit; tried on a copy of the flash. */
function capacity(flash: NorFlash, unit: Unit, payload: Uint8Array): number {
  const copy = new NorFlash({ blocks: BLOCKS, writeUnit: unit, bytes: flash.bytes.slice() });
  const outbox = new Outbox({ flash: copy, writeUnit: unit, whenFull: "refuse" });
  let count = 0;
  while (outbox.append(payload, 1) !== -1) count++;
  return count;
}

/** A figure that should be at least `goal`. */
function atLeast(name: string, value: number, unit: string, goal: number): Row {
  return { ...row(name, value, `${unit} (at least ${goal})`), met: Math.round(value * 1000) / 1000 >= goal };
}
