/*
 * Reads commands from the wire log: when each was delivered and acknowledged, when the device was subscribed to them, and where the broker broke
 * the protocol. The log has the device's connections with one broker, as recorded by bad-network.ts.
 */
import type { ISubackPacket, ISubscribePacket, Packet } from "mqtt-packet";
import type { Logged } from "../bad-network.js";

/** Name of the command in a PUBLISH; undefined: not a command. */
export type NameOf = (packet: Packet) => string | undefined;

/** An event of a command. */
export interface WireEvent {
  /** `delivered`: as a new message. `repeated`: the same message, again. `acknowledged`: by the device; the message that came last. */
  readonly kind: "delivered" | "repeated" | "acknowledged";
  readonly name: string;
  /** The message is new, although the broker had the acknowledgement of an earlier one with this command. */
  readonly isAgain: boolean;
  /**
   * At QoS 2: name of another command with the same packet id, for which the broker had PUBREC and had not sent PUBREL. The device
   * must treat the message as a repetition (MQTT 5 §4.3.3), and acknowledges it without executing it.
   */
  readonly masks: string | undefined;
  /** Packet id at the first delivery. */
  readonly id: number;
  readonly isDup: boolean;
}

/** A message in flight, by packet id. */
interface Open {
  readonly event: WireEvent;
  isAcknowledged: boolean;
  /** By PUBACK, or by PUBREL after PUBREC: the packet id is free. */
  isReleased: boolean;
}

/**
 * The events of all commands, in the order of the log. A message is a repetition if it has DUP, and the packet id and command of one that is not
 * acknowledged. After the broker has begun a new session, no message is a repetition of an older one.
 */
export function eventsOf(log: readonly Logged[], nameOf: NameOf): WireEvent[] {
  const events: WireEvent[] = [];
  const acknowledged = new Set<string>();
  let byId = new Map<number, Open>();
  for (const { from, packet } of log) {
    const id = packet.messageId ?? 0;
    const before = byId.get(id);
    if (from === "broker" && packet.cmd === "connack" && isAccepted(packet) && !packet.sessionPresent) byId = new Map();
    else if (from === "broker" && packet.cmd === "publish" && packet.qos > 0) {
      const name = nameOf(packet);
      if (name === undefined) {
        byId.delete(id);
        continue;
      }
      if (packet.dup && before?.event.name === name && !before.isAcknowledged) {
        events.push({ ...before.event, kind: "repeated" });
        continue;
      }
      const isTaken = before?.isAcknowledged && !before.isReleased && before.event.name !== name;
      const masks = isTaken ? before.event.name : undefined;
      const event: WireEvent = {
        kind: "delivered",
        name,
        isAgain: acknowledged.has(name),
        masks,
        id,
        isDup: packet.dup,
      };
      events.push(event);
      byId.set(id, { event, isAcknowledged: false, isReleased: false });
    } else if (from === "broker" && packet.cmd === "pubrel") {
      if (before !== undefined) before.isReleased = true;
    } else if (from === "device" && (packet.cmd === "puback" || packet.cmd === "pubrec")) {
      if (before === undefined || before.isAcknowledged) continue;
      before.isAcknowledged = true;
      before.isReleased = packet.cmd === "puback";
      acknowledged.add(before.event.name);
      events.push({ ...before.event, kind: "acknowledged" });
    }
  }
  return events;
}

/** Whether the broker has granted the device a subscription to this topic. */
export function isSubscribed(log: readonly Logged[], topic: string): boolean {
  const asked = new Set<string>();
  const key = (connection: number, { messageId }: Packet): string => `${connection} ${messageId}`;
  return log.some(({ connection, from, packet }) => {
    if (from === "device" && packet.cmd === "subscribe") {
      const { subscriptions } = packet as ISubscribePacket;
      if (subscriptions.some((one) => one.topic === topic)) asked.add(key(connection, packet));
    }
    if (from !== "broker" || packet.cmd !== "suback" || !asked.has(key(connection, packet))) return false;
    return (packet as ISubackPacket).granted.every((code) => Number(code) < 0x80);
  });
}

/** The sender's messages at the broker. */
export interface Sender {
  /** At 1 the sender publishes unacknowledged messages again, and the broker may treat them as new. */
  readonly qos: 1 | 2;
  /** Names of the commands that the broker has acknowledged. */
  readonly accepted: ReadonlySet<string>;
}

/** Texts for each breach of the protocol by the broker, as by one that was killed and lost unsaved state. The rarer kinds come first. */
export function breachesOf(events: readonly WireEvent[], { qos, accepted }: Sender): string[] {
  const breaches: string[] = [];
  const again: string[] = [];
  const delivered = new Set<string>();
  for (const { kind, name, masks, isAgain, id, isDup } of events) {
    if (kind !== "delivered") continue;
    delivered.add(name);
    if (masks !== undefined)
      breaches.push(`command ${name} has packet id ${id} of command ${masks}, which is not released (MQTT-2.2.1-4)`);
    if (isAgain && (isDup || qos === 2))
      again.push(`command ${name} delivered again, as packet ${id}, although it was acknowledged`);
  }
  for (const name of accepted)
    if (!delivered.has(name)) breaches.push(`command ${name} acknowledged to its sender, and never delivered`);
  return [...breaches, ...again];
}

/** At 3.1.1 a return code, at 5 a reason code. */
function isAccepted({
  returnCode,
  reasonCode,
}: {
  readonly returnCode?: number;
  readonly reasonCode?: number;
}): boolean {
  return (reasonCode ?? returnCode) === 0;
}
