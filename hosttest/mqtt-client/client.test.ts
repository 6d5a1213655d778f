/*
 * The command-line client as a process, with mosquitto and with a scripted server.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import mqtt, { type IPublishPacket, type Packet } from "mqtt-packet";
import { afterEach, expect, test } from "vitest";
import { UsageError } from "../../boards/desktop/options/command-line.js";
import { foreignIn, STEERING } from "../console/support/unprintable.js";
import { startMosquitto } from "../mqtt/support/peers.js";
import { parseArguments } from "./arguments.js";

const topFolder = fileURLToPath(new URL("../..", import.meta.url));
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const PROGRAM = ["hosttest/run.mjs", "hosttest/mqtt-client/main.ts"];

interface Running {
  readonly child: ChildProcess;
  out(): string;
  error(): string;
  readonly exit: Promise<number>;
}

/** Starts the client; returns its exit code and output. */
function start(...options: string[]): Running {
  return run(process.execPath, ...PROGRAM, ...options);
}

/** The same with a terminal as its standard output and standard error. `options`: without blanks. */
function startAtTerminal(...options: string[]): Running {
  const words = [process.execPath, ...PROGRAM, ...options].join(" ").replaceAll(/[,:!]/g, "\\$&");
  return run("socat", "-u", `EXEC:${words},pty,rawer,stderr`, "-");
}

function run(program: string, ...words: string[]): Running {
  const child = spawn(program, words, { cwd: topFolder });
  let out = "";
  let error = "";
  child.stdout.on("data", (text) => {
    out += text;
  });
  child.stderr.on("data", (text) => {
    error += text;
  });
  closers.push(() => child.exitCode === null && child.signalCode === null && child.kill("SIGKILL"));
  return { child, out: () => out, error: () => error, exit: once(child, "close").then(([code]) => code as number) };
}

async function broker(): Promise<string> {
  const started = await startMosquitto();
  closers.push(() => started.close());
  return String(started.port);
}

