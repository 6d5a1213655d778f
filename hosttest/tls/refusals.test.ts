/* Every server that is to be refused is refused, for its own reason, and not a byte is sent in the clear; the good ones are taken. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tlsRefusalText } from "../../src/thermometer/broker/tls-refusal.js";
import { freePort } from "../support/processes/mosquitto.js";
import { Attempt } from "./support/attempt.js";
import { Servers } from "./support/servers.js";
import { Wire } from "./support/wire.js";
import { hasTLSOnXS, startTLSOnXS, type TLSOnXS } from "./xs/socket.js";

const SECRET = "MQTT secret reading";

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

describe.each(hasTLSOnXS ? ["Node", "XS"] : ["Node"])("on %s", (place) => {
  test("the table of servers, good and bad: what comes of each, and nothing in the clear", async () => {
    const seen: string[] = [];
    const expected: string[] = [];
    for (const { name, options, expected: outcome } of servers.cases()) {
      const wire = await Wire.to(servers.port(name));
      const attempt = new Attempt(wire.port, { ...options, io: place === "XS" ? xs?.io : undefined });
      // Before it is open it takes nothing.
      expect(() => attempt.socket.write(Buffer.from(SECRET)), name).toThrow();
      let came = await attempt.opened;
      if (came === "open") {
        attempt.socket.write(Buffer.from(SECRET));
        await new Promise<void>((resolve) => {
          const look = (): void => {
            if (wire.said[0].length > 0) resolve();
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
        const said =
          refusal === undefined ? attempt.facts?.version : tlsRefusalText(refusal, options.name ?? "broker.test");
        console.log(`| ${place} | ${name} | ${came} | ${said} |`);
      }
      seen.push(`${name}: ${came}`);
      expected.push(`${name}: ${outcome}`);
      expect(wire.clearText([SECRET, "secret"]), name).toEqual([]);
      // A client that is refused has met the right server all the same.
      if (outcome !== "open" && outcome !== "client") expect(attempt.calls, name).not.toContain("secured");
      attempt.close();
      wire.close();
    }
    expect(seen).toEqual(expected);
    expect(xs?.troubles ?? []).toEqual([]);
  });

  test("where nothing listens TLS has nothing to say", async () => {
    const attempt = new Attempt(await freePort(), { ca: servers.root, io: place === "XS" ? xs?.io : undefined });
    expect(await attempt.opened).toBe("network");
    expect(attempt.calls).toEqual(["error"]);
  });
});
