/*
 * What the wire says of commands: when each was handed out and acknowledged, when the device was subscribed to them, and where the broker broke
 * the protocol. A log is of the device's connections with one broker, as bad-network.ts writes it.
 */
import type { ISubackPacket, ISubscribePacket, Packet } from "mqtt-packet";
import type { Logged } from "../bad-network.js";

/** Name of the command that a PUBLISH carries; undefined: it is none. */
export type NameOf = (packet: Packet) => string | undefined;

/** What became of a command. */
export interface WireEvent {
  /** `handedOut`: as a new message. `repeated`: the same message, again. `acknowledged`: by the device; the message that came last. */
  readonly kind: "handedOut" | "repeated" | "acknowledged";
  readonly name: string;
  /** The message is a new one though the broker had the acknowledgement of an earlier one with this command. */
  readonly isAgain: boolean;
  /**
   * Of QoS 2: the name of another command whose packet id the message has, though the broker had its PUBREC and had not released it. The device
   * has to take it for a repetition (MQTT 5 §4.3.3), and acknowledges it without doing it.
   */
  readonly masks: string | undefined;
  /** Of the message when it came first. */
  readonly id: number;
  readonly isDup: boolean;
}

/** A message on its way, by packet id. */
interface Open {
  readonly event: WireEvent;
  isAcknowledged: boolean;
  /** By PUBACK, or by PUBREL behind PUBREC: the packet id is free. */
  isReleased: boolean;
}

/**
 * What became of the commands, in the order of the wire. A message is repeated where it comes with DUP, packet id and command of one that is not
 * acknowledged. Where the broker has begun a new session, no message of the old one is.
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
        kind: "handedOut",
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

/** What came to the broker of who sends the commands. */
export interface Sender {
  /** At 1 it publishes again what the broker has not acknowledged, and the broker may take that for another message. */
  readonly qos: 1 | 2;
  /** Names of the commands that the broker has acknowledged. */
  readonly accepted: ReadonlySet<string>;
}

/** Where the broker broke the protocol, in words, as one that was killed does: what it had not saved it has forgotten. The rarer kinds come first. */
export function breachesOf(events: readonly WireEvent[], { qos, accepted }: Sender): string[] {
  const breaches: string[] = [];
  const again: string[] = [];
  const handedOut = new Set<string>();
  for (const { kind, name, masks, isAgain, id, isDup } of events) {
    if (kind !== "handedOut") continue;
    handedOut.add(name);
    if (masks !== undefined)
      breaches.push(`command ${name} has packet id ${id} of command ${masks}, which is not released (MQTT-2.2.1-4)`);
    if (isAgain && (isDup || qos === 2))
      again.push(`command ${name} handed out again, as packet ${id}, though it was acknowledged`);
  }
  for (const name of accepted)
    if (!handedOut.has(name)) breaches.push(`command ${name} acknowledged to its sender, and never handed out`);
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
