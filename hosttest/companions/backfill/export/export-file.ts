/*
 * A file of many lines, written beside its place and moved there whole: a reader never sees a part of it.
 */
import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from "node:fs";

const CHUNK = 1_000; // lines

/** `lines`: with their line ends. @throws Error as the file system does */
export function writeLines(file: string, lines: Iterable<string>): void {
  const part = `${file}.${process.pid}`;
  const descriptor = openSync(part, "w");
  try {
    let chunk: string[] = [];
    for (const line of lines) {
      if (chunk.push(line) < CHUNK) continue;
      writeFileSync(descriptor, chunk.join(""));
      chunk = [];
    }
    writeFileSync(descriptor, chunk.join(""));
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(part, file);
}
