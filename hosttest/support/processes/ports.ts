/*
 * Ports for servers: finds a free one, and checks whether a server listens.
 */
import { connect, createServer } from "node:net";

const PATIENCE_MS = 1_000; // some addresses never answer

/*
 * Below the range that systems use for outgoing connections (Linux from 32768, others from 49152 on): a connection of
 * another test could use such a port before the server does, or while the server is down.
 */
const FIRST_PORT = 15_000;
const GROUPS = 277;
const PROCESSES = 64; // tests that run at the same time have neighbouring process ids, and so have different ports

let group = Math.floor(Math.random() * GROUPS);

/** A free port of the loopback interface, outside the range of outgoing connections, and not returned before. */
export async function freePort(): Promise<number> {
  for (;;) {
    group = (group + 1) % GROUPS;
    const port = FIRST_PORT + PROCESSES * group + (process.pid % PROCESSES);
    if (await canListen(port)) return port;
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** Whether a TCP connection to `port` can be opened; it is closed at once. */
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
