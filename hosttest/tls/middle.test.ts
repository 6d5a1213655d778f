/* A man in the middle cuts the handshake off at a byte, or changes a bit of it. */
import { describe, expect, test } from "vitest";
import { Random } from "../simulation/random.js";
import { SEED } from "../support/seed.js";
import { Attempt, type Outcome } from "./support/attempt.js";
import { meetingParties, PLACES } from "./support/parties.js";
import { type Meddle, Wire } from "./support/wire.js";

const SECRET = "a reading";
const TRIALS = 16;
/** Milliseconds after which the connection is closed, because a changed length can make both ends wait. Too early does no harm. */
const PATIENCE_MS = 400;

const parties = meetingParties();

interface Seen {
  readonly outcome: Outcome;
  readonly clear: readonly string[];
  /** Number of bytes from the server until the handshake ended. */
  readonly bytes: number;
}

async function meet(name: string, on: string, meddle: (cut: () => void) => Meddle): Promise<Seen> {
  const wire = await Wire.to(parties.servers.port(name));
  let bytes = 0;
  let isOpen = false;
  const passed = meddle(() => wire.close());
  wire.meddle = (piece, direction, at, later) => {
    if (direction === "down" && !isOpen) bytes = at + piece.length;
    return passed(piece, direction, at, later);
  };
  const attempt = new Attempt(wire.port, { ca: parties.servers.root, io: parties.ioOn(on) });
  const outcome = await attempt.opened;
  isOpen = true;
  if (outcome === "open") attempt.socket.write(Buffer.from(SECRET));
  attempt.close();
  wire.close();
  return { outcome, clear: wire.clearText([SECRET]), bytes };
}

const NAMES = ["p256", "rsa4096", "TLS 1.2"];
describe.each(PLACES.flatMap((on) => NAMES.map((name) => [name, on])))("%s on %s", (name, on) => {
  test("any byte of the handshake cut off or changed: no connection, and no plaintext", async () => {
    const random = new Random(SEED);
    // In TLS 1.3, tickets may have come by then, which follow the handshake: about 600 bytes.
    const whole = (await meet(name, on, () => (piece) => piece)).bytes - (name === "TLS 1.2" || on === "XS" ? 0 : 600);
    expect(whole).toBeGreaterThan(300);
    // The length of an ECDSA signature varies by a few bytes: a handshake can end before a place that is in the last bytes of the first one.
    const check = ({ outcome, bytes }: Seen, place: number, what: string): void => {
      if (bytes > place) expect(outcome, `${what} at ${place}`).not.toBe("open");
      else expect(outcome, `${what} at ${place}, which was not reached`).toBe("open");
    };
    for (let n = 0; n < TRIALS; n++) {
      const place = random.whole(0, whole - 1);
      const cut = await meet(name, on, () => (piece, direction, at) => {
        return direction === "down" && at + piece.length > place ? undefined : piece;
      });
      check(cut, place, "cut");
      const changed = await meet(name, on, (end) => (piece, direction, at) => {
        if (direction === "up" || at > place || at + piece.length <= place) return piece;
        const other = Buffer.from(piece);
        other[place - at] ^= 1 << random.whole(0, 7);
        setTimeout(end, PATIENCE_MS);
        return other;
      });
      check(changed, place, "changed");
      expect([...cut.clear, ...changed.clear]).toEqual([]);
    }
    expect(parties.troubles).toEqual([]);
  });
});
