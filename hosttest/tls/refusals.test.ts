/* Every bad server is refused for the expected reason, every good one is accepted, and not a byte is sent in the clear. */
import { describe, expect, test } from "vitest";
import { tlsRefusalText } from "../../src/thermometer/broker/tls-refusal.js";
import { freePort } from "../support/processes/ports.js";
import { Attempt } from "./support/attempt.js";
import { meetingParties, PLACES } from "./support/parties.js";
import { Wire } from "./support/wire.js";

const SECRET = "MQTT secret reading";

const parties = meetingParties();

describe.each(PLACES)("on %s", (place) => {
  test("each of the good and bad servers has the expected outcome, and nothing is sent in the clear", async () => {
    const seen: string[] = [];
    const expected: string[] = [];
    for (const { name, options, expected: outcome } of parties.servers.cases()) {
      const wire = await Wire.to(parties.servers.port(name));
      const attempt = new Attempt(wire.port, { ...options, io: parties.ioOn(place) });
      // Before it is open, it accepts no data.
      expect(() => attempt.socket.write(Buffer.from(SECRET)), name).toThrow();
      let came = await attempt.opened;
      if (came === "open") {
        attempt.socket.write(Buffer.from(SECRET));
        await new Promise<void>((resolve) => {
          const look = (): void => {
            if (wire.sentUp[0].length > 0) resolve();
          };
          look();
          attempt.ended.then(resolve);
        });
        if (outcome === "client") {
          await attempt.ended;
          came = attempt.refusal?.kind ?? "network";
        }
      }
      if (process.env.TLS_TABLE !== undefined) {
        const { refusal } = attempt;
        const printed =
          refusal === undefined ? attempt.facts?.version : tlsRefusalText(refusal, options.name ?? "broker.test");
        console.log(`| ${place} | ${name} | ${came} | ${printed} |`);
      }
      seen.push(`${name}: ${came}`);
      expected.push(`${name}: ${outcome}`);
      expect(wire.clearText([SECRET, "secret"]), name).toEqual([]);
      // If the server refuses the client, it has been verified before.
      if (outcome !== "open" && outcome !== "client") expect(attempt.calls, name).not.toContain("secured");
      attempt.close();
      wire.close();
    }
    expect(seen).toEqual(expected);
    expect(parties.troubles).toEqual([]);
  });

  test("where nothing listens, no TLS refusal is reported", async () => {
    const attempt = new Attempt(await freePort(), { ca: parties.servers.root, io: parties.ioOn(place) });
    expect(await attempt.opened).toBe("network");
    expect(attempt.calls).toEqual(["error"]);
  });
});
