/*
 * How often each command came to the device, by the wire alone, and so how often it is to have been done.
 * A command is to be done once, however often the broker sends it. It was handed out anew where the broker sends it without DUP, or sends it
 * again though it has the acknowledgement; that is the broker's double, as after a kill that cost it what it knew, or that of who sent it, at
 * QoS 1. One that the device has not acknowledged may have been done or not: the acknowledgement, or the command, was lost.
 */
import type { Packet } from "mqtt-packet";
import type { Logged } from "../bad-network.js";

/** Of a command, the packets that the broker has sent. */
export interface Delivered {
  /** Times that it was handed out. */
  handedOut: number;
  /** Of these, so many that the device has acknowledged. */
  acknowledged: number;
  /** Of these, so many though the broker had the acknowledgement of an earlier one. */
  byBroker: number;
  /**
   * Of these, so many under the packet id of another one, of QoS 2, that the broker had not released: killed, it had forgotten that one. The
   * device is to take it for a repetition (MQTT 5 §4.3.3), and acknowledges it without doing it.
   */
  masked: number;
}

/** A command on its way, by packet id. */
interface Open {
  readonly name: string;
  isAcknowledged: boolean;
  /** By PUBACK, or by PUBREL behind PUBREC: the packet id is free. */
  isReleased: boolean;
}

/**
 * By name of the command, which `nameOf` makes of its PUBLISH; undefined: it is none. `log`: of the device's connections, with one broker
 * whose sessions last.
 */
export function tally(log: readonly Logged[], nameOf: (packet: Packet) => string | undefined): Map<string, Delivered> {
  const all = new Map<string, Delivered>();
  const byId = new Map<number, Open>();
  for (const { from, packet } of log) {
    const id = packet.messageId ?? 0;
    if (from === "broker" && packet.cmd === "publish") {
      const name = nameOf(packet);
      if (name === undefined) continue;
      const delivered = all.get(name) ?? { ...NEVER };
      all.set(name, delivered);
      const before = byId.get(id);
      const isRepeated = packet.dup && before?.name === name;
      if (isRepeated && !before.isAcknowledged) continue;
      delivered.handedOut++;
      if (delivered.acknowledged > 0) delivered.byBroker++;
      if (before?.isAcknowledged && !before.isReleased && before.name !== name) delivered.masked++;
      byId.set(id, { name, isAcknowledged: false, isReleased: false });
    } else if (from === "broker" && packet.cmd === "pubrel") {
      const open = byId.get(id);
      if (open !== undefined) open.isReleased = true;
    } else if (from === "device" && (packet.cmd === "puback" || packet.cmd === "pubrec")) {
      const open = byId.get(id);
      if (open === undefined || open.isAcknowledged) continue;
      open.isAcknowledged = true;
      open.isReleased = packet.cmd === "puback";
      const delivered = all.get(open.name);
      if (delivered !== undefined) delivered.acknowledged++;
    }
  }
  return all;
}

const NEVER: Delivered = Object.freeze({ handedOut: 0, acknowledged: 0, byBroker: 0, masked: 0 });

/** A command, as far as it matters how often it is done. */
export interface Expected {
  readonly name: string;
  /** It is done once, however often it is handed out. */
  readonly hasId: boolean;
}

/**
 * Between how many and how many times these commands are to have been done, in all. Each that the device has acknowledged, once at least. Handed
 * out again, it may have been done again: the device does not know every such one from a new one with the same text.
 */
export function expected(
  commands: readonly Expected[],
  delivered: ReadonlyMap<string, Delivered>,
): { readonly least: number; readonly most: number } {
  let least = 0;
  let most = 0;
  for (const { name, hasId } of commands) {
    const { handedOut, acknowledged, masked } = delivered.get(name) ?? NEVER;
    if (acknowledged > masked) least++;
    most += hasId ? Math.min(1, handedOut) : handedOut;
  }
  return { least, most };
}
