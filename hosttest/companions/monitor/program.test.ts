/* The monitor as a process: at a terminal, and once for a machine, with a real mosquitto that is stopped and started. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import mqtt from "mqtt";
import { expect, test } from "vitest";
import { startBroker } from "../../../boards/desktop/network/broker.js";
import { Mosquitto } from "../../support/processes/mosquitto.js";
import { Terminal } from "../../support/processes/tmux.js";

const TOP = fileURLToPath(new URL("../../..", import.meta.url));
const ARGUMENTS = ["hosttest/run.mjs", "hosttest/companions/monitor/main.ts"];

async function publish(
  port: number,
  messages: readonly (readonly [topic: string, payload: string, retain?: boolean])[],
) {
  const client = await mqtt.connectAsync({ host: "127.0.0.1", port });
  for (const [topic, payload, retain = false] of messages)
    await client.publishAsync(topic, payload, { qos: 1, retain });
  await client.endAsync();
}

test("at a terminal: it waits for a broker that is down, shows samples, and q restores the screen", async () => {
  const broker = await Mosquitto.start();
  await broker.stop();
  const command = [process.execPath, ...ARGUMENTS].map((word) => `'${word}'`).join(" ");
  const terminal = await Terminal.start(`${command} --broker mqtt://127.0.0.1:${broker.port}`, TOP);
  try {
    await terminal.until((lines) =>
      lines.some((line) => line.includes("no connection") && line.includes("ECONNREFUSED")),
    );
    await broker.start();
    await publish(broker.port, [["home/kitchen/ab12/status", "online", true]]);
    await terminal.until((lines) => lines.some((line) => /^kitchen .*ab12 online/.test(line)));
    await publish(broker.port, [
      ["home/kitchen/temperature", '{"value":21.44,"seq":7}'],
      ["home/kitchen/temperature", '{"value":21.5,"ts":"2026-06-17T09:12:00Z","seq":9}'],
      ["home/kitchen/temperature", "not a sample"],
    ]);
    await terminal.until((lines) => lines.some((line) => /^kitchen +21\.44 °C .* 9 +1 +0 +1 /.test(line)));
    await broker.kill();
    await terminal.until((lines) => lines.some((line) => line.includes("no connection")));
    await broker.start();
    await publish(broker.port, [["home/kitchen/temperature", '{"value":22,"seq":20}']]);
    await terminal.until((lines) => lines.some((line) => line.startsWith(`127.0.0.1:${broker.port}`)));
    await terminal.press("q" as never);
    await terminal.until((lines) => lines.some((line) => line.includes("exit code 0")));
  } finally {
    await terminal.close();
    await broker.close();
  }
});

test("--once --json: only figures on standard output; nothing received is exit code 1", async () => {
  const broker = await Mosquitto.start();
  try {
    await publish(broker.port, [["home/attic/cd34/status", "offline", true]]);
    const where = ["--broker", `mqtt://127.0.0.1:${broker.port}`, "--once", "--json"];
    let heard = await run([...where, "--wait", "2"]);
    for (let waitS = 4; heard.code !== 0 && waitS < 60; waitS *= 2) heard = await run([...where, "--wait", `${waitS}`]); // a slow machine
    expect(JSON.parse(heard.out)).toMatchObject({ rooms: [{ room: "attic", devices: { cd34: "offline" } }] });
    expect(heard.code).toBe(0);
    await broker.stop();
    const silent = await run([...where, "--wait", "1"]);
    expect(JSON.parse(silent.out)).toMatchObject({ rooms: [] });
    expect(silent.error).toContain("nothing received in 1 s: ");
    expect(silent.code).toBe(1);
  } finally {
    await broker.close();
  }
});

test("a broker without MQTT 5, such as the one of `npm start`: samples arrive", async () => {
  const broker = await startBroker();
  const monitor = spawn(process.execPath, [...ARGUMENTS, "--broker", `mqtt://127.0.0.1:${broker.port}`], {
    cwd: join(TOP),
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  monitor.stdout.on("data", (chunk) => {
    out += chunk;
  });
  try {
    for (let seq = 0; !out.includes("attic"); seq++) {
      if (monitor.exitCode !== null) throw new Error(`the monitor has ended with ${monitor.exitCode}`);
      await publish(broker.port, [["home/attic/temperature", `{"value":21.5,"seq":${seq}}`]]);
      await setTimeout(100);
    }
    expect(out).toMatch(/^attic .*21\.50 °C/m);
  } finally {
    monitor.kill();
    broker.close();
  }
});

async function run(words: readonly string[]): Promise<{ code: number; out: string; error: string }> {
  const started = spawn(process.execPath, [...ARGUMENTS, ...words], {
    cwd: join(TOP),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let error = "";
  started.stdout.on("data", (bytes) => (out += bytes));
  started.stderr.on("data", (bytes) => (error += bytes));
  const [code] = await once(started, "close");
  return { code, out, error };
}
