/*
 * A man in the middle who handles whole messages of the handshake: delays, drops, doubles or exchanges them, or replaces one by that
 * of another handshake. After a delay, the connection is made; in all other cases it is not, and nothing is sent in the clear.
 * Also: data that does not fit a device's memory.
 */
import { describe, expect, test } from "vitest";
import { Random } from "../simulation/random.js";
import { SEED } from "../support/seed.js";
import { Attempt, type Outcome } from "./support/attempt.js";
import { meetingParties, PLACES } from "./support/parties.js";
import { Wire } from "./support/wire.js";

const SECRET = "a reading";
const NAMES = ["p256", "TLS 1.2"];
const HEAD_BYTES = 5;
const CHANGE_CIPHER_SPEC = 20; // has no effect in TLS 1.3: RFC 8446 §5
/**
 * Milliseconds from the first change of the handshake until the connection is closed, because both ends may wait for what was dropped.
 * Too early does no harm, because a changed handshake must not succeed. An unchanged one is never closed: a machine under load can
 * need longer, and then the connection would end just when it opens.
 */
const PATIENCE_MS = 150;

const parties = meetingParties();

/** Handles a record of the server: returns the records to send now. `later`: sends records after a while. */
type Handling = (record: Buffer, index: number, later: (records: readonly Buffer[]) => void) => readonly Buffer[];

interface Seen {
  readonly outcome: Outcome;
  readonly clear: readonly string[];
  /** Those of the server, up to the end of its part of the handshake. */
  readonly records: readonly Buffer[];
}

async function meet(name: string, place: string, handle: Handling, mayWait: "may wait" | "goes on"): Promise<Seen> {
  const { servers } = parties;
  const wire = await Wire.to(servers.port(name));
  const records: Buffer[] = [];
  let rest = Buffer.alloc(0);
  let isOpen = false;
  let timer: NodeJS.Timeout | undefined;
  wire.meddle = (piece, direction, _at, later) => {
    if (direction === "up") return piece;
    rest = Buffer.concat([rest, piece]);
    const now: Buffer[] = [];
    while (rest.length >= HEAD_BYTES && rest.length >= HEAD_BYTES + rest.readUInt16BE(3)) {
      const record = rest.subarray(0, HEAD_BYTES + rest.readUInt16BE(3));
      rest = rest.subarray(record.length);
      const index = records.length;
      if (isOpen) {
        now.push(record);
        continue;
      }
      records.push(record);
      const passed = handle(record, index, (some) => setTimeout(() => later(Buffer.concat(some)), 20));
      const isChanged = passed.length !== 1 || !passed[0].equals(record);
      if (isChanged && mayWait === "may wait") timer ??= setTimeout(() => wire.close(), PATIENCE_MS);
      now.push(...passed);
    }
    return Buffer.concat(now);
  };
  const attempt = new Attempt(wire.port, { ca: servers.root, io: parties.ioOn(place) });
  const outcome = await attempt.opened;
  isOpen = true;
  clearTimeout(timer);
  if (outcome === "open") attempt.socket.write(Buffer.from(SECRET));
  attempt.close();
  wire.close();
  return { outcome, clear: wire.clearText([SECRET]), records };
}

describe.each(PLACES.flatMap((place) => NAMES.map((name) => [name, place])))("%s on %s", (name, place) => {
  const isVersion13 = name === "p256" && place === "Node"; // Debian's mbedTLS has only 1.2
  const whole = (): Promise<Seen> => meet(name, place, (record) => [record], "goes on");
  /** Indices of the messages to handle: in TLS 1.3 without the tickets, which follow the handshake. */
  const targets = ({ records }: Seen): number[] =>
    records
      .map((record, index) => ({ type: record[0], index }))
      .filter(({ type, index }) => !isVersion13 || (type !== CHANGE_CIPHER_SPEC && index < 6))
      .map(({ index }) => index);

  test("each message delayed: the connection is made all the same", async () => {
    const late: Handling = (record, _index, later) => {
      later([record]);
      return [];
    };
    const delayed = await meet(name, place, late, "goes on");
    expect(delayed.outcome).toBe("open");
    expect(delayed.clear).toEqual([]);
  });

  test("a message dropped, doubled, exchanged with the next, or replaced by that of another handshake: no connection, nothing in the clear", async () => {
    const other = await whole();
    expect(other.outcome).toBe("open");
    const indices = targets(other);
    expect(indices.length).toBeGreaterThan(3);
    for (const target of indices) {
      let kept: Buffer | undefined;
      const ways: Readonly<Record<string, Handling>> = {
        dropped: (record, index) => (index === target ? [] : [record]),
        doubled: (record, index) => (index === target ? [record, record] : [record]),
        replaced: (record, index) => [index === target ? other.records[target] : record],
        exchanged: (record, index) => {
          if (index === target) {
            kept = record;
            return [];
          }
          const both = kept === undefined ? [record] : [record, kept];
          kept = undefined;
          return both;
        },
      };
      for (const [way, handle] of Object.entries(ways)) {
        // Left out: the double of the last message, which follows the handshake; in 1.3 an early CCS, which is allowed.
        if (way === "doubled" && target === indices.at(-1)) continue;
        if (isVersion13 && way === "exchanged" && other.records[target + 1]?.[0] === CHANGE_CIPHER_SPEC) continue;
        let isSame = false;
        const watched: Handling = (record, index, later) => {
          if (way === "replaced" && index === target) isSame = other.records[target].equals(record);
          return handle(record, index, later);
        };
        const seen = await meet(name, place, watched, "may wait");
        // Some messages are the same in every handshake, such as the certificate in 1.2: then nothing is changed.
        if (isSame) expect(seen.outcome, `${way} by an equal one: message ${target}`).toBe("open");
        else expect(seen.outcome, `${way}: message ${target}`).not.toBe("open");
        expect(seen.clear).toEqual([]);
      }
    }
    expect(parties.troubles).toEqual([]);
  });
});

