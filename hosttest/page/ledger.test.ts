/* The page's ledger: what counts as delivered, waiting, doubled and lost. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { csvOf, Ledger } from "../../boards/desktop/page/ledger.js";
import { SEED } from "../support/seed.js";

const T = 1_000_000;
const LATER = T + 60_000;

function taken(...seqs: number[]): Ledger {
  const ledger = new Ledger();
  for (const seq of seqs) ledger.taken(seq, T + seq, { value: 21 });
  return ledger;
}

describe("counts", () => {
  test("waiting, then on its way, then delivered; a second arrival is a double", () => {
    const ledger = taken(0, 1, 2);
    expect(ledger.counts(T)).toMatchObject({ taken: 3, waiting: 3, delivered: 0, lost: 0 });
    ledger.settled(0, "delivered", T, true);
    expect(ledger.counts(T + 100)).toMatchObject({ waiting: 2, inTransit: 1, lost: 0 });
    ledger.received(0, T + 200, {});
    ledger.received(0, T + 300, {});
    expect(ledger.counts(LATER)).toMatchObject({ taken: 3, waiting: 2, delivered: 1, doubled: 1, lost: 0 });
  });

  test("acknowledged and never arrived: lost, unless the subscriber was disconnected or it is a dead letter", () => {
    const ledger = taken(0, 1, 2, 3);
    ledger.settled(0, "delivered", T, true);
    ledger.settled(1, "delivered", T, false);
    ledger.settled(2, "deadLetter", T, true);
    ledger.settled(3, "delivered", T, true);
    ledger.unwatched(); // while 0 and 3 are on their way
    expect(ledger.counts(LATER)).toMatchObject({ lost: 0, unseen: 3, deadLetters: 1 });
    const other = taken(0);
    other.settled(0, "delivered", T, true);
    expect(other.counts(LATER)).toMatchObject({ lost: 1 });
  });

  test("at a boot flash decides what waits: entries no longer there were settled, unknown ones are new", () => {
    const ledger = taken(5, 6);
    expect(ledger.reconcile(new Set([4, 6]), T).map(({ seq }) => seq)).toEqual([5, 4]);
    expect(ledger.counts(LATER)).toMatchObject({ taken: 3, waiting: 2, lost: 1 });
    ledger.received(4, LATER, { takenMs: T - 1, values: { value: 20 } });
    expect(ledger.get(4)).toMatchObject({ takenMs: T - 1, values: { value: 20 }, copies: 1 });
  });

  test("two ledgers of the same samples, merged in any order and any number of times, are one", () => {
    const event = fc.record({
      seq: fc.nat(9),
      what: fc.constantFrom("taken", "settled", "received"),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), fc.integer({ min: 1, max: 3 }), (events, times) => {
        const whole = new Ledger();
        const page = new Ledger();
        for (const { seq, what } of events) {
          if (what === "taken") whole.taken(seq, T, { value: seq });
          else if (what === "settled") whole.settled(seq, "delivered", T, true);
          else whole.received(seq, T, {});
          const sample = whole.get(seq);
          for (let n = 0; n < times && sample !== undefined; n++) page.merge(JSON.parse(JSON.stringify(sample)));
        }
        expect(page.counts(LATER)).toEqual(whole.counts(LATER));
      }),
      { seed: SEED },
    );
  });

  test("of very many samples the details of the oldest go, and not the counts", () => {
    const ledger = new Ledger();
    for (let seq = 0; seq < 20_010; seq++) {
      ledger.taken(seq, T, { value: 1 });
      ledger.settled(seq, "delivered", T, true);
      ledger.received(seq, T + 5_000, {});
    }
    expect(ledger.samples.length).toBe(20_000);
    expect(ledger.counts(LATER)).toMatchObject({ taken: 20_010, delivered: 20_010, late: 20_010, doubled: 0, lost: 0 });
  });
});

test("CSV: a head, a line a sample, times in UTC, nothing where nothing is known", () => {
  const ledger = new Ledger();
  ledger.taken(1, Date.UTC(2026, 5, 17, 9, 12), { value: 21.5, humidity: 45 });
  ledger.received(1, Date.UTC(2026, 5, 17, 9, 13), {});
  ledger.found(2);
  expect(csvOf(ledger.samples)).toBe(
    "seq,taken,value,humidity,state,received,copies\r\n" +
      "1,2026-06-17T09:12:00.000Z,21.5,45,waiting,2026-06-17T09:13:00.000Z,1\r\n" +
      "2,,,,waiting,,0\r\n",
  );
});
