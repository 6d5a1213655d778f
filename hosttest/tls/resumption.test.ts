/* Sessions are resumed, of mosquitto too; what was refused leaves none. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Attempt, type AttemptOptions } from "./support/attempt.js";
import { Servers } from "./support/servers.js";
import { hasTLSOnXS, startTLSOnXS, type TLSOnXS } from "./xs/socket.js";

let servers: Servers;
let xs: TLSOnXS | undefined;

beforeAll(async () => {
  servers = await new Servers().start();
  if (hasTLSOnXS) xs = await startTLSOnXS();
});

afterAll(async () => {
  await xs?.end();
  await servers?.close();
});

const PLACES = hasTLSOnXS ? ["Node", "XS"] : ["Node"];
const on = (place: string, options: AttemptOptions): AttemptOptions => ({
  ...options,
  io: place === "XS" ? xs?.io : undefined,
});

/** Opens a connection, waits for a session to be kept, and closes it. */
async function visit(name: string, options: AttemptOptions): Promise<Attempt> {
  const attempt = new Attempt(servers.port(name), options);
  const outcome = await attempt.opened;
  if (outcome === "open") while (attempt.session === undefined) await new Promise(setImmediate);
  attempt.close();
  return attempt;
}

describe.each(PLACES)("on %s", (place) => {
  test.each(["p256", "TLS 1.2", "wants a certificate"])(
    "%s: the second connection resumes, whatever it is checked by",
    async (name) => {
      const client = name === "wants a certificate" ? servers.device : undefined;
      const ways = [
        { ca: servers.root, client },
        { fingerprint: servers.pin, client },
        { ca: servers.root, fingerprint: servers.pin, client },
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

  test("what was refused leaves no session", async () => {
    const good = await visit("p256", on(place, { ca: servers.root }));
    const refused = await visit("stranger's", on(place, { ca: servers.root, session: good.session }));
    expect(refused.refusal?.kind).toBe("unknownCA");
    expect(refused.session).toBeUndefined();
  });

  test("a session of one server does not pass for another's", async () => {
    const good = await visit("p256", on(place, { ca: servers.root }));
    for (const name of ["stranger's", "other name", "expired"]) {
      const other = await visit(name, on(place, { ca: servers.root, session: good.session }));
      expect(other.refusal, name).toBeDefined();
    }
  });

  test("a session is not offered where another CA, pin or name is asked for", async () => {
    const good = await visit("TLS 1.2", on(place, { ca: servers.root, name: "broker.test" }));
    if (place === "Node") return; // there the owner keeps them apart: OpenSSL checks the certificate of a resumed session anew
    for (const other of [
      { ca: servers.stranger },
      { ca: servers.root, name: "other.test" },
      { fingerprint: "00".repeat(32) },
    ]) {
      const refused = await visit("TLS 1.2", on(place, { ...other, session: good.session }));
      expect(refused.refusal).toBeDefined();
    }
  });
});
