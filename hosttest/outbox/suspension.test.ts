/*
 * An outbox that continues where an earlier run was suspended: it has the state that a mount would find, works as a mounted one does, and
 * mounts if flash is not as remembered.
 */
import { describe, expect, test } from "vitest";
import { NorFlash, PowerCut } from "../../boards/parts/flash/nor-flash.js";
import { Appender } from "../../src/outbox/appender.js";
import { Outbox, type Suspension } from "../../src/outbox/outbox.js";
import { MAX_LIVE, MAX_STATE_BYTES } from "../../src/outbox/queue/suspended.js";
import { Random } from "../simulation/random.js";
import { SEED } from "../support/seed.js";

const BLOCKS = 8;
const MAX_PAYLOAD = 24;
const TAG = 3;

function flashOf(writeUnit: 1 | 16, blocks = BLOCKS): NorFlash {
  return new NorFlash({ blocks, blockLength: 1024, writeUnit });
}

function mounted(flash: NorFlash, suspension?: Suspension): Outbox {
  flash.powerOn();
  return new Outbox({ flash, writeUnit: flash.writeUnit, maxPayload: MAX_PAYLOAD, suspension });
}

/** The state after a sleep: what RTC memory has kept, with entries that an `Appender` appended meanwhile. */
function slept(outbox: Outbox): Suspension {
  const suspension = outbox.suspend();
  outbox.close();
  if (suspension === undefined) throw new Error("no suspension");
  return { ...suspension, outboxState: suspension.outboxState.slice() };
}

/** Appends as short wakes do; returns the number of entries that fitted. */
function appendAsleep(flash: NorFlash, suspension: Suspension, payloads: readonly Uint8Array[]): Suspension {
  let now = suspension;
  for (const payload of payloads) {
    flash.powerOn();
    const appender = new Appender({ flash, writeUnit: flash.writeUnit, maxPayload: MAX_PAYLOAD }, now);
    if (!appender.isConfirmed() || appender.append(payload, 1) < 0) return now;
    now = { ...now, end: appender.end, number: appender.number };
  }
  return now;
}

/** Everything that an outbox returns, including its entries and their notes. */
function stateOf(outbox: Outbox): unknown {
  // A mount knows which blocks are in use; a run counts all that it has not freed yet. Only a mount reads the wear again.
  const { tornRecords, blocksUsed, bytesUsed, erases, lifeLeft, flashFailures, ...statistics } = outbox.statistics();
  const entries: string[] = [];
  for (let entry = outbox.seek(0); entry !== undefined; entry = outbox.seek(entry.sequence + 1)) {
    const { sequence, payload, payloadLength, released } = entry;
    const bytes = [...payload.subarray(0, payloadLength)];
    entries.push(`${sequence}: ${bytes.join(" ")} ${released} under ${outbox.noteAt(sequence, TAG)}`);
  }
  return [statistics, entries, [0, 1, TAG].map((tag) => outbox.readNote(tag)), outbox.nextSequence];
}

/** Another flash with the same contents. */
function copyOf(flash: NorFlash): NorFlash {
  const { blocks, blockLength, writeUnit } = flash;
  const copy = new NorFlash({ blocks, blockLength, writeUnit });
  copy.restore(flash.save());
  return copy;
}

const payloadOf = (n: number): Uint8Array =>
  n % 5 === 4 ? new Uint8Array(12).fill(n) : Uint8Array.of(n, n >> 8, n & 0x3f);

