/* A broker whose retained messages a subscription with wildcards does not get, as RabbitMQ: a device is found by id and room. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Aedes } from "aedes";
import { expect, test } from "vitest";
import { makeImage } from "../../../boards/parts/flash/image.js";
import { updateTopic } from "../../../src/homeassistant/update-entity.js";
import { bundle, top } from "../../support/bundle.mjs";
import { makeKey } from "./image-file.js";

const ID = "thermometer0a0b0c";

test("without wildcards a device is found by its id and room; without the room, the message names --room", async () => {
  const folder = mkdtempSync(join(tmpdir(), "thermometer-test-"));
  const aedes = await Aedes.createBroker();
  aedes.authorizeSubscribe = (_client, subscription, done) =>
    done(null, subscription.topic.includes("+") ? null : subscription);
  const server = createServer(aedes.handle);
  try {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    makeKey(join(folder, "key.pem"));
    writeFileSync(join(folder, "image"), makeImage({ version: "9.0.0", chip: "desktop" }, 1_000));
    const state = Buffer.from(JSON.stringify({ version: "0.2.0", state: "idle" }));
    const topic = updateTopic("kitchen", ID, "state");
    await new Promise<void>((resolve) =>
      aedes.publish({ cmd: "publish", topic, payload: state, qos: 1, retain: true, dup: false }, () => resolve()),
    );
    const program = await bundle("hosttest/companions/update/main.ts");
    const { port } = server.address() as AddressInfo;
    const fixed = ["--broker", `mqtt://127.0.0.1:${port}`, "--key", join(folder, "key.pem"), "--dry-run"];
    const run = async (...words: string[]): Promise<{ code: number; printed: string }> => {
      const all = [program, ...fixed, "--image", join(folder, "image"), "--device", ID, ...words];
      const child = spawn(process.execPath, all, { cwd: top });
      let printed = "";
      child.stderr.on("data", (text) => {
        printed += text;
      });
      const [code] = await once(child, "close");
      return { code, printed };
    };
    expect(await run("--room", "kitchen", "--wait", "60")).toEqual({
      code: 0,
      printed: expect.stringContaining(`${ID}: 0.2.0 to 9.0.0, 1000 bytes: would be sent\n`),
    });
    const without = await run("--wait", "1");
    expect(without.code).toBe(1);
    expect(without.printed).toContain("With RabbitMQ, give --device and --room.");
  } finally {
    aedes.close();
    server.close();
    rmSync(folder, { recursive: true });
  }
});
