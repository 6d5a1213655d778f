/*
 * The kind of broker: its versions, its limits, and how it reports them. Some are like real brokers, some are worse.
 */
export interface Terms {
  /** Reaction to a CONNECT of level 5: it speaks 5, or sends CONNACK 0x84, or 3.1.1's return code 1, or closes, or never answers. */
  readonly five: "spoken" | "0x84" | "code 1" | "closes" | "silent";
  /** Maximum number of unreleased QoS 2 messages of a client: more are refused with 0x97, and silently dropped in 3.1.1. Announced in 5. */
  readonly receiveMaximum: number;
  readonly maximumQoS: 1 | 2;
  /** In 5, CONNACK states the maximum QoS; if false, only a DISCONNECT 0x9B shows it. */
  readonly isQoSSaid: boolean;
  readonly retainAvailable: boolean;
  readonly maximumPacketBytes: number | undefined;
  readonly aliasMaximum: number;
  readonly keepAliveS: number | undefined;
  /** Seconds that a session is kept at most, at 5 and at 3.1.1. */
  readonly maxExpiryS: number;
  /** A session that began clean does not survive a restart of the broker. */
  readonly forgetsClean: boolean;
  /** Reason of successful PUBACK and PUBREC: 0x00, or 0x10 (no matching subscribers). */
  readonly success: 0 | 0x10;
  /** Reason of PUBCOMP for an unknown id. */
  readonly unknownId: 0 | 0x92;
  /** Reason of PUBREC for a repeated message that awaits PUBREL: as the first, or 0x91 (packet id in use), as EMQX. */
  readonly repeated: 0 | 0x91;
  /** Reasons are explained, by reason strings and user properties. */
  readonly isWordy: boolean;
  /** Sends DISCONNECT with a reason before it closes. */
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
  repeated: 0,
  isWordy: false,
  saysWhy: true,
});
