/*
 * Attributes each violation to the device or the broker, by the wire log.
 * A reading that never arrived is the broker's loss only if the broker had finally acknowledged it (PUBACK, PUBCOMP). A
 * reading that arrived twice at QoS 2 is our fault only if the log shows that we published it again after its PUBREL,
 * or under another packet id, within one session of the broker's. One that arrived after a later one is our fault only if
 * it was sent after a later one, or was passed over.
 */
import type { IConnackPacket, IPublishPacket, Packet } from "mqtt-packet";
import type { Logged } from "./bad-network.js";

/** The history of one reading in the wire log. */
interface Flow {
  /** Session and packet id of its latest PUBLISH. */
  session: number;
  id: number;
  /** PUBREL was sent in that session. */
  released: boolean;
  /** PUBACK or PUBCOMP arrived from the broker. */
  acknowledged: boolean;
  /** The broker refused it by a reason code in that session: its next PUBLISH is new. */
  refused: boolean;
  /** Breaches of "exactly once" on our side. */
  ours: string | undefined;
}

export interface Verdict {
  /** Written, never seen, never acknowledged by the broker: we lost them. */
  readonly lost: readonly number[];
  /** Acknowledged by the broker, never seen. */
  readonly lostByBroker: readonly number[];
  /** Seen twice, and the log shows that we did it. */
  readonly doubled: readonly string[];
  /** Seen twice at QoS 2, although sent once in each session. */
  readonly doubledByBroker: readonly number[];
  /** Seen for the first time after a later one, and the log shows that we sent them in this order. */
  readonly disordered: readonly number[];
  readonly disorderedByBroker: readonly number[];
  /** Sessions that the broker forgot. */
  readonly sessionsLost: number;
}

export interface Evidence {
  readonly log: readonly Logged[];
  /** Numbers that the device reported as written to flash. */
  readonly written: readonly number[];
  /** Numbers in the order in which the observer saw them. */
  readonly seen: readonly number[];
  readonly qos: 1 | 2;
}

export function judge({ log, written, seen, qos }: Evidence): Verdict {
  const { flows, sessionsLost } = readWire(log);
  const late = lateIn(seen);
  const sentLate = sentOutOfOrder(log);
  const counts = new Map<number, number>();
  for (const seq of seen) counts.set(seq, (counts.get(seq) ?? 0) + 1);
  const missing = written.filter((seq) => !counts.has(seq));
  const twice = qos === 2 ? [...counts].filter(([, count]) => count > 1).map(([seq]) => seq) : [];
  return {
    lost: missing.filter((seq) => flows.get(seq)?.acknowledged !== true),
    lostByBroker: missing.filter((seq) => flows.get(seq)?.acknowledged === true),
    doubled: twice.flatMap((seq) => flows.get(seq)?.ours ?? []),
    doubledByBroker: twice.filter((seq) => flows.get(seq)?.ours === undefined),
    disordered: late.filter((seq) => sentLate.has(seq)),
    disorderedByBroker: late.filter((seq) => !sentLate.has(seq)),
    sessionsLost,
  };
}

/** First arrivals after a later one. */
function lateIn(seen: readonly number[]): number[] {
  const before = new Set<number>();
  let highest = -1;
  return seen.filter((seq) => {
    const isLate = seq < highest && !before.has(seq);
    before.add(seq);
    highest = Math.max(highest, seq);
    return isLate;
  });
}

