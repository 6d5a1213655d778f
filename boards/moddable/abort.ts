/*
 * The last word of a machine. Where `defines.xs.abortHook` is set, the SDK calls a global `abort` before it ends the machine:
 * for an exception that left a callback, for a rejected promise, for memory that ran out; in release builds, too. It asks
 * whether to go on. We never do: what an exception left half done is not known, what lies in flash is whole, and a boot takes
 * a second.
 */
declare global {
  var abort: ((reason: string, exception: unknown) => void) | undefined;
}

/** `record` is given one line; the latest one counts. What it throws is lost: no machine is left to throw into. */
export function onAbort(record: (line: string) => void): void {
  globalThis.abort = (reason, exception) => record(exception === undefined ? reason : `${reason}: ${exception}`);
}