/** A server whose answers `answer` makes; returns its port and all packets that it has received. */
async function script(answer: (packet: Packet, socket: Socket, connection: number) => void) {
  const packets: (Packet & { connection: number; atMs: number })[] = [];
  let connections = 0;
  const server = createServer((socket) => {
    const connection = ++connections;
    const parser = mqtt.parser({ protocolVersion: 4 });
    socket.on("error", () => {});
    socket.on("data", (bytes) => parser.parse(bytes));
    parser.on("packet", (packet) => {
      packets.push({ ...packet, connection, atMs: performance.now() });
      answer(packet, socket, connection);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => server.close());
  return { port: String((server.address() as AddressInfo).port), packets };
}

function write(socket: Socket, packet: object): void {
  socket.write(mqtt.generate(packet as Packet));
}

async function until(isDone: () => boolean, what: string): Promise<void> {
  for (let n = 0; !isDone(); n++) {
    if (n > 1_500) throw new Error(`not within 15 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test("publishes the list N times with %n, takes commas and nothing, a file's bytes as they are; exits 0", async () => {
  const port = await broker();
  const folder = mkdtempSync(join(tmpdir(), "client-"));
  closers.push(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "payload"), "from a file, %n");
  const reader = start("--port", port, "--sub", "t/#,2", "--stay");
  await until(() => true, "");
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const pubs = ["t/0,0,0,a,b %n", "t/1,1,0,", `t/2,2,0,@${join(folder, "payload")}`].flatMap((text) => ["--pub", text]);
  const writer = start("--port", port, ...pubs, "--count", "2", "--every", "50");
  expect(await writer.exit).toBe(0);
  await until(() => reader.out().split("\n").length === 7, "six lines");
  expect(reader.out().trim().split("\n").sort()).toEqual([
    "t/0,0,0,a,b 0",
    "t/0,0,0,a,b 1",
    "t/1,1,0,",
    "t/1,1,0,",
    "t/2,2,0,from a file, %n",
    "t/2,2,0,from a file, %n",
  ]);
  expect(writer.error().trim().split("\n").at(-1)).toBe("mqtt-client: 6 published, 4 acknowledged");
  reader.child.kill("SIGTERM");
  expect(await reader.exit).toBe(0);
});

function write5(socket: Socket, packet: object): void {
  socket.write(mqtt.generate(packet as Packet, { protocolVersion: 5 }));
}

test("--v 5: what the broker grants, and what a message says beside its payload, escaped", async () => {
  const peer = await script((packet, socket) => {
    if (packet.cmd === "connect")
      write5(socket, { cmd: "connack", reasonCode: 0, properties: { receiveMaximum: 4, maximumQoS: 1 } });
    if (packet.cmd !== "subscribe") return;
    write5(socket, { cmd: "suback", messageId: packet.messageId, granted: [1] });
    const properties = { contentType: "text/\u001b[31mred", correlationData: Buffer.from([1, 255]) };
    write5(socket, { cmd: "publish", topic: "t", payload: "hello", qos: 0, dup: false, retain: false, properties });
  });
  const client = start("--port", peer.port, "--v", "5", "--sub", "t,1", "--stay");
  await until(() => client.error().includes("correlationData"), "the message's properties");
  client.child.kill("SIGTERM");
  expect(await client.exit).toBe(0);
  expect(client.out()).toBe("t,0,0,hello\n");
  expect(client.error()).toContain("connected, MQTT 5: receive maximum 4, QoS up to 1");
  expect(client.error()).toContain('t: contentType "text/');
  expect(client.error()).toContain("correlationData 01ff");
  expect(client.error()).not.toContain("\u001b");
  expect(peer.packets[0]).toMatchObject({ cmd: "connect", protocolVersion: 5 });
});

test.each([
  [0x99, "refused: payload format not valid (0x99)"],
  [0x87, "refused: not authorised (0x87)"],
])(
  "--v 5: a message refused with %i is reported with the broker's reason, the others are sent; exits 1",
  async (code, text) => {
    const peer = await script((packet, socket) => {
      if (packet.cmd === "connect") write5(socket, { cmd: "connack", reasonCode: 0 });
      if (packet.cmd !== "publish") return;
      const isRefused = packet.topic === "bad";
      const answer = isRefused
        ? { reasonCode: code, properties: { reasonString: "ask\u001b[5m me" } }
        : { reasonCode: 0 };
      write5(socket, { cmd: "puback", messageId: packet.messageId, ...answer });
    });
    const client = start("--port", peer.port, "--v", "5", "--pub", "bad,1,0,x", "--pub", "good,1,0,y");
    expect(await client.exit).toBe(1);
    expect(client.error()).toContain(text);
    expect(client.error()).toContain("me");
    expect(client.error()).not.toContain("\u001b");
    expect(client.error()).toContain("2 published, 1 acknowledged");
  },
);

test("--v 5, a broker without it: refused, exits 5", async () => {
  const peer = await script((packet, socket) => {
    if (packet.cmd === "connect") socket.end(Uint8Array.of(0x20, 2, 0, 1));
  });
  const client = start("--port", peer.port, "--v", "5", "--pub", "a,1,0,x");
  expect(await client.exit).toBe(5);
  expect(client.error()).toContain("protocol version");
});

test("the first packet id is 1, it ends with DISCONNECT, and CONNECT has the requested fields", async () => {
  const peer = await script((packet, socket) => {
    if (packet.cmd === "connect") write(socket, { cmd: "connack", returnCode: 0, sessionPresent: false });
    if (packet.cmd === "publish") write(socket, { cmd: "puback", messageId: packet.messageId });
  });
  const client = start(
    ...["--port", peer.port, "--id", "me", "--keepalive", "7", "--clean", "0", "--user", "u", "--pass", "p"],
    ...["--will", "w,1,1,bye, all", "--pub", "a,1,1,x"],
  );
  expect(await client.exit).toBe(0);
  expect(peer.packets.map(({ cmd }) => cmd)).toEqual(["connect", "publish", "disconnect"]);
  const [connect, publish] = peer.packets;
  expect(connect).toMatchObject({
    clientId: "me",
    keepalive: 7,
    clean: false,
    username: "u",
    password: Buffer.from("p"),
  });
  expect(connect).toMatchObject({ will: { topic: "w", qos: 1, retain: true, payload: Buffer.from("bye, all") } });
  expect(publish).toMatchObject({ messageId: 1, dup: false, retain: true, topic: "a" });
});

test("any bytes of a file arrive as they are; --v 4 and --clean 1 as most clients have them", async () => {
  const folder = mkdtempSync(join(tmpdir(), "client-"));
  closers.push(() => rmSync(folder, { recursive: true }));
  // Longer than the client's buffer, with bytes that are no UTF-8, line ends, NUL, and what is replaced in written payloads.
  const bytes = Buffer.concat([
    Buffer.from("%n\r\n\0@%n"),
    Buffer.from(Array.from({ length: 200_000 }, (_, i) => i % 251)),
  ]);
  writeFileSync(join(folder, "bytes"), bytes);
  const peer = await script((packet, socket) => {
    if (packet.cmd === "connect") write(socket, { cmd: "connack", returnCode: 0, sessionPresent: false });
    if (packet.cmd === "publish") write(socket, { cmd: "puback", messageId: packet.messageId });
  });
  const publication = `a,1,0,@${join(folder, "bytes")}`;
  const client = start("--port", peer.port, "--v", "4", "--clean", "1", "--pub", publication, "--count", "2");
  expect(await client.exit).toBe(0);
  expect(peer.packets.map(({ cmd }) => cmd)).toEqual(["connect", "publish", "publish", "disconnect"]);
  expect(peer.packets[0]).toMatchObject({ clean: true, protocolVersion: 4 });
  for (const packet of peer.packets.slice(1, 3)) {
    expect(bytes.equals((packet as IPublishPacket).payload as Buffer)).toBe(true);
  }
});

test("--sub alone prints that it ends at once", async () => {
  const client = start("--port", await broker(), "--clean", "1", "--sub", "a,0");
  expect(await client.exit).toBe(0);
  expect(client.error()).toContain("--stay goes on, as mosquitto_sub does");
});

test("--flash: an invalid file, and a message that does not fit, are reported before anything is done", async () => {
  const folder = mkdtempSync(join(tmpdir(), "client-"));
  closers.push(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "text"), "no image");
  const wrongFile = start("--flash", join(folder, "text"), "--pub", "a,1,0,x");
  expect(await wrongFile.exit).toBe(2);
  expect(wrongFile.error()).toMatch(/^mqtt-client: --flash .*text: 8 bytes, expected a flash image/);
  writeFileSync(join(folder, "long"), Buffer.alloc(2_000));
  const tooLong = start("--flash", join(folder, "new"), "--pub", `a,1,0,@${join(folder, "long")}`);
  expect(await tooLong.exit).toBe(2);
  expect(tooLong.error()).toBe("mqtt-client: --pub a: a message of 2004 bytes, expected at most 1900 with --flash\n");
});

test("drops: reconnects within a second each time, keeps ids, releases what was received, completes", async () => {
  const peer = await script((packet, socket, connection) => {
    if (packet.cmd === "connect") write(socket, { cmd: "connack", returnCode: 0, sessionPresent: connection > 1 });
    else if (connection < 6) {
      if (packet.cmd === "publish" && connection === 3) write(socket, { cmd: "pubrec", messageId: packet.messageId });
      if (packet.cmd !== "publish" || connection !== 3) socket.destroy();
    } else if (packet.cmd === "pubrel") write(socket, { cmd: "pubcomp", messageId: packet.messageId });
  });
  const client = start("--port", peer.port, "--clean", "0", "--pub", "a,2,0,x");
  expect(await client.exit).toBe(0);
  expect(
    peer.packets
      .filter(({ cmd }) => cmd !== "connect")
      .map((packet) => `${packet.cmd} ${"dup" in packet ? packet.dup : "-"} ${packet.messageId}`),
  ).toEqual([
    "publish false 1",
    "publish true 1",
    "publish true 1",
    ...["pubrel false 1", "pubrel false 1", "pubrel false 1", "pubrel false 1"],
    "disconnect false undefined",
  ]);
  const connects = peer.packets.filter(({ cmd }) => cmd === "connect");
  for (let n = 1; n < connects.length; n++) {
    const lastMs = peer.packets.filter(({ connection }) => connection === n).at(-1)?.atMs ?? 0;
    expect(connects[n].atMs - lastMs).toBeLessThan(1_000);
  }
});

test("a refusal: 5, with the reason", async () => {
  for (const returnCode of [1, 2, 3, 4, 5]) {
    const peer = await script((packet, socket) => {
      if (packet.cmd === "connect") write(socket, { cmd: "connack", returnCode, sessionPresent: false });
    });
    const client = start("--port", peer.port, "--pub", "a,1,0,x");
    expect(await client.exit).toBe(5);
    expect(client.error()).toMatch(/^mqtt-client: refused: /);
  }
});

test("--flash: killed in the middle and started again, QoS 2 arrives once, in order", {
  timeout: 120_000,
}, async () => {
  const port = await broker();
  const folder = mkdtempSync(join(tmpdir(), "client-"));
  closers.push(() => rmSync(folder, { recursive: true }));
  const flash = join(folder, "flash");
  const reader = start("--port", port, "--sub", "f,2", "--stay");
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const writer = start("--port", port, "--flash", flash, "--pub", "f,2,0,%n", "--count", "400", "--every", "3");
  await until(() => reader.out().split("\n").length > 40, "some lines");
  writer.child.kill("SIGKILL");
  await writer.exit;
  expect(await start("--port", port, "--flash", flash, "--pub", "f,2,0,end").exit).toBe(0);
  await until(() => reader.out().includes("f,2,0,end"), "the end");
  const lines = reader.out().trim().split("\n");
  expect(lines).toEqual([...lines.slice(0, -1).map((_, n) => `f,2,0,${n}`), "f,2,0,end"]);
  expect(lines.length).toBeGreaterThan(40);
});

test.each([
  [["--pub", "a,3,0,x"], "--pub: QOS 3: expected a whole number from 0 to 2"],
  [["--pub", "a/#,1,0,x"], "--pub a/#,1,0,x: wildcard in a topic name"],
  [["--pub", "a,1"], "--pub a,1: expected TOPIC,QOS,RETAIN,PAYLOAD"],
  [["--sub", "a#,1"], "--sub a#,1: # must be the whole last level"],
  [["--port", "0"], "--port 0: expected a whole number from 1 to 65535"],
  [["--pass", "x"], "--pass: expected with --user"],
  [["--what"], "--what: no such option; --help lists the options"],
  [["--id"], "--id: expected a value (ID)"],
  [["--v", "3"], "--v 3: expected 4 (MQTT 3.1.1) or 5"],
  [["--clean", "2"], "--clean 2: expected 0 or 1"],
  [["--id", ""], "--id: an empty one is expected with --clean 1"],
  [
    ["-t", "home", "-m", "x"],
    "-t: no such option, the topic is part of --pub TOPIC,QOS,RETAIN,PAYLOAD and --sub TOPIC,QOS; --help lists the options",
  ],
])("%j: exit 2, %s", (options, text) => {
  const argv = options as string[];
  expect(() => parseArguments(argv)).toThrow(new UsageError(text as string));
});

const LONG = "x".repeat(70_000);
test.each([
  [["--id", LONG], "--id: 70000 bytes, expected at most 65535"],
  [["--user", `\u20ac${LONG}`], "--user: 70003 bytes, expected at most 65535"],
  [["--user", "u", "--pass", LONG], "--pass: 70000 bytes, expected at most 65535"],
  [["--will", `w,0,0,${LONG}`], "--will w: 70000 bytes, expected at most 65535"],
  [["--id", "a\u0000b"], "--id: has a character that MQTT does not carry"],
  [["--pub", "t,0,0,@/dev/zero"], "--pub @/dev/zero: more than one MQTT packet holds, 256 MB"],
])("what no packet holds (%#): exit 2, one line", (options, text) => {
  expect(() => parseArguments(options)).toThrow(new UsageError(text));
});

test("mistakes are reported in one line, exit 2", async () => {
  const client = start("--port", "0");
  expect(await client.exit).toBe(2);
  expect(client.error()).toBe("mqtt-client: --port 0: expected a whole number from 1 to 65535\n");
});

test("at a terminal received text is escaped; into a pipe the bytes are written unchanged", async () => {
  const payload = Buffer.from(`${STEERING.join("x")}END`);
  const subscribed = () =>
    script((packet, socket) => {
      if (packet.cmd === "connect") write(socket, { cmd: "connack", returnCode: 0, sessionPresent: false });
      if (packet.cmd !== "subscribe") return;
      write(socket, { cmd: "suback", messageId: packet.messageId, granted: [0] });
      write(socket, { cmd: "publish", topic: "a\u202eb", payload, qos: 0, dup: false, retain: false });
    });
  const options = (port: string) => ["--port", port, "--clean", "1", "--sub", "#,0", "--stay"];
  const piped = start(...options((await subscribed()).port));
  await until(() => piped.out().includes("END\n"), "the message in the pipe");
  expect(piped.out()).toBe(`a\u202eb,0,0,${payload}\n`);
  const shown = startAtTerminal(...options((await subscribed()).port));
  await until(() => shown.out().includes("END"), "the message at the terminal");
  expect(foreignIn(shown.out().replaceAll("\r\x1b[K", "").replaceAll("\n", ""))).toEqual([]);
  expect(shown.out()).toContain("a\\u202eb,0,0,\\x1b[2Jx");
});
