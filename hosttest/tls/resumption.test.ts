/* Sessions are resumed, also with mosquitto; a refused connection leaves no session. */
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:tls";
import { describe, expect, test } from "vitest";
import { PLACE_BYTES, sealSession, unsealSession } from "../../src/tls/kept-session.js";
import { Attempt, type AttemptOptions } from "./support/attempt.js";
import { meetingParties, PLACES } from "./support/parties.js";
import { startTLSOnXS } from "./xs/socket.js";

const parties = meetingParties();

const on = (place: string, options: AttemptOptions): AttemptOptions => ({
  ...options,
  io: parties.ioOn(place),
});

/** Opens a connection, waits until a session is kept, and closes the connection. */
async function visit(name: string, options: AttemptOptions): Promise<Attempt> {
  const attempt = new Attempt(parties.servers.port(name), options);
  const outcome = await attempt.opened;
  if (outcome === "open") while (attempt.session === undefined) await new Promise(setImmediate);
  attempt.close();
  return attempt;
}

describe.each(PLACES)("on %s", (place) => {
  test.each(["p256", "TLS 1.2", "wants a certificate"])(
    "%s: the second connection resumes the session, with every way of verification",
    async (name) => {
      const client = name === "wants a certificate" ? parties.servers.device : undefined;
      const ways = [
        { ca: parties.servers.root, client },
        { fingerprint: parties.servers.pin, client },
        { ca: parties.servers.root, fingerprint: parties.servers.pin, client },
      ];
      for (const options of ways) {
        const first = await visit(name, on(place, options));
        expect(first.facts).toMatchObject({ name: "broker", isResumed: false });
        expect(first.facts?.endsMs).toBeGreaterThan(Date.now());
        const second = await visit(name, on(place, { ...options, session: first.session }));
        expect(second.refusal).toBeUndefined();
        expect(second.facts).toMatchObject({ version: first.facts?.version, isResumed: true });
      }
    },
  );

  test("a refused connection leaves no session", async () => {
    const good = await visit("p256", on(place, { ca: parties.servers.root }));
    const refused = await visit("stranger's", on(place, { ca: parties.servers.root, session: good.session }));
    expect(refused.refusal?.kind).toBe("unknownCA");
    expect(refused.session).toBeUndefined();
  });

  test("with the session of one server, another server is still refused", async () => {
    const good = await visit("p256", on(place, { ca: parties.servers.root }));
    for (const name of ["stranger's", "other name", "expired"]) {
      const other = await visit(name, on(place, { ca: parties.servers.root, session: good.session }));
      expect(other.refusal, name).toBeDefined();
    }
  });

  test("a session is not used if another CA, pin or name is required", async () => {
    const good = await visit("TLS 1.2", on(place, { ca: parties.servers.root, name: "broker.test" }));
    if (place === "Node") return; // there the owner separates them: OpenSSL checks the certificate of a resumed session again
    for (const other of [
      { ca: parties.servers.stranger },
      { ca: parties.servers.root, name: "other.test" },
      { fingerprint: "00".repeat(32) },
    ]) {
      const refused = await visit("TLS 1.2", on(place, { ...other, session: good.session }));
      expect(refused.refusal).toBeDefined();
    }
  });
});

test.runIf(PLACES.includes("XS"))(
  "over a sleep: another machine resumes the session that the first one left in RTC memory; the server confirms it",
  async () => {
    const { chain, key } = parties.servers.server;
    const reused: boolean[] = [];
    const server = createServer({ cert: readFileSync(chain), key: readFileSync(key) }, (socket) => {
      reused.push(socket.isSessionReused());
      socket.on("error", () => {}).resume();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const firmware = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const memory = new Uint8Array(PLACE_BYTES);
    const before = new Attempt(port, { io: parties.ioOn("XS"), ca: parties.servers.root });
    expect(await before.opened).toBe("open");
    before.close();
    const session = Uint8Array.from(before.session as Uint8Array).buffer;
    memory.set(sealSession({ session, endsMs: before.facts?.endsMs }, firmware) ?? []);
    const awake = await startTLSOnXS();
    const kept = unsealSession(memory, firmware);
    expect(kept?.endsMs).toBeGreaterThan(Date.now());
    const after = new Attempt(port, {
      io: awake.io,
      ca: parties.servers.root,
      session: new Uint8Array(kept?.session ?? new ArrayBuffer(0)),
    });
    expect(await after.opened).toBe("open");
    // A resumed handshake ends with the client's message: the server is not done when the client is.
    while (reused.length < 2) await new Promise(setImmediate);
    expect([after.facts?.isResumed, reused]).toEqual([true, [false, true]]);
    after.close();
    await awake.end();
    server.close();
  },
);
