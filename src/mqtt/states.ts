/* The states of an attempt and its connection (connection.ts), in order. */

/** Ended, by either side. */
export const OVER = 0;
/** Not begun yet, or waiting for the resolver. */
export const RESOLVING = 1;
/** The socket is not open yet. */
export const OPENING = 2;
/** CONNECT was handed to the socket. */
export const GREETED = 3;
/** CONNACK with code 0 was received. */
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
