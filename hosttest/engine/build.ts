/*
 * Builds the XS worker from the engine's C sources, which are in a pinned npm package, and our host files. This is done once for
 * each clone and version: the result is in build/xs, named by a hash of all inputs. It needs npm for the first fetch, `tar`, and a
 * C compiler, with 32-bit libraries for slots as large as on the device (Debian: gcc-multilib). It never runs the package's
 * install scripts, and uses only its xs/{includes,platforms,sources}.
 */
import { execFile, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { tryOpenLocked } from "../../boards/desktop/flash/file-lock.js";

const run = promisify(execFile);

/** Contains XS 13.3.0 (xsCommon.h); SDK 8.2.3 has XS 17.7.0. No package has a newer one. */
const PACKAGE = "@agoric/xsnap";
const VERSION = "0.15.0";
/** SHA-512 of the tarball, as the registry states it. */
const INTEGRITY = "ZBm4DZxbtfacxMHVVdJjZi0Y8zOxN77vpu1WwI5RWfPkaRh0aHkz/dVdTGKXalDNzWfz183lljKxlxl3/h0n+A==";
const SOURCES_IN_PACKAGE = "package/moddable/xs";
const OMITTED = new Set(["xsLockdown.c", "xsSnapshot.c"]); // a device does not have these

/** As in the SDK's release build for a device, with metering in addition. */
const FLAGS = [
  "-O2",
  "-std=gnu11",
  "-DINCLUDE_XSPLATFORM",
  '-DXSPLATFORM="platform.h"',
  "-DmxBoundsCheck=1",
  "-DmxMetering=1",
  "-DmxParse=1",
  "-DmxRun=1",
  "-DmxNoConsole=1",
];
const HOST_FILES = [
  ...["worker.c", "frames.c", "host.c", "natives.c", "platform.c", "profile.c"],
  ...["worker.h", "platform.h", "profile.h", "mc.xs.h"],
];
/** The device's TLS, compiled in by variant "tls". */
const TLS_FILES = [
  ...["native.c", "engine.c", "certificate.c", "session.c", "refusal.c"],
  ...["engine.h", "parts.h", "refusal.h"],
];
const TLS_LIBRARIES = ["-lmbedtls", "-lmbedx509", "-lmbedcrypto"];
/** From Debian's package valgrind: with it the worker can start and stop the counting of callgrind (host.c). */
const COUNTING_HEADER = "/usr/include/valgrind/callgrind.h";
const LIBRARIES = ["-lm", "-lpthread"];
/** A double is rounded once, as on the device. The x87 unit would round to 64 bits first, and differ in some last digits. */
const FLAGS_32 = ["-m32", "-msse2", "-mfpmath=sse"];
const LOCK_STEP_MS = 200;

/** `wordBits` 32: slots of 16 bytes as on ESP32; 64: slots of 32 bytes. Computrons are the same on both. */
export type WorkerProgram =
  | { readonly kind: "built"; readonly path: string; readonly wordBits: 32 | 64 }
  | { readonly kind: "missing"; readonly why: string };

/**
 * A plain worker; one that also counts the computrons of every function (slower, same counts); or one with the device's TLS, on the
 * mbedTLS that is installed here (Debian: libmbedtls-dev), with 32-bit words if that library has them (libmbedtls-dev:i386).
 */
export type Variant = "plain" | "profile" | "tls";

const programs = new Map<Variant, Promise<WorkerProgram>>();

/** The engine's sources cannot be fetched, mostly because there is no network. The message is one line. */
export class FetchError extends Error {}

/** The worker's program, built if necessary. "missing" only if this machine cannot compile it. @throws FetchError */
export function workerProgram(variant: Variant = "plain"): Promise<WorkerProgram> {
  let program = programs.get(variant);
  if (program === undefined) {
    program = build(variant);
    programs.set(variant, program);
  }
  return program;
}

/** The repository's top folder; works from a bundle in build/ too. */
export const topFolder = folderWith("package.json", dirname(fileURLToPath(import.meta.url)));

function folderWith(file: string, start: string): string {
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, file))) return folder;
    if (folder === dirname(folder)) throw new Error(`${start}: no folder above it has a ${file}`);
  }
}

async function build(variant: Variant): Promise<WorkerProgram> {
  const compiler = process.env.CC ?? "cc";
  const version = spawnSync(compiler, ["--version"], { encoding: "utf8" });
  if (version.status !== 0) return { kind: "missing", why: `no C compiler: "${compiler}" does not run` };
  const cache = join(topFolder, "build", "xs");
  await mkdir(cache, { recursive: true });
  const libraries = [...(variant === "tls" ? TLS_LIBRARIES : []), ...LIBRARIES];
  const wordBits = links(compiler, [...FLAGS_32, ...libraries], variant) ? 32 : 64;
  if (wordBits === 64 && variant === "tls" && !links(compiler, libraries, variant))
    return { kind: "missing", why: "no mbedTLS here (Debian: apt-get install libmbedtls-dev)" };
  const flags = [...FLAGS, ...(wordBits === 32 ? FLAGS_32 : [])];
  const host = join(topFolder, "hosttest", "engine");
  const ingredients = [INTEGRITY, variant, version.stdout, ...flags, `${existsSync(COUNTING_HEADER)}`];
  const files = HOST_FILES.map((file) => join(host, file));
  if (variant === "tls") files.push(...TLS_FILES.map((file) => join(topFolder, "boards", "esp32", "tls", file)));
  for (const file of files) ingredients.push(await readFile(file, "utf8"));
  const key = createHash("sha256").update(ingredients.join("\0")).digest("hex").slice(0, 16);
  const path = join(cache, `worker-${variant}-${key}`);
  if (existsSync(path)) return { kind: "built", path, wordBits };
  await withLock(join(cache, "build.lock"), async () => {
    if (existsSync(path)) return;
    const scratch = join(cache, "scratch");
    await rm(scratch, { recursive: true, force: true }); // of a build that was interrupted
    await mkdir(scratch);
    const sources = await unpackedSources(cache, scratch);
    if (variant === "profile") await instrumentCalls(sources, scratch);
    const program = await compile({ compiler, flags, files, sources, scratch, variant, libraries });
    await rename(program, path);
    await rm(scratch, { recursive: true });
  });
  return { kind: "built", path, wordBits };
}

