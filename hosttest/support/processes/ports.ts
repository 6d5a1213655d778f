/*
 * Ports of other people's servers: whether somebody listens there.
 */
import { connect } from "node:net";

const PATIENCE_MS = 1_000; // an address may not answer

/** Whether a TCP connection to `port` comes about; it is closed at once. */
export function accepts(port: number, host = "127.0.0.1"): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    const end = (isOpen: boolean): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.setTimeout(PATIENCE_MS, () => end(false));
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}
