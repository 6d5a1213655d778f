/* One process at a time on a chip, by any name of the file, and after any end of its owner. With real processes. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { linkSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { bundle } from "../support/bundle.mjs";

const PROGRAM = await bundle("hosttest/desktop/chip-process.ts");
/** Lock and id, settings, outbox; boot selection and two slots for images. */
const IMAGE_BYTES = (1 + 6 + 256 + 2 + 2 * 64) * 4096;
/** Runs a command with its own process ids, as in a container. */
const CONTAINER = ["unshare", "--pid", "--fork", "--mount-proc"];
const hasContainers = spawnSync(CONTAINER[0], [...CONTAINER.slice(1), "true"]).status === 0;

let folder: string;
let path: string;
let started: Owner[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lock-"));
  path = join(folder, "chip.flash");
  started = [];
});

afterEach(async () => {
  for (const owner of started) await owner.kill();
  rmSync(folder, { recursive: true });
});

class Owner {
  readonly process: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<unknown>;
  #printed = "";

  constructor(image: string, around: readonly string[] = []) {
    const [command, ...words] = [...around, process.execPath, PROGRAM, image];
    this.process = spawn(command, words);
    this.process.stdout.on("data", (text) => {
      this.#printed += text;
    });
    this.#ended = once(this.process, "exit");
    started.push(this);
  }

  /** Its first line of output: whether its chip opened. */
  async answer(): Promise<string> {
    while (!this.#printed.includes("\n")) {
      await Promise.race([
        once(this.process.stdout, "data"),
        this.#ended.then(() => Promise.reject(new Error("ended"))),
      ]);
    }
    return this.#printed.split("\n")[0];
  }

  async kill(): Promise<void> {
    this.process.kill("SIGKILL");
    await this.#ended;
  }

  async end(): Promise<void> {
    this.process.stdin.end();
    await this.#ended;
  }
}

const answerOf = (image: string, around?: readonly string[]): Promise<string> => new Owner(image, around).answer();

test("by its name, a symbolic link and a hard link: the second one is refused, by an error that names the holder", async () => {
  const owner = new Owner(path);
  expect(await owner.answer()).toContain("opened ");
  const soft = join(folder, "soft.flash");
  const hard = join(folder, "hard.flash");
  symlinkSync(path, soft);
  linkSync(path, hard);
  const answers = await Promise.all([path, soft, hard].map((name) => answerOf(name)));
  const inUse = `is in use by process ${owner.process.pid}; stop that one, or name another file`;
  expect(answers).toEqual([path, soft, hard].map((name) => `refused ${name}: ${inUse}`));
});

test("an owner that was killed by signal 9, or ended, has it no more", async () => {
  const killed = new Owner(path);
  const made = (await killed.answer()).split(" ").at(-1);
  await killed.kill();
  const next = new Owner(path);
  expect((await next.answer()).split(" ").at(-1)).toBe(made); // the same chip, by its MAC address
  await next.end();
  expect(await answerOf(path)).toContain("opened ");
});

test("fifty that start at the same moment on a chip whose owner was just killed: one gets it", async () => {
  for (let round = 0; round < 2; round++) {
    const before = new Owner(path);
    expect(await before.answer()).toContain("opened ");
    before.process.kill("SIGKILL");
    const owners = Array.from({ length: 50 }, () => new Owner(path));
    const answers = await Promise.all(owners.map((owner) => owner.answer()));
    expect(answers.filter((answer) => answer.startsWith("opened "))).toHaveLength(1);
    expect(answers.filter((answer) => answer.includes("is in use by process "))).toHaveLength(49);
    await Promise.all(owners.map((owner) => owner.kill()));
  }
});

test("so do fifty on a chip that is not there yet, and it is made once, whole", async () => {
  const owners = Array.from({ length: 50 }, () => new Owner(path));
  const answers = await Promise.all(owners.map((owner) => owner.answer()));
  const [opened, ...more] = answers.filter((answer) => answer.startsWith("opened "));
  expect(more).toEqual([]);
  const mac = opened.split(" ")[2];
  expect(readFileSync(path).subarray(24, 30).toString("hex")).toBe(mac);
});

test.runIf(hasContainers)("in containers that share the file, whose process ids mean nothing outside", async () => {
  const inside = new Owner(path, CONTAINER);
  expect(await inside.answer()).toMatch(/^opened \d /);
  const [outside, beside] = await Promise.all([answerOf(path), answerOf(path, CONTAINER)]);
  expect(outside).toMatch(/is in use by process \d+;/);
  expect(beside).toContain("is in use by another process (another user's, or in a container);");
});

test("a full disk leaves nothing that prevents the next start", async () => {
  // A limit of 512 blocks of 1 KiB simulates a full disk.
  const limited = ["bash", "-c", 'ulimit -f 512; exec "$@"', "limited"];
  expect(await answerOf(path, limited)).toBe(`refused ${path}: files may not become so large here (EFBIG)`);
  expect(statSync(path).size).toBe(0);
  expect(await answerOf(path)).toContain("opened ");
  expect(statSync(path).size).toBe(IMAGE_BYTES);
});

test("the command that locks is found in the usual places, whatever PATH contains", async () => {
  expect(await answerOf(path, ["env", "PATH=/nowhere"])).toContain("opened ");
});
