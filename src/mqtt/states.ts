/*
 * How far an attempt, and the connection that comes of it, has got: the states of connection.ts, in order.
 */

/** Ended, by whichever side. */
export const OVER = 0;
/** Not begun yet, or the resolver is asked. */
export const RESOLVING = 1;
/** The socket is not open yet. */
export const OPENING = 2;
/** CONNECT is with the socket. */
export const GREETED = 3;
/** CONNACK came, of code 0. */
export const CONNECTED = 4;
/** Only DISCONNECT is left to send, and waits for free space. */
export const LEAVING = 5;
/** DISCONNECT is in the transmit buffer. */
export const LEFT = 6;
/** One of the states above, in the order in which a connection goes through them. */
export type State =
  | typeof OVER
  | typeof RESOLVING
  | typeof OPENING
  | typeof GREETED
  | typeof CONNECTED
  | typeof LEAVING
  | typeof LEFT;
