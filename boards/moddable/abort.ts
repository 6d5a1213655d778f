/*
 * Records why an XS machine ends. With `defines.xs.abortHook`, the SDK calls a global `abort` before it ends the machine:
 * for an exception that left a callback, for a rejected promise, for lack of memory; also in release builds. The result decides
 * whether to continue. We never continue: the exception may have left any state half changed, while flash is consistent and a boot
 * takes a second.
 */
declare global {
  var abort: ((reason: string, exception: unknown) => void) | undefined;
}

/** `record` gets one line; the latest one counts. Its exceptions are lost, because the machine is ending. */
export function onAbort(record: (line: string) => void): void {
  globalThis.abort = (reason, exception) => record(exception === undefined ? reason : `${reason}: ${exception}`);
}
