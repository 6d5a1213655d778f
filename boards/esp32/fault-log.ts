/*
 * What ended the machine, kept in NVS for the next boot to tell. A namespace of its own: a factory reset leaves it.
 */
import KeyValueStorage from "embedded:storage/key-value";

const NAMESPACE = "faults";
const KEY = "last";
const LONGEST = 200; // characters

/** Keeps one line, over the one before it. Durable on return. */
export function keepFault(line: string): void {
  const store = KeyValueStorage.open({ path: NAMESPACE, format: "string" });
  store.write(KEY, line.slice(0, LONGEST));
  store.close();
}

/** The line that the run before kept; once. */
export function takeFault(): string | undefined {
  const store = KeyValueStorage.open({ path: NAMESPACE, format: "string" });
  try {
    const line = store.read(KEY) as string | undefined; // the typings forget that there may be none
    if (line !== undefined) store.delete(KEY);
    return line;
  } finally {
    store.close();
  }
}
