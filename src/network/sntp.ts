/*
 * SNTP packets: makes questions, and checks answers. Pure: no I/O, no clock. The question contains a random time stamp instead
 * of our time. An answer must repeat it, so only a sender who sees our packets can answer for the server. Our clock is not
 * disclosed.
 * Sources: RFC 4330 §4 and §5 (packet, checks of a reply), §3 (eras of the time stamps); RFC 5905 §7.3 and §7.4 (kiss codes),
 * §11.2.1 (root distance).
 */

/** Length of a question and of the shortest answer, in bytes (RFC 4330 §4). */
export const PACKET_BYTES = 48;
/** UDP port of NTP (RFC 5905 §16). */
export const NTP_PORT = 123;
/** Largest root distance, the server's own estimate of its error; ntpd has the same limit. */
export const MAX_ROOT_DISTANCE_MS = 1_500;

const VERSION_4_CLIENT = (4 << 3) | 3;
const MODE_SERVER = 4;
const UNSYNCHRONISED = 3; // leap indicator
const MAX_STRATUM = 15;
const ROOT_DELAY_AT = 4;
const ROOT_DISPERSION_AT = 8;
const REFERENCE_ID_AT = 12;
const ORIGINATE_AT = 24;
const RECEIVE_AT = 32;
const TRANSMIT_AT = 40;
const SECOND_MS = 1_000;
const FRACTIONS = 2 ** 32; // of a second, in 64-bit time stamps
const SHORT_FRACTIONS = 2 ** 16; // in 32-bit ones
const SECONDS_1900_TO_1970 = 2_208_988_800;
const ERA_SECONDS = 2 ** 32;
const LAST_ERA_BIT = 0x8000_0000;

/** Result of a datagram received by our socket. */
export type Reply =
  /** Not an answer to our question: forged, late, or something else. */
  | { readonly kind: "foreign" }
  /** The server reports that its own clock is not reliable. */
  | { readonly kind: "unusable"; readonly why: string }
  /** Kiss-o'-death: the server asks for fewer requests ("RATE"), or for none ("DENY", "RSTR"). */
  | { readonly kind: "kiss"; readonly code: string }
  /** Milliseconds since 1970 at which the server received the question, and sent the answer. */
  | { readonly kind: "time"; readonly receivedMs: number; readonly sentMs: number };

/** Makes a question of PACKET_BYTES. `random`: uniform in [0, 1). */
export function newQuestion(random: () => number): DataView {
  const question = new DataView(new ArrayBuffer(PACKET_BYTES));
  question.setUint8(0, VERSION_4_CLIENT);
  // In parts of 16 bits, because not every engine's random numbers have 32 random bits. Never 0, which an answer has that repeats
  // no question.
  for (let at = TRANSMIT_AT; at < PACKET_BYTES; at += 2) question.setUint16(at, Math.floor(random() * 0x1_0000));
  if (question.getUint32(TRANSMIT_AT) === 0) question.setUint32(TRANSMIT_AT, 1);
  return question;
}

/** Reads a datagram from the address and port that `question` was sent to. */
export function readReply(reply: DataView, question: DataView): Reply {
  if (reply.byteLength < PACKET_BYTES || !isAnswer(reply, question)) return { kind: "foreign" };
  const stratum = reply.getUint8(1);
  const code = stratum === 0 ? kissCode(reply) : "";
  if (code !== "") return { kind: "kiss", code };
  const why = flaw(reply, stratum);
  if (why !== undefined) return { kind: "unusable", why };
  return { kind: "time", receivedMs: timeAt(reply, RECEIVE_AT), sentMs: timeAt(reply, TRANSMIT_AT) };
}

function isAnswer(reply: DataView, question: DataView): boolean {
  const first = reply.getUint8(0);
  const version = (first >> 3) & 7;
  return (
    (first & 7) === MODE_SERVER &&
    version >= 3 && // some servers of version 3 answer as such: the packet is the same
    version <= 4 &&
    reply.getUint32(ORIGINATE_AT) === question.getUint32(TRANSMIT_AT) &&
    reply.getUint32(ORIGINATE_AT + 4) === question.getUint32(TRANSMIT_AT + 4)
  );
}

function flaw(reply: DataView, stratum: number): string | undefined {
  if (reply.getUint8(0) >> 6 === UNSYNCHRONISED || stratum === 0) return "its own clock is not synchronised";
  if (stratum > MAX_STRATUM) return `its own clock is not synchronised (stratum ${stratum})`;
  const distanceMs = shortAt(reply, ROOT_DELAY_AT) / 2 + shortAt(reply, ROOT_DISPERSION_AT);
  if (distanceMs > MAX_ROOT_DISTANCE_MS) return `its clock may be wrong by ${Math.round(distanceMs / SECOND_MS)} s`;
  if (isZeroAt(reply, TRANSMIT_AT) || isZeroAt(reply, RECEIVE_AT)) return "it does not know the time";
  return undefined;
}

/** Four capital letters; empty if there are none. */
function kissCode(reply: DataView): string {
  let code = "";
  for (let at = REFERENCE_ID_AT; at < REFERENCE_ID_AT + 4; at++) {
    const letter = reply.getUint8(at);
    if (letter < 0x41 || letter > 0x5a) return "";
    code += String.fromCharCode(letter);
  }
  return code === "INIT" || code === "STEP" ? "" : code; // INIT and STEP mean: not synchronised yet
}

function isZeroAt(packet: DataView, at: number): boolean {
  return packet.getUint32(at) === 0 && packet.getUint32(at + 4) === 0;
}

/** A time stamp as milliseconds since 1970. The 32 bits of seconds overflow on 2036-02-07. */
function timeAt(packet: DataView, at: number): number {
  const seconds = packet.getUint32(at);
  const since1900 = seconds >= LAST_ERA_BIT ? seconds : seconds + ERA_SECONDS;
  return (since1900 - SECONDS_1900_TO_1970 + packet.getUint32(at + 4) / FRACTIONS) * SECOND_MS;
}

function shortAt(packet: DataView, at: number): number {
  return (packet.getUint32(at) / SHORT_FRACTIONS) * SECOND_MS;
}
