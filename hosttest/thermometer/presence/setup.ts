import type { ClientPacket } from "../../simulation/broker/packets.js";
import { SimulatedDevice } from "../../support/device-board.js";
import { House } from "../../support/house.js";

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const ID = "thermometer020000000001";
export const STATUS = `home/kitchen/${ID}/status`;
export const formerTopic = (prefix = "homeassistant", id = ID) => `${prefix}/sensor/${id}/temperature/config`;
export const discoveryTopic = (prefix = "homeassistant", id = ID) => `${prefix}/device/${id}/config`;

export function device(defaults: Record<string, string> = {}, house = new House()) {
  const one = new SimulatedDevice({ house, defaults });
  return { one, house, time: house.time };
}

export const isDiscovery = (packet: ClientPacket): boolean =>
  packet.type === "publish" && packet.topic.startsWith("homeassistant/");
export const isRetained = (packet: ClientPacket): boolean =>
  (packet.type === "publish" && packet.retain) || (packet.type === "connect" && packet.will?.retain === true);
export const isAboutStatus = (packet: ClientPacket): boolean =>
  isRetained(packet) ||
  (packet.type === "publish" && packet.topic === STATUS) ||
  (packet.type === "connect" && packet.will !== undefined);