describe.each([1, 16] as const)("write unit %i", (writeUnit) => {
  test("after any work and any sleep, it has the state that a mount of the same flash finds, and continues", () => {
    const random = new Random(SEED);
    const pick = (count: number): number => Math.floor(random.unit() * count);
    let restored = 0;
    for (let trial = 0; trial < 3; trial++) {
      const flash = flashOf(writeUnit);
      let outbox = mounted(flash);
      let next = 0;
      for (let round = 0; round < 40; round++) {
        for (let n = pick(40); n > 0; n--) outbox.append(payloadOf(next++), 1);
        if (pick(4) === 0) outbox.note(pick(2) === 0 ? TAG : 0, Uint8Array.of(round, next));
        let left = pick(3) === 0 ? pick(60) : Number.POSITIVE_INFINITY;
        for (let entry = outbox.seek(0); entry !== undefined && left-- > 0; entry = outbox.seek(entry.sequence)) {
          outbox.settle(entry.sequence);
        }
        for (let n = pick(4); n > 0; n--) outbox.idle();
        if (pick(8) === 0) outbox.requeue();
        outbox.append(payloadOf(next++), 1); // a run that wrote nothing is mounted again
        outbox.suspend();
        const { erases, tornRecords } = outbox.statistics();
        const before = slept(outbox);
        const payloads = Array.from({ length: pick(30) }, () => payloadOf(next++));
        const suspension = appendAsleep(flash, before, payloads);
        next = suspension.number;
        const programs = flash.programs;
        outbox = mounted(flash, suspension);
        const context = `seed ${SEED}, trial ${trial}, round ${round}`;
        expect(flash.programs, context).toBe(programs);
        if (before.outboxState.length > 0) expect(outbox.statistics(), context).toMatchObject({ erases, tornRecords });
        const copy = copyOf(flash);
        expect(stateOf(outbox), context).toEqual(stateOf(mounted(copy)));
        if (suspension.outboxState.length > 0) restored++;
      }
      expect(flash.violations).toBe(0);
    }
    expect(restored).toBeGreaterThan(25);
  });

  test("power is cut anywhere after it has resumed: appended and unsettled entries are there, in order", () => {
    const random = new Random(SEED + 1);
    const pick = (count: number): number => Math.floor(random.unit() * count);
    for (let cut = 0; cut < 40; cut++) {
      const flash = flashOf(writeUnit);
      const first = mounted(flash);
      for (let n = 0; n < 30; n++) first.append(payloadOf(n), 1);
      for (let n = 0; n < 30; n++) first.settle(n);
      const suspension = appendAsleep(flash, slept(first), [30, 31, 32].map(payloadOf));
      const outbox = mounted(flash, suspension);
      let appended = suspension.number;
      let settled = 30;
      flash.cutAfter(pick(6_000));
      try {
        while (!flash.isOff) {
          if (outbox.append(payloadOf(appended), 1) >= 0) appended++;
          while (!flash.isOff && pick(2) === 0 && settled < appended) {
            outbox.settle(settled);
            settled++;
          }
          outbox.idle();
        }
      } catch (error) {
        if (!(error instanceof PowerCut)) throw error;
      }
      const after = mounted(flash);
      const found: number[] = [];
      for (let entry = after.seek(0); entry !== undefined; entry = after.seek(entry.sequence + 1))
        found.push(entry.sequence);
      const context = `seed ${SEED}, cut ${cut}`;
      expect(found, context).toEqual(found.map((_, i) => found[0] + i));
      expect(after.nextSequence, context).toBeGreaterThanOrEqual(appended);
      // In units of 16 settles may come back; an entry that was not settled never goes.
      expect(found[0] ?? after.nextSequence, context).toBeLessThanOrEqual(settled + 1);
      if (writeUnit === 1) expect(found[0] ?? after.nextSequence, context).toBeGreaterThanOrEqual(settled);
      expect(flash.violations, context).toBe(0);
    }
  });

  test("a start takes few reads, however large the flash is; spares are looked at when one is wanted", () => {
    const starts = [8, 256].map((blocks) => {
      const flash = flashOf(writeUnit, blocks);
      const outbox = mounted(flash);
      for (let n = 0; n < 20; n++) outbox.append(payloadOf(n), 1);
      for (let n = 0; n < 20; n++) outbox.settle(n);
      while (outbox.idle());
      const suspension = appendAsleep(flash, slept(outbox), [payloadOf(20)]);
      const { reads } = flash;
      const goesOn = mounted(flash, suspension);
      expect(goesOn.seek(0)?.sequence).toBe(20);
      goesOn.idle();
      return flash.reads - reads;
    });
    expect(starts[1]).toBe(starts[0]);
    expect(starts[0]).toBeLessThanOrEqual(6);
  });

  test.each([
    ["an entry more", (flash: NorFlash, now: Suspension) => void appendAsleep(flash, now, [payloadOf(9)])],
    ["nothing", (flash: NorFlash) => flash.bytes.fill(0xff)],
    ["a damaged head", (flash: NorFlash) => flash.bytes.fill(0, 16, 20)],
  ] as const)("mounts where flash holds %s", (_, change) => {
    const flash = flashOf(writeUnit);
    const outbox = mounted(flash);
    outbox.append(payloadOf(0), 1);
    const suspension = slept(outbox);
    change(flash, suspension);
    const copy = copyOf(flash);
    expect(stateOf(mounted(flash, suspension))).toEqual(stateOf(mounted(copy)));
  });

  test("mounts where the state is none, or of another flash", () => {
    const flash = flashOf(writeUnit);
    const outbox = mounted(flash);
    outbox.append(payloadOf(0), 1);
    const suspension = slept(outbox);
    const { outboxState: state } = suspension;
    const other = state.slice();
    other[18]++; // blocks of the flash
    for (const outboxState of [new Uint8Array(0), state.slice(0, 40), state.slice(0, -4), other]) {
      const copy = copyOf(flash);
      const { reads } = copy;
      expect(stateOf(mounted(copy, { ...suspension, outboxState }))).toEqual(stateOf(mounted(copyOf(flash))));
      expect(copy.reads - reads).toBeGreaterThan(BLOCKS);
    }
  });

  test("a state has the declared length, and there is none if a backlog is longer", () => {
    const flash = flashOf(writeUnit, 2 * MAX_LIVE);
    let outbox = mounted(flash);
    const lengths: number[] = [];
    for (let n = 0; outbox.statistics().blocksUsed <= MAX_LIVE; n++) {
      outbox.append(payloadOf(n), 1);
      if (n % 50 !== 0) continue;
      const suspension = slept(outbox);
      lengths.push(suspension.outboxState.length);
      outbox = mounted(flash, suspension);
    }
    expect(Math.max(...lengths)).toBeLessThanOrEqual(MAX_STATE_BYTES);
    expect(outbox.suspend()?.outboxState).toHaveLength(0);
  });
});

