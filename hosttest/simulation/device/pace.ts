/*
 * Checks a device's connection attempts. Waits between failed attempts must be random (full jitter): if each equals the previous
 * one, or twice that, all devices that lost a broker at the same time return at the same time.
 */
import type { TCP, TCPConstructor, TCPOptions } from "../../../src/mqtt/wire/io.js";

/** Predictable waits in a row. By chance this happens once in some 10^13. */
const MAX_PREDICTED = 4;

/** `io`, observed. `onCrowd` is called once, when the waits are predictable. */
export function watchPace(io: TCPConstructor, nowMs: () => number, onCrowd: (text: string) => void): TCPConstructor {
  let endedMs = Number.NaN;
  let lastWaitMs = Number.NaN;
  let predicted = 0;
  const begin = (): void => {
    const waitMs = nowMs() - endedMs;
    const isPredicted = waitMs > 0 && (waitMs === lastWaitMs || waitMs === 2 * lastWaitMs);
    predicted = isPredicted ? predicted + 1 : 0;
    lastWaitMs = waitMs;
    if (predicted === MAX_PREDICTED)
      onCrowd(`attempts ${waitMs} ms apart, as predicted by ${MAX_PREDICTED} waits before`);
  };
  const end = (): void => {
    endedMs = nowMs();
  };
  return class implements TCP {
    readonly #socket: TCP;
    constructor(options: TCPOptions) {
      begin();
      this.#socket = new io({
        ...options,
        onError: () => {
          end();
          options.onError();
        },
      });
    }
    read(buffer: Uint8Array): number | undefined {
      return this.#socket.read(buffer) as number | undefined;
    }
    write(buffer: Uint8Array): number | undefined {
      return this.#socket.write(buffer) as number | undefined;
    }
    close(): void {
      end();
      this.#socket.close();
    }
  };
}