describe.each(PLACES)("on %s", (place) => {
  test("in pieces of any size: bytes sent are echoed", async () => {
    const random = new Random(SEED);
    const wire = await Wire.to(parties.servers.port("echo"));
    wire.meddle = (piece) => {
      const parts: Buffer[] = [];
      for (let from = 0; from < piece.length; ) {
        const to = from + random.whole(1, 400);
        parts.push(piece.subarray(from, to));
        from = to;
      }
      return parts;
    };
    const attempt = new Attempt(wire.port, { ca: parties.servers.root, io: parties.ioOn(place) });
    expect(await attempt.opened).toBe("open");
    const sent = Buffer.from(Array.from({ length: 8_000 }, () => random.whole(0, 255)));
    for (let from = 0; from < sent.length; ) {
      const to = Math.min(sent.length, from + random.whole(1, 900));
      const back = new Promise<void>((resolve) => {
        attempt.onReceived = () => {
          if (attempt.received.length >= to) resolve();
        };
      });
      attempt.socket.write(sent.subarray(from, to));
      await back;
      from = to;
    }
    expect(attempt.received.equals(sent)).toBe(true);
    attempt.close();
    wire.close();
    expect(parties.troubles).toEqual([]);
  });

  test("what is written after the server has closed the connection is lost, without an exception", async () => {
    const options = { ca: parties.servers.root, io: parties.ioOn(place) };
    const wire = await Wire.to(parties.servers.port("p256"));
    const attempt = new Attempt(wire.port, options);
    expect(await attempt.opened).toBe("open");
    wire.close();
    await attempt.ended;
    attempt.socket.write(Buffer.from(SECRET));
    attempt.close();
    const next = new Attempt(parties.servers.port("p256"), options); // when it opens, XS has executed the write
    expect(await next.opened).toBe("open");
    next.close();
    expect(parties.troubles).toEqual([]);
  });

  test("a server that accepts the connection and stalls: nothing happens until it is closed, and the next connection opens", async () => {
    const stalled = new Attempt(parties.servers.port("stalls"), { ca: parties.servers.root, io: parties.ioOn(place) });
    const next = new Attempt(parties.servers.port("p256"), { ca: parties.servers.root, io: parties.ioOn(place) });
    expect(await next.opened).toBe("open");
    expect(stalled.calls).toEqual(["handshake"]);
    stalled.close();
    next.close();
  });
});

describe.runIf(PLACES.includes("XS"))("on XS, data that does not fit a device's memory is refused as too large", () => {
  test("a chain of certificates that is longer than a record", async () => {
    const attempt = new Attempt(parties.servers.port("long chain"), {
      ca: parties.servers.root,
      io: parties.ioOn("XS"),
    });
    expect(await attempt.opened).toBe("tooLarge");
    const onNode = new Attempt(parties.servers.port("long chain"), { ca: parties.servers.root });
    expect(await onNode.opened).toBe("open");
    onNode.close();
  });

  test("a record behind the ServerHello whose length field exceeds the limit", async () => {
    const handle: Handling = (record, index) => {
      const changed = Buffer.from(record);
      if (index === 1) changed.writeUInt16BE(0x4900, 3);
      return [changed];
    };
    expect((await meet("TLS 1.2", "XS", handle, "goes on")).outcome).toBe("tooLarge");
  });
});
