/*
 * How a stream to a server comes about on Node: the socket, and when it may be written to.
 */
import { connect, type Socket } from "node:net";

export interface Address {
  readonly host: string;
  readonly port: number;
  readonly nodelay?: boolean | undefined;
}

/** A connection under way. Its holder owns the socket. */
export interface Dial {
  readonly socket: Socket;
  /** Calls `opened` once: from then on data may be written. Not called if that never comes; the socket's events say why. */
  whenOpen(opened: () => void): void;
}

/** A plain connection. */
export function dial({ host, port, nodelay = true }: Address): Dial {
  const socket = connect({ host, port, noDelay: nodelay });
  return { socket, whenOpen: (opened) => socket.once("connect", opened) };
}
