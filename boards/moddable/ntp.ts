/*
 * NTP's access to the network on the device: the SDK's UDP class and its resolver.
 */
import type { NTPPort, UDPConstructor } from "../../src/network/io.js";
import { Names } from "./names.js";
import { LossyUDP } from "./sockets.js";

export const ntp: NTPPort = Object.freeze({
  socket: Object.freeze({ io: LossyUDP as unknown as UDPConstructor }),
  dns: Object.freeze({ io: Names }),
});
