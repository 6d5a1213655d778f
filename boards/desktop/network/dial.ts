/*
 * Opens a stream to a server on Node: the socket, and the moment from which it may be written.
 */
import { connect, type Socket } from "node:net";

export interface Address {
  readonly host: string;
  readonly port: number;
  readonly nodelay?: boolean | undefined;
}

/** A connection being opened. Its holder owns the socket. */
export interface Dial {
  readonly socket: Socket;
  /** Calls `opened` once, when data may be written. If that never happens, it is not called, and the socket's events report why. */
  whenOpen(opened: () => void): void;
}

/** A plain connection. */
export function dial({ host, port, nodelay = true }: Address): Dial {
  const socket = connect({ host, port, noDelay: nodelay });
  return { socket, whenOpen: (opened) => socket.once("connect", opened) };
}
