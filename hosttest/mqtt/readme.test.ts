/*
 * The example on the library's page: it compiles against the SDK's typings unchanged, without a cast, and runs on Node
 * with a broker, and with the globals that XS has and Node lacks.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { transformSync } from "esbuild";
import mqtt from "mqtt";
import ts from "typescript";
import { afterEach, expect, test } from "vitest";
import { TCP } from "../../boards/desktop/network/tcp.js";
import { timers } from "../../boards/desktop/timers.js";
import { Client } from "../../src/mqtt/client.js";
import { MemoryStore } from "../../src/mqtt/delivery/store.js";
import { type Broker, startAedes } from "./support/peers.js";

const TOP = fileURLToPath(new URL("../..", import.meta.url));
const PAGE = readFileSync(join(TOP, "src/mqtt/README.md"), "utf8");
const EXAMPLE = /```ts\n([\s\S]*?)```/.exec(PAGE)?.[1] ?? "";
const LIMIT_MS = 20_000;

/** The compiler's errors for `text` as the main module of a Moddable project that includes the library's manifest. */
function complaints(text: string): string[] {
  const boards: { compilerOptions: object; include: string[] } = JSON.parse(
    readFileSync(join(TOP, "boards/tsconfig.json"), "utf8"),
  );
  const typings = boards.include.filter((path) => path.endsWith(".d.ts")).map((path) => join(TOP, "boards", path));
  const { options } = ts.parseJsonConfigFileContent(
    {
      compilerOptions: { ...boards.compilerOptions, target: "es2022", module: "preserve", strict: true, noEmit: true },
      files: typings,
    },
    ts.sys,
    TOP,
  );
  options.paths = { "mqtt/*": ["./src/mqtt/*"] };
  const host = ts.createCompilerHost(options);
  const main = join(TOP, "main.ts");
  const { readFile, fileExists, getSourceFile } = host;
  host.fileExists = (path) => path === main || fileExists(path);
  host.readFile = (path) => (path === main ? text : readFile(path));
  host.getSourceFile = (path, version, ...rest) =>
    path === main ? ts.createSourceFile(path, text, version) : getSourceFile(path, version, ...rest);
  const program = ts.createProgram([main, ...typings], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
    const name = file === undefined ? "" : `${dirname(file.fileName) === dirname(main) ? "main.ts" : file.fileName}: `;
    return name + ts.flattenDiagnosticMessageText(messageText, "\n");
  });
}

test("the example compiles against the SDK's typings, as do the SDK's resolver and options of its classes", () => {
  expect(EXAMPLE.split("\n").length).toBeGreaterThan(10);
  expect(complaints(EXAMPLE)).toEqual([]);
  const named = EXAMPLE.replace(
    "socket: { io: TCP },",
    'socket: { io: TCP, nodelay: true },\n  dns: { io: Resolver, servers: ["192.0.2.53"], socket: { io: UDP } },',
  );
  expect(named).not.toBe(EXAMPLE);
  const imports =
    'import Resolver from "embedded:network/dns/resolver/udp";\nimport UDP from "embedded:io/socket/udp";\n';
  expect(complaints(imports + named)).toEqual([]);
  // The compiler detects what it is used for: a class that is no TCP, timers that are none.
  expect(complaints(EXAMPLE.replace("{ io: TCP }", "{ io: Timer }"))).toHaveLength(1);
  expect(complaints(EXAMPLE.replace("timers: Timer", "timers: Time"))).toHaveLength(1);
}, 60_000);

test("the manifest on the page includes the library's own", () => {
  const manifest: { include: string[] } = JSON.parse(/```json\n([\s\S]*?)```/.exec(PAGE)?.[1] ?? "{}");
  expect(manifest.include).toContain("./mqtt/manifest.json");
});

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function aedes(): Promise<Broker> {
  const broker = await startAedes();
  open.push(() => broker.close());
  return broker;
}

test("the example sends its reading, and receives a message", { timeout: LIMIT_MS }, async () => {
  const { port } = await aedes();
  const other = await mqtt.connectAsync({ host: "127.0.0.1", port });
  open.push(() => other.endAsync(true));
  const arrived = new Promise<string>((resolve) =>
    other.on("message", (topic, payload) => resolve(`${topic}: ${payload}`)),
  );
  await other.subscribeAsync("home/+/temperature", { qos: 2 });
  await other.publishAsync("home/kitchen/set", "interval 10", { qos: 1, retain: true });

  const lines: string[] = [];
  const heard = new Promise<void>((resolve) => {
    run(port, (line) => {
      lines.push(line);
      resolve();
    });
  });
  expect(await arrived).toBe("home/kitchen/temperature: 21.4");
  await heard;
  expect(lines).toEqual(["home/kitchen/set: interval 10\n"]);
});

/** Runs the example against the broker on `port`, with the parts of XS and the SDK that it names. */
function run(port: number, trace: (line: string) => void): void {
  const body = EXAMPLE.replace(/^import .*\n/gm, "");
  const { code } = transformSync(body, { loader: "ts" });
  class Redirected extends TCP {
    constructor(options: ConstructorParameters<typeof TCP>[0]) {
      super({ ...options, address: "127.0.0.1", port });
    }
  }
  class Watched extends Client<never> {
    constructor(options: ConstructorParameters<typeof Client<never>>[0]) {
      super(options);
      open.push(() => this.close());
    }
  }
  const bytes = { fromString: (text: string) => new TextEncoder().encode(text).buffer };
  const strings = { fromArrayBuffer: (buffer: ArrayBuffer) => new TextDecoder().decode(buffer) };
  const time = {
    get ticks(): number {
      return performance.now();
    },
  };
  const names = { TCP: Redirected, Timer: timers, Time: time, Client: Watched, MemoryStore, trace };
  new Function(...Object.keys(names), "ArrayBuffer", "String", code)(...Object.values(names), bytes, strings);
}
