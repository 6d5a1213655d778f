/*
 * The device's TLS engine (boards/esp32/tls), compiled for this computer with Debian's mbedTLS and the sanitizers, connects to the
 * same servers as the desktop's class. The outcome must be the same, nothing is sent in the clear, and bytes that are read and
 * written in pieces of arbitrary lengths arrive unchanged.
 */
import { execFile, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer as createPlain } from "node:net";
import { join } from "node:path";
import { createServer } from "node:tls";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test as plainTest } from "vitest";
import { fromPEM } from "../../../src/tls/pem.js";
import { Random } from "../../simulation/random.js";
import { SEED } from "../../support/seed.js";
import type { AttemptOptions, Outcome } from "../support/attempt.js";
import { Servers } from "../support/servers.js";
import { Wire } from "../support/wire.js";

const run = promisify(execFile);
const TOP = fileURLToPath(new URL("../../..", import.meta.url));
/** In the order of engine.h. */
const KINDS =
  "unknownCA,wrongName,expired,notYetValid,wrongUsage,noCA,wrongKey,weak,noCommon,noTLS,client,closed,broken,unusable,tooLarge,noMemory".split(
    ",",
  );
const SECRET = "secret reading";

/** Of Debian's package libmbedtls-dev, which hosttest/setup.sh installs. */
const test = plainTest.runIf(existsSync("/usr/include/mbedtls/ssl.h") || process.env.CI !== undefined);

let servers: Servers;
let driver: string;
let files = 0;

beforeAll(async () => {
  servers = await new Servers().start();
  driver = build("driver", "-lmbedtls -lmbedx509 -lmbedcrypto");
}, 120_000);

/** Compiles the engine and its driver; returns the program's path. */
function build(name: string, libraries: string): string {
  const program = join(servers.certificates.folder, name);
  const { status, stderr } = spawnSync(
    "gcc",
    [
      ..."-std=gnu17 -Wall -Wextra -Werror -O1 -fsanitize=address,undefined -fno-sanitize-recover=all".split(" "),
      ...["-I", join(TOP, "boards/esp32/tls"), "-o", program],
      ...["engine.c", "certificate.c", "session.c", "refusal.c"].map((file) => join(TOP, "boards/esp32/tls", file)),
      join(TOP, "hosttest/tls/engine/driver.c"),
      ...libraries.split(" "),
    ],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(stderr);
  return program;
}

afterAll(() => servers?.close());

/** Writes a PEM file as DER for the driver; returns its path. */
function der(path: string | undefined, kind: "CERTIFICATE" | "PRIVATE KEY"): string {
  if (path === undefined) return "-";
  const file = join(servers.certificates.folder, `${files++}.der`);
  writeFileSync(file, fromPEM(readFileSync(path, "latin1"), kind));
  return file;
}

interface Drive {
  readonly bytes?: number;
  readonly seed?: number;
  readonly program?: string;
  /** The number of the allocation that fails, of a program with FAILING_CALLOC. */
  readonly failing?: number;
}

async function drive(port: number, options: AttemptOptions, more: Drive = {}): Promise<string[]> {
  const { bytes = 0, seed = SEED, program = driver, failing = 0 } = more;
  const { ca, fingerprint = "-", name = "broker.test", client } = options;
  const words = [
    ...[`${port}`, name, der(ca?.certificate, "CERTIFICATE"), fingerprint],
    ...[der(client?.chain, "CERTIFICATE"), der(client?.key, "PRIVATE KEY"), `${seed}`, `${bytes}`],
  ];
  const { stdout } = await run(program, words, { env: { ...process.env, FAILING: `${failing}` } });
  return stdout.trim().split("\n");
}

function outcomeOf(lines: readonly string[]): Outcome {
  const refused = lines.map((line) => /^refused (\d+)/.exec(line)?.[1]).find((kind) => kind !== undefined);
  if (refused !== undefined) return KINDS[Number(refused)] as Outcome;
  return lines[0].startsWith("open") ? "open" : "network";
}

test("each of the good and bad servers has the expected outcome, and nothing is sent in the clear", async () => {
  const seen: string[] = [];
  const expected: string[] = [];
  for (const { name, options, expected: outcome } of servers.cases()) {
    const wire = await Wire.to(servers.port(name));
    seen.push(`${name}: ${outcomeOf(await drive(wire.port, options))}`);
    expected.push(`${name}: ${outcome}`);
    expect(wire.clearText([SECRET]), name).toEqual([]);
    wire.close();
  }
  expect(seen).toEqual(expected);
});

test("bytes sent are echoed, read and written in pieces of any size", async () => {
  const { chain, key } = servers.server;
  const echo = createServer({ cert: readFileSync(chain), key: readFileSync(key) }, (socket) => socket.pipe(socket));
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
  const { port } = echo.address() as AddressInfo;
  for (let n = 0; n < 8; n++) {
    const lines = await drive(port, { ca: servers.root }, { bytes: 50_000, seed: SEED + n });
    expect(lines).toEqual([expect.stringMatching(/^open TLSv1\.[23] /), "echoed 50000"]);
  }
  echo.close();
});

test("without a CA and without a pin, no connection is secured", async () => {
  const nothing = createPlain(() => {}).listen(0, "127.0.0.1");
  await new Promise((resolve) => nothing.once("listening", resolve));
  const lines = await drive((nothing.address() as AddressInfo).port, {});
  expect(outcomeOf(lines)).toBe("unusable");
  nothing.close();
});

test("whichever allocation fails: no crash, no leak; the reason is memory, except where mbedTLS takes the failure for a wrong signature", async () => {
  const poor = build("poor", "-DFAILING_CALLOC -Wl,--wrap=calloc -l:libmbedtls.a -l:libmbedx509.a -l:libmbedcrypto.a");
  const meet = (failing: number): Promise<string[]> =>
    drive(
      servers.port("wants a certificate"),
      { ca: servers.root, client: servers.device },
      { program: poor, failing },
    );
  const [allocations] = (await meet(0)).flatMap((line) => /^allocations (\d+)$/.exec(line)?.[1] ?? []).map(Number);
  expect(allocations).toBeGreaterThan(100);
  const random = new Random(SEED);
  // After a wrong signature it tries another issuer: the copy of the root in the chain that the server sends; or it finds none.
  const inVerification: readonly Outcome[] = ["noMemory", "open", "unknownCA"];
  const seen = new Map<Outcome, number>();
  for (let n = 0; n < 24; n++) {
    const failing = n < 8 ? n + 1 : random.whole(1, allocations);
    const outcome = outcomeOf(await meet(failing));
    expect(n < 8 ? ["noMemory"] : inVerification, `${failing} of ${allocations}`).toContain(outcome);
    seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
  }
  expect(seen.get("noMemory")).toBeGreaterThan(12);
});
