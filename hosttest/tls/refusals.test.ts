/* Every server that is to be refused is refused, for its own reason, and not a byte is sent in the clear; the good ones are taken. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../support/processes/mosquitto.js";
import { Attempt } from "./support/attempt.js";
import { Servers } from "./support/servers.js";
import { Wire } from "./support/wire.js";

const SECRET = "MQTT secret reading";

let servers: Servers;

beforeAll(async () => {
  servers = await new Servers().start();
});

afterAll(() => servers?.close());

test("the table of servers, good and bad: what comes of each, and nothing in the clear", async () => {
  const seen: string[] = [];
  const expected: string[] = [];
  for (const { name, options, expected: outcome } of servers.cases()) {
    const wire = await Wire.to(servers.port(name));
    const attempt = new Attempt(wire.port, options);
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
    seen.push(`${name}: ${came}`);
    expected.push(`${name}: ${outcome}`);
    expect(wire.clearText([SECRET, "secret"]), name).toEqual([]);
    // A client that is refused has met the right server all the same.
    if (outcome !== "open" && outcome !== "client") expect(attempt.calls, name).not.toContain("secured");
    attempt.close();
    wire.close();
  }
  expect(seen).toEqual(expected);
});

test("where nothing listens TLS has nothing to say", async () => {
  const attempt = new Attempt(await freePort(), { ca: servers.root });
  expect(await attempt.opened).toBe("network");
  expect(attempt.calls).toEqual(["error"]);
});
