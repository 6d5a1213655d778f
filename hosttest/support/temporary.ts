/*
 * Temporary folders of a process, removed when it ends, even early or by Ctrl-C. Signal 9 leaves them.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";

const folders = new Set<string>();
let isListening = false;

/** A new empty folder. `prefix`: what its name begins with. */
export function temporaryFolder(prefix: string): string {
  if (!isListening) process.once("exit", removeAll);
  isListening = true;
  const folder = mkdtempSync(join(tmpdir(), prefix));
  folders.add(folder);
  return folder;
}

/** Before the process ends. */
export function removeFolder(folder: string): void {
  folders.delete(folder);
  rmSync(folder, { recursive: true, force: true });
}

/** For tools: signals that end a process end it normally, with the exit code that shells expect (128 plus the signal's number). */
export function exitOnSignals(): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => process.exit(128 + constants.signals[signal]));
  }
}

function removeAll(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  folders.clear();
}