function links(compiler: string, options: readonly string[], variant: Variant): boolean {
  const header = variant === "tls" ? "#include <mbedtls/ssl.h>\n" : "";
  const use = variant === "tls" ? "mbedtls_ssl_context one; mbedtls_ssl_init(&one); " : "";
  const program = `#include <stdlib.h>\n#include <math.h>\n${header}int main(int c, char** v) { ${use}return (int)floor(atof(v[0]) * c); }`;
  const flags = ["-x", "c", "-", "-o", "/dev/null", ...options];
  return spawnSync(compiler, flags, { input: program }).status === 0;
}

/** Fetches, checks and unpacks the package, each step completely or not at all. Returns the folder with includes, platforms and sources. */
async function unpackedSources(cache: string, scratch: string): Promise<string> {
  const folder = join(cache, `xsnap-${VERSION}`);
  const sources = join(folder, SOURCES_IN_PACKAGE);
  if (existsSync(sources)) return sources;
  const name = `agoric-xsnap-${VERSION}.tgz`;
  const tarball = join(cache, name);
  if (!existsSync(tarball) || (await digestOf(tarball)) !== INTEGRITY) {
    await fetchPackage(scratch);
    const digest = await digestOf(join(scratch, name));
    if (digest !== INTEGRITY) throw new Error(`${PACKAGE}@${VERSION}: SHA-512 is ${digest}, expected ${INTEGRITY}`);
    await rename(join(scratch, name), tarball);
  }
  const part = join(scratch, "package");
  await mkdir(part);
  await run("tar", ["-xzf", tarball, "-C", part, SOURCES_IN_PACKAGE]);
  await rename(part, folder);
  return sources;
}

async function fetchPackage(into: string): Promise<void> {
  const options = ["--ignore-scripts", "--silent", "--pack-destination", into];
  await run("npm", ["pack", `${PACKAGE}@${VERSION}`, ...options]).catch(() => {
    throw new FetchError(`npm could not fetch ${PACKAGE}@${VERSION}, which the first build needs: is the network up?`);
  });
}

async function digestOf(file: string): Promise<string> {
  return createHash("sha512")
    .update(await readFile(file))
    .digest("base64");
}

interface Compilation {
  readonly compiler: string;
  readonly flags: readonly string[];
  /** Our files, including headers. */
  readonly files: readonly string[];
  /** Folder of the engine's sources. */
  readonly sources: string;
  readonly scratch: string;
  readonly variant: Variant;
  readonly libraries: readonly string[];
}

async function compile(compilation: Compilation): Promise<string> {
  const { compiler, flags, files: own, sources, scratch, variant, libraries } = compilation;
  const folders = [...new Set(own.map(dirname))];
  const includes = [scratch, ...folders, ...["includes", "platforms", "sources"].map((name) => join(sources, name))];
  const common = [...flags, "-w", ...includes.map((folder) => `-I${folder}`)];
  if (variant !== "plain") common.push(variant === "profile" ? "-DPROFILE=1" : "-DTLS=1");
  const queue = (await readdir(join(sources, "sources"))).filter((name) => name.endsWith(".c") && !OMITTED.has(name));
  const files = queue.map((name) => {
    const changed = join(scratch, name);
    return existsSync(changed) ? changed : join(sources, "sources", name);
  });
  files.push(...own.filter((file) => file.endsWith(".c")));
  const objects: string[] = [];
  const next = async (): Promise<void> => {
    for (let file = files.pop(); file !== undefined; file = files.pop()) {
      const object = join(scratch, `${objects.length}.o`);
      objects.push(object);
      await run(compiler, [...common, "-c", file, "-o", object]);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, next));
  const program = join(scratch, "worker");
  await run(compiler, [...flags, ...objects, ...libraries, "-o", program]);
  return program;
}

/** The engine has hooks for tracing calls; the profiling worker counts in them (profile.h). */
async function instrumentCalls(sources: string, scratch: string): Promise<void> {
  const text = await readFile(join(sources, "sources", "xsRun.c"), "utf8");
  const start = text.indexOf("#ifdef mxTraceCall\nint gxTraceCall");
  const end = text.indexOf("#endif\n", start);
  if (start < 0 || end < 0) throw new Error("xsRun.c: the hooks for calls are not where they were");
  const changed = `${text.slice(0, start)}#define mxTraceCall 1\n#include "profile.h"\n${text.slice(end + "#endif\n".length)}`;
  await writeFile(join(scratch, "xsRun.c"), changed);
}

/** One builder at a time, because test files run in parallel. The lock ends with its owner's process, however that ends. */
async function withLock(path: string, work: () => Promise<void>): Promise<void> {
  let lock = tryOpenLocked(path);
  while (lock === undefined) {
    await new Promise((resolve) => setTimeout(resolve, LOCK_STEP_MS));
    lock = tryOpenLocked(path);
  }
  try {
    await work();
  } finally {
    closeSync(lock);
  }
}