test("it works as one that has not slept: the same bytes on flash, in all operations", () => {
  const random = new Random(SEED + 2);
  const pick = (count: number): number => Math.floor(random.unit() * count);
  for (let trial = 0; trial < 3; trial++) {
    const [awake, sleeping] = [flashOf(1), flashOf(1)];
    let one = mounted(awake);
    let other = mounted(sleeping);
    let rounds = 0;
    for (let round = 0; round < 60; round++) {
      const works = Array.from({ length: 1 + pick(3) }, () => workOf(pick));
      for (const work of works) {
        work(one);
        work(other);
      }
      const work = (outbox: Outbox): number => outbox.append(payloadOf(round), 2);
      expect(work(other)).toBe(work(one)); // a run that wrote nothing is mounted again
      one.suspend(); // as the other one does before it sleeps
      other = mounted(sleeping, slept(other));
      if (!other.goesOn) one = mounted(awake);
      if (other.goesOn) rounds++;
      const context = `seed ${SEED}, trial ${trial}, round ${round}`;
      expect(difference(sleeping.bytes, awake.bytes), context).toBe(-1);
      expect(stateOf(other), context).toEqual(stateOf(one));
    }
    expect(rounds).toBeGreaterThan(20);
  }
});

/** The first word, of 32 bits, in which two images differ; -1: none. */
function difference(one: Uint8Array, other: Uint8Array): number {
  const [words, others] = [one, other].map(
    ({ buffer, byteOffset, length }) => new Int32Array(buffer, byteOffset, length >> 2),
  );
  return words.findIndex((word, n) => word !== others[n]);
}

/** Something that an outbox's owner does. */
function workOf(pick: (count: number) => number): (outbox: Outbox) => void {
  const count = 1 + pick(60);
  const start = pick(2);
  switch (pick(6)) {
    case 0:
    case 1:
      return (outbox) => {
        for (let n = 0; n < count; n++) outbox.append(payloadOf(n), n % 2 === 0 ? 1 : 2);
      };
    case 2: // out of order
      return (outbox) => {
        for (let n = 0; n < count; n++) {
          const oldest = outbox.seek(0);
          const entry = oldest && start === 1 ? (outbox.seek(oldest.sequence + 1) ?? outbox.seek(0)) : oldest;
          if (entry !== undefined) outbox.settle(entry.sequence);
        }
      };
    case 3:
      return (outbox) => {
        for (
          let entry = outbox.seek(0), n = 0;
          entry !== undefined && n < 9;
          entry = outbox.seek(entry.sequence + 1), n++
        ) {
          if (entry.qos === 2) outbox.released(entry.sequence);
        }
        if (start === 1) outbox.requeue();
      };
    case 4:
      return (outbox) => outbox.note(start === 1 ? TAG : 1, Uint8Array.of(count, start));
    default:
      return (outbox) => {
        while (outbox.idle());
        for (let entry = outbox.seek(0); entry !== undefined; entry = outbox.seek(0)) outbox.settle(entry.sequence);
      };
  }
}

test("a light wake whose flash fails is followed by a mount", () => {
  for (const writeUnit of [1, 16] as const) {
    const flash = flashOf(writeUnit);
    const outbox = mounted(flash);
    outbox.append(payloadOf(0), 1);
    const suspension = slept(outbox);
    flash.powerOn();
    const appender = new Appender({ flash, writeUnit, maxPayload: MAX_PAYLOAD }, suspension);
    const { programs } = flash;
    flash.faults = {
      read(buffer) {
        if (flash.programs > programs) buffer[0] ^= 1;
      },
    };
    expect(appender.isConfirmed() && appender.append(payloadOf(1), 1)).toBe(-1);
    expect(appender.end).toBe(0);
  }
});

test("it still counts the records that a power cut has torn", () => {
  const flash = flashOf(1);
  let outbox = mounted(flash);
  for (let n = 0; n < 4; n++) outbox.append(payloadOf(n), 1);
  flash.cutAfter(5);
  outbox.append(new Uint8Array(12).fill(7), 1); // without power, its result has no meaning
  outbox = mounted(flash);
  outbox.append(payloadOf(5), 1);
  const { tornRecords } = outbox.statistics();
  expect(tornRecords).toBe(1);
  expect(mounted(flash, slept(outbox)).statistics().tornRecords).toBe(tornRecords);
});
