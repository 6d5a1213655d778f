/*
 * Node's timers and its clock in the shape of Moddable's `timer` module, one-shot.
 * Node turns waits of more than 2^31 - 1 ms into 1 ms; here they are served in turns.
 */
const LONGEST_MS = 0x7fff_ffff;

class NodeTimer {
  #handle: NodeJS.Timeout;

  constructor(callback: () => void, delayMs: number) {
    const wait = (restMs: number): NodeJS.Timeout =>
      restMs <= LONGEST_MS
        ? setTimeout(callback, restMs)
        : setTimeout(() => {
            this.#handle = wait(restMs - LONGEST_MS);
          }, LONGEST_MS);
    this.#handle = wait(delayMs);
  }

  clear(): void {
    clearTimeout(this.#handle);
  }
}

/** `set` returns an id for `clear`. */
export const timers = {
  set: (callback: () => void, delayMs: number): object => new NodeTimer(callback, delayMs),
  clear: (id: object | number): void => {
    if (id instanceof NodeTimer) id.clear();
  },
};

/** Milliseconds since the process began, monotonic. */
export const uptimeMs = (): number => Math.floor(performance.now());
