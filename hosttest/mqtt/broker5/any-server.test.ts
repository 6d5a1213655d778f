/*
 * A server of version 5 that refuses some messages, closes at times, loses its session, and changes its limits: whatever it does, the
 * client never hangs, obeys the limits, loses no entry that the server could accept, reports the others, and reports in advance how many it
 * may have sent.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { MemoryStore } from "../../../src/mqtt/delivery/store.js";
import { SEED } from "../../support/seed.js";
import { RefusingServer } from "../support/refusing-server.js";
import { setup5 } from "../support/setup5.js";

const MINUTE_MS = 60_000;

/** The server's answers to an entry: how often it refuses it, and the code; 0: it accepts it. */
const fate = fc.record({
  qos: fc.constantFrom(1 as const, 2 as const),
  code: fc.constantFrom(0, 0, 0, 0, 0x10, 0x97, 0x83, 0x87, 0x90, 0x95, 0x99),
  times: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 4 }) }, { weight: 1, arbitrary: fc.constant(30) }),
});
const limits = fc.record(
  {
    receiveMaximum: fc.integer({ min: 1, max: 20 }),
    maxQoS: fc.constant(1),
    aliasMaximum: fc.integer({ min: 0, max: 2 }),
  },
  { requiredKeys: [] },
);
const life = fc.record({
  fates: fc.array(fate, { minLength: 1, maxLength: 40 }),
  limits: fc.array(limits, { minLength: 1, maxLength: 4 }),
  /** After how many packets it closes, one number a connection; and whether it forgets the session then. */
  closes: fc.array(fc.tuple(fc.integer({ min: 0, max: 12 }), fc.boolean()), { maxLength: 12 }),
  window: fc.constantFrom(1, 2, 8, 30),
});

/** How many entries are unsettled, up to one and with it. */
function unsettledUpTo(store: MemoryStore, last: number): number {
  let count = 0;
  for (let entry = store.seek(0); entry && entry.sequence <= last; entry = store.seek(entry.sequence + 1)) count++;
  return count;
}

test("a server that refuses, closes and forgets at random: every acceptable entry arrives, once within a session, and the others are reported", () => {
  fc.assert(
    fc.property(life, ({ fates, limits: announced, closes, window }) => {
      const settled = new Map<number, string>();
      let reach = 0; // how many of the oldest entries may have been sent, by the client's reports
      const setup = setup5({
        window,
        onSession: (session) => {
          reach = session.present ? Math.max(reach, session.reach) : session.reach;
        },
        onReach: (entries) => {
          reach = Math.max(reach, entries);
        },
        onSettled: (sequence, outcome, by, code) => {
          expect(settled.has(sequence), "settled twice").toBe(false);
          settled.set(sequence, by ? `${outcome} ${by} ${code}` : outcome);
        },
      });
      const left = fates.map(({ times }) => times);
      const server = new RefusingServer(setup, (payload) => {
        const n = Number(payload.slice(1));
        if (unsettledUpTo(setup.store, n) > reach)
          server.breaches.push(`${payload} is not among the ${reach} oldest entries`);
        if (n >= fates.length) return 0;
        const { code } = fates[n];
        return code < 0x80 || code === 0x95 || code === 0x99 || left[n]-- > 0 ? code : 0;
      });
      let packets = 0;
      let connection = -1;
      let sessions = 1;
      server.onConnection = () => {
        connection++;
        packets = 0;
        server.limits = announced[connection % announced.length];
      };
      server.mustClose = () => {
        const [limit, isLost] = closes[connection] ?? [Number.POSITIVE_INFINITY, false];
        if (packets++ < limit) return false;
        if (isLost) {
          server.hasSession = false;
          sessions++;
        }
        return true;
      };
      fates.forEach(({ qos }, n) => {
        setup.publish(`m${n}`, qos);
      });
      server.run(MINUTE_MS);
      expect(server.breaches).toEqual([]);
      server.run(60 * MINUTE_MS);
      for (let n = 0; n < 60 && setup.store.length > 0; n++) {
        setup.publish(`m${fates.length + n}`, 1); // behind which an entry may be a dead letter
        setup.client.retry();
        server.run(MINUTE_MS);
      }
      fates.forEach(({ code }, n) => {
        const how = settled.get(n);
        const isNever = code === 0x95 || code === 0x99;
        expect(how, `${n}`).toBe(isNever ? `deadLetter refused ${code}` : "delivered");
        if (!isNever) expect(server.taken).toContain(`m${n}`);
      });
      const doubles = server.taken.length - new Set(server.taken).size;
      const lost = sessions - 1 + closes.length; // QoS 1 may arrive twice with each connection
      expect(doubles).toBeLessThanOrEqual(lost * 30);
      if (
        fates.every(({ qos }) => qos === 2) &&
        announced.every(({ maxQoS }) => maxQoS === undefined) &&
        sessions === 1
      )
        expect(doubles).toBe(0);
    }),
    { numRuns: 100, seed: SEED },
  );
}, 120_000);
