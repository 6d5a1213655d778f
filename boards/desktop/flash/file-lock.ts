/*
 * Opens a file for one process at a time. The lock is on the file itself, whatever names it has (links, bind mounts in
 * containers), and the operating system releases it when its process ends in any way: no lock file, no process id.
 *
 *   Linux        flock(2), which Node cannot call: the command `flock` (util-linux, BusyBox) locks a descriptor that it
 *                inherits. The lock belongs to the open file description, which we share, and remains when the command has ended.
 *   macOS, BSD   the same lock, taken by open(2) with O_EXLOCK
 *   Windows      a file opened without sharing: UV_FS_O_EXLOCK of libuv
 */
import { spawnSync } from "node:child_process";
import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
} from "node:fs";

const PATIENCE_MS = 3000; // a process that was just killed may take a moment to end
const FIRST_STEP_MS = 20;
const LAST_STEP_MS = 500;
const OWNER_ONLY = 0o600;

const UV_FS_O_EXLOCK = 0x1000_0000; // libuv, uv/win.h
const O_EXLOCK = 0x20; // fcntl.h of macOS and the BSDs
const O_NONBLOCK = 0x4; // there, too

/**
 * Opens the file for reading and writing; creates it, readable for its owner only, if there is none. Blocks for at most a few
 * seconds. Closing the descriptor releases the lock.
 * @throws Error: the system's, or one that names the process that has the file
 */
export function openLocked(path: string): number {
  let stepMs = FIRST_STEP_MS;
  for (let waitedMs = 0; ; waitedMs += stepMs, stepMs = Math.min(2 * stepMs, LAST_STEP_MS)) {
    const file = tryOpenLocked(path);
    // Between opening and locking, its last owner may have removed the file or moved another one there.
    if (file !== undefined && isAt(path, file)) return file;
    if (file !== undefined) closeSync(file);
    if (waitedMs >= PATIENCE_MS) throw new Error(`is in use by ${holder(path)}; stop that one, or name another file`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, stepMs);
  }
}

/** Whether the name leads to the open file. @throws Error if it cannot be determined */
export function isAt(path: string, file: number): boolean {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found !== undefined && isSame(found, fstatSync(file, { bigint: true }));
}

function isSame(one: BigIntStats, other: BigIntStats): boolean {
  return one.ino === other.ino && one.dev === other.dev;
}

/** As `openLocked`, but does not wait: undefined if another process has the file. The name may lead elsewhere by then. */
export function tryOpenLocked(path: string): number | undefined {
  const flags = constants.O_RDWR | constants.O_CREAT;
  switch (process.platform) {
    case "win32":
      return openUnless("EBUSY", path, flags | UV_FS_O_EXLOCK);
    case "linux":
    case "android":
      return lockedByCommand(openSync(path, flags, OWNER_ONLY));
    default:
      return openUnless("EAGAIN", path, flags | O_EXLOCK | O_NONBLOCK);
  }
}

function openUnless(code: string, path: string, flags: number): number | undefined {
  try {
    return openSync(path, flags, OWNER_ONLY);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === code) return undefined;
    throw error;
  }
}

function lockedByCommand(file: number): number | undefined {
  try {
    if (flock(file)) return file;
  } catch (error) {
    closeSync(file);
    throw error;
  }
  closeSync(file);
  return undefined;
}

/** Whether the lock is ours now. */
function flock(file: number): boolean {
  const { status, stderr, error } = spawnSync("flock", ["-x", "-n", "3"], {
    stdio: ["ignore", "ignore", "pipe", file], // which makes it descriptor 3
    env: { PATH: `${process.env.PATH ?? ""}:/usr/bin:/bin`, LC_ALL: "C" },
    encoding: "utf8",
  });
  if (error !== undefined) {
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw isMissing ? new Error('cannot be locked: there is no command "flock"; install util-linux') : error;
  }
  if (status === 0) return true;
  if (status === 1 && stderr === "") return false;
  throw new Error(`cannot be locked: ${stderr.trim() || `flock ended with ${status}`}`);
}

/** The process that has the file, as far as this process can see it: on Linux, and within the same container. */
function holder(path: string): string {
  const wanted = statSync(path, { bigint: true, throwIfNoEntry: false });
  for (const name of wanted === undefined ? [] : entries("/proc")) {
    if (/^\d+$/.test(name) && holds(name, wanted as BigIntStats)) return `process ${name}`;
  }
  return "another process (another user's, or in a container)";
}

function holds(pid: string, wanted: BigIntStats): boolean {
  return entries(`/proc/${pid}/fd`).some((descriptor) => {
    try {
      const found = statSync(`/proc/${pid}/fd/${descriptor}`, { bigint: true });
      // Other processes may also wait for it: they have it open, but without a lock.
      return isSame(found, wanted) && /^lock:.*FLOCK/m.test(readFileSync(`/proc/${pid}/fdinfo/${descriptor}`, "utf8"));
    } catch {
      return false; // closed meanwhile
    }
  });
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
