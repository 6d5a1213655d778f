/*
 * The examples on the libraries' pages, unchanged, inside XS. Instead of the SDK's modules they get the worker's board, whose
 * hardware is on Node.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import mqtt from "mqtt";
import { afterEach, expect } from "vitest";
import { TCP } from "../../boards/desktop/network/tcp.js";
import { timers } from "../../boards/desktop/timers.js";
import { NorFlash } from "../../boards/parts/flash/nor-flash.js";
import { runOnXS } from "../../boards/xs/run.js";
import type { Board } from "../../src/board.js";
import { Outbox } from "../../src/outbox/outbox.js";
import { topFolder } from "../engine/build.js";
import { startAedes } from "../mqtt/support/peers.js";
import { xsTest } from "./available.js";

const LIMIT_MS = 60_000; // only against a hang: XS interprets, and CI may be busy
/** The examples' names for parts of the SDK, and the parts of the board inside XS that replace them. */
const SDK: Readonly<Record<string, string>> = {
  TCP: "board.tcp.io",
  Timer: "board.timers",
  Time: "{ get ticks() { return board.clock.uptimeMs(); } }",
  storage: "{ open: () => board.openFlash() }",
};

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** Writes the page's example to a file, as a main module for XS; returns its path from the top folder. `given`: code that the example expects. */
function moduleOf(library: "mqtt" | "outbox", given = ""): string {
  const page = readFileSync(join(topFolder, "src", library, "README.md"), "utf8");
  const lines = (/```ts\n([\s\S]*?)```/.exec(page)?.[1] ?? "").split("\n");
  const imports = lines.filter((line) => line.startsWith("import "));
  const ours = imports.filter((line) => line.includes(`from "${library}/`));
  const names = imports.filter((line) => !ours.includes(line)).map((line) => line.split(" ")[1]);
  const text = [
    'import { board } from "board";',
    ...ours.map((line) => line.replace(/from "(.*)"/, 'from "../../src/$1.js"')),
    "board.boot?.(() => {",
    "const trace = (line) => board.trace(line);",
    ...names.map((name) => `const ${name} = ${SDK[name]};`),
    given,
    ...lines.filter((line) => !imports.includes(line)),
    "});",
  ].join("\n");
  const folder = join(topFolder, "build", "examples");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${library}-${process.pid}.ts`);
  writeFileSync(file, text);
  open.push(() => rmSync(file));
  return relative(topFolder, file);
}

/** Runs it until the end of the test. Resolves when it has booted; `troubles`: exceptions of the machine. */
async function run(entry: string, hardware: Partial<Board>): Promise<{ troubles: string[] }> {
  const troubles: string[] = [];
  const board = {
    name: "example",
    mac: "",
    timers,
    clock: { uptimeMs: () => performance.now(), utcMs: () => undefined },
    random: Math.random,
    sensor: { data: 0, clock: 0 },
    tcp: { io: TCP },
    ...hardware,
  } as unknown as Board;
  const machine = await runOnXS({ board, entry, onTrouble: (text) => troubles.push(text) });
  open.push(() => machine.end());
  return { troubles };
}

xsTest("src/mqtt: sends its reading, and receives a message", { timeout: LIMIT_MS }, async () => {
  const broker = await startAedes();
  open.push(() => broker.close());
  const other = await mqtt.connectAsync({ host: "127.0.0.1", port: broker.port });
  open.push(() => other.endAsync(true));
  const arrived = new Promise<string>((resolve) =>
    other.on("message", (topic, payload) => resolve(`${topic}: ${payload}`)),
  );
  await other.subscribeAsync("home/+/temperature", { qos: 2 });
  await other.publishAsync("home/kitchen/set", "interval 10", { qos: 1, retain: true });
  class Redirected extends TCP {
    constructor(options: ConstructorParameters<typeof TCP>[0]) {
      super({ ...options, address: "127.0.0.1", port: broker.port });
    }
  }
  let heard: (line: string) => void = () => {};
  const line = new Promise<string>((resolve) => {
    heard = resolve;
  });
  const { troubles } = await run(moduleOf("mqtt"), { tcp: { io: Redirected }, trace: heard });
  expect(await arrived).toBe("home/kitchen/temperature: 21.4");
  expect(await line).toBe("home/kitchen/set: interval 10\n");
  expect(troubles).toEqual([]);
});

xsTest("src/outbox: appends an entry, sends it, settles it", { timeout: LIMIT_MS }, async () => {
  const flash = new NorFlash({ blocks: 4 });
  const lines: string[] = [];
  const given = "const send = (sequence, payload) => trace(`" + "$" + "{sequence} $" + "{payload}`);";
  const { troubles } = await run(moduleOf("outbox", given), {
    openFlash: () => flash,
    trace: (text: string) => lines.push(text),
  });
  expect(troubles).toEqual([]);
  expect(lines).toEqual(["0 1,2,3"]);
  expect(new Outbox({ flash }).seek(0)).toBeUndefined();
});
