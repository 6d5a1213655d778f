/*
 * What kind of broker it is: which versions it speaks, how much it takes, what it says about that. As real ones are, and
 * some that are worse.
 */
export interface Terms {
  /** To a CONNECT of level 5: it speaks it; or CONNACK 0x84; or 3.1.1's return code 1; or it closes; or nothing comes, for ever. */
  readonly five: "spoken" | "0x84" | "code 1" | "closes" | "silent";
  /** Unreleased QoS 2 messages of a client, at most: more are refused with 0x97, and dropped without a word at 3.1.1. Announced at 5. */
  readonly receiveMaximum: number;
  readonly maximumQoS: 1 | 2;
  /** At 5, a CONNACK says the maximum QoS; otherwise only a DISCONNECT 0x9B does. */
  readonly isQoSSaid: boolean;
  readonly retainAvailable: boolean;
  readonly maximumPacketBytes: number | undefined;
  readonly aliasMaximum: number;
  readonly keepAliveS: number | undefined;
  /** Seconds that a session is kept at most, at 5 and at 3.1.1. */
  readonly maxExpiryS: number;
  /** A session that began clean does not survive a restart of the broker. */
  readonly forgetsClean: boolean;
  /** Reason of PUBACK and PUBREC where all is well: 0x00, or 0x10 (no matching subscribers). */
  readonly success: 0 | 0x10;
  /** Reason of PUBCOMP for an id that is not known. */
  readonly unknownId: 0 | 0x92;
  /** Reasons are explained, by reason strings and user properties. */
  readonly isWordy: boolean;
  /** Connections end with a DISCONNECT that says why. */
  readonly saysWhy: boolean;
}

/** mosquitto's defaults. */
export const ORDINARY: Terms = Object.freeze({
  five: "spoken",
  receiveMaximum: 20,
  maximumQoS: 2,
  isQoSSaid: true,
  retainAvailable: true,
  maximumPacketBytes: 2_000_000,
  aliasMaximum: 10,
  keepAliveS: undefined,
  maxExpiryS: Number.POSITIVE_INFINITY,
  forgetsClean: true,
  success: 0,
  unknownId: 0,
  isWordy: false,
  saysWhy: true,
});
