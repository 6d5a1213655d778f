/*
 * The SDK's NTP client with its sockets and resolver, ready to be given to TimeSync.
 */
import NTP from "embedded:network/ntp/client";
import type { NTPConstructor, NTPPort } from "../../src/network/io.js";
import { Names } from "./names.js";
import { LossyUDP } from "./sockets.js";

/** The typings demand the SDK's own resolver; the client calls `resolve` and `close` alone. */
export const ntp: NTPPort = Object.freeze({
  io: NTP as unknown as NTPConstructor,
  socket: Object.freeze({ io: LossyUDP }),
  dns: Object.freeze({ io: Names }),
});