/** Readings that were sent after a later one of their connection, or were passed over although the broker had not acknowledged them. */
function sentOutOfOrder(log: readonly Logged[]): Set<number> {
  const found = new Set<number>();
  const open = new Map<number, number>(); // sequence numbers by packet id: no PUBACK or PUBREC yet
  const sentHere = new Set<number>();
  const refused = new Set<number>(); // others may be sent before it
  let last = -1;
  let newest = 0;
  for (const { connection, from, packet } of log) {
    if (connection < newest) continue; // bytes of a connection that the server has closed in favour of the next one
    if (packet.cmd === "connect") {
      newest = connection;
      sentHere.clear();
      last = -1;
    } else if (from === "broker" && (packet.cmd === "puback" || packet.cmd === "pubrec")) {
      const seq = open.get(packet.messageId ?? 0);
      if (isRefusal(packet) && seq !== undefined) refused.add(seq);
      open.delete(packet.messageId ?? 0);
    } else if (from === "device" && isReading(packet)) {
      const seq = sequenceOf(packet);
      if (seq < last && !refused.has(seq)) found.add(seq);
      for (const older of open.values()) if (older < seq && !sentHere.has(older)) found.add(older);
      last = Math.max(last, seq);
      sentHere.add(seq);
      open.set(packet.messageId ?? 0, seq);
    }
  }
  return found;
}

function isReading(packet: Packet): packet is IPublishPacket {
  return packet.cmd === "publish" && packet.qos > 0 && packet.topic.endsWith("/temperature");
}

function sequenceOf(packet: IPublishPacket): number {
  return (JSON.parse(packet.payload.toString()) as { seq: number }).seq;
}

function readWire(log: readonly Logged[]): { flows: Map<number, Flow>; sessionsLost: number } {
  const flows = new Map<number, Flow>();
  const byId = new Map<number, Flow>(); // of the session that continues
  let session = 0;
  let sessionsLost = 0;
  let isExpected = false;
  let isClean = false;
  for (const { from, packet } of log) {
    if (packet.cmd === "connect") isClean = packet.clean === true;
    if (from === "broker" && packet.cmd === "connack" && isAccepted(packet) && !packet.sessionPresent) {
      if (isExpected && !isClean) sessionsLost++;
      isExpected = !isClean; // after a clean one, messages are new, correctly
      session++;
      byId.clear();
    }
    if (from === "device") follow(packet, session, flows, byId);
    else if (packet.cmd === "puback" || packet.cmd === "pubcomp") {
      const flow = byId.get(packet.messageId ?? 0);
      if (flow !== undefined && !(packet.cmd === "puback" && isRefusal(packet))) flow.acknowledged = true;
      else if (flow !== undefined) flow.refused = true;
    } else if (packet.cmd === "pubrec" && isRefusal(packet)) {
      const flow = byId.get(packet.messageId ?? 0);
      if (flow !== undefined) flow.refused = true;
    }
  }
  return { flows, sessionsLost };
}

/** At 3.1.1 a return code, at 5 a reason code. */
function isAccepted({ returnCode, reasonCode }: IConnackPacket): boolean {
  return (reasonCode ?? returnCode) === 0;
}

/** Of MQTT 5: 0x80 and more. */
function isRefusal({ reasonCode = 0 }: Packet & { readonly reasonCode?: number }): boolean {
  return reasonCode >= 0x80;
}

/** A packet that the device sent. */
function follow(packet: Packet, session: number, flows: Map<number, Flow>, byId: Map<number, Flow>): void {
  if (packet.cmd === "pubrel") {
    const flow = byId.get(packet.messageId ?? 0);
    if (flow !== undefined) flow.released = true;
    return;
  }
  if (!isReading(packet)) return;
  const seq = sequenceOf(packet);
  const id = packet.messageId ?? 0;
  const before = flows.get(seq);
  let ours = before?.ours;
  if (before?.session === session && !before.refused) {
    if (before.released) ours = `${seq}: published again after its PUBREL`;
    else if (before.id !== id) ours = `${seq}: published as packet ${before.id}, then as ${id}`;
    else if (!packet.dup) ours = `${seq}: published again without DUP`;
  }
  const flow: Flow = {
    session,
    id,
    released: false,
    acknowledged: before?.acknowledged ?? false,
    refused: false,
    ours,
  };
  flows.set(seq, flow);
  byId.set(id, flow);
}
