/*
 * One process at a time, by a file that holds the owner's process id.
 * A process killed by signal 9 leaves its file behind; whoever comes next sees that the process is gone and takes over.
 */
import { linkSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";

const PATIENCE_MS = 3000; // a process that was just killed may take a moment to go
const STEP_MS = 50;

export class FileLock {
  readonly #path: string;
  #held = true;

  /** Blocks for a few seconds at most. @throws Error naming the process that holds it */
  constructor(path: string) {
    this.#path = path;
    for (let waitedMs = 0; !tryLock(path); waitedMs += STEP_MS) {
      const owner = ownerOf(path);
      if (owner === undefined || !isAlive(owner)) {
        removeQuietly(path);
        continue;
      }
      if (waitedMs >= PATIENCE_MS) {
        throw new Error(`is in use by process ${owner}; stop that one, or remove ${path} if it is no thermometer`);
      }
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STEP_MS);
    }
  }

  /** Idempotent. */
  release(): void {
    if (this.#held) removeQuietly(this.#path);
    this.#held = false;
  }
}

function tryLock(path: string): boolean {
  const own = `${path}.${process.pid}`;
  writeFileSync(own, `${process.pid}\n`);
  try {
    linkSync(own, path); // appears with its content or not at all
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    removeQuietly(own);
  }
}

function ownerOf(path: string): number | undefined {
  try {
    const owner = Number.parseInt(readFileSync(path, "utf8"), 10);
    return Number.isSafeInteger(owner) && owner > 0 ? owner : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  if (pid === process.pid || isZombie(pid)) return false; // our own number was another's before
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Ended, but not yet waited for by its parent. Known on Linux only. */
function isZombie(pid: number): boolean {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // somebody else was faster
  }
}
