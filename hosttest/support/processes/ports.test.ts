import { createServer } from "node:net";
import { expect, test } from "vitest";
import { accepts, freePort } from "./ports.js";

test("free ports: none twice, none from the range of outgoing connections, none that is in use", async () => {
  const ports = [];
  for (let n = 0; n < 100; n++) ports.push(await freePort());
  expect(new Set(ports).size).toBe(ports.length);
  expect(Math.max(...ports)).toBeLessThan(32_768);

  const taken = ports[0];
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(taken, "127.0.0.1", resolve));
  expect(await accepts(taken)).toBe(true);
  const further = [];
  for (let n = 0; n < 277; n++) further.push(await freePort());
  expect(further).not.toContain(taken);
  await new Promise((resolve) => server.close(resolve));
});
