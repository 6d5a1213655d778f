/*
 * For tests: builds a wire log, packet by packet, of commands whose payload is their name.
 */
import type { Packet } from "mqtt-packet";
import type { Logged } from "../bad-network.js";

/** A packet of the device. */
export function device(packet: object): Logged {
  return { connection: 0, from: "device", packet: packet as Packet };
}

/** The broker's PUBLISH with a command; undefined: with something else. */
export function publish(name: string | undefined, messageId: number, { dup = false } = {}): Logged {
  return broker({ cmd: "publish", qos: 2, dup, messageId, topic: "t", payload: name });
}

export function connack(sessionPresent: boolean): Logged {
  return broker({ cmd: "connack", reasonCode: 0, sessionPresent });
}

export function puback(messageId: number): Logged {
  return device({ cmd: "puback", messageId });
}

export function pubrec(messageId: number): Logged {
  return device({ cmd: "pubrec", messageId });
}

export function pubrel(messageId: number): Logged {
  return broker({ cmd: "pubrel", messageId });
}

/** Of a PUBLISH made here. */
export function nameOf(packet: Packet): string | undefined {
  return (packet as unknown as { payload: string | undefined }).payload;
}

function broker(packet: object): Logged {
  return { connection: 0, from: "broker", packet: packet as Packet };
}
