/*
 * Finds the entities of Home Assistant that show a room's channels: those that its MQTT integration has made from our discovery messages. They
 * are found by the topic to which they subscribe, so an entity may be renamed, and no retained message is needed.
 * Needs an administrator's token.
 */
import { channels } from "../../../../src/channels/channels.js";
import type { HomeAssistant } from "./connection.js";

export interface Entity {
  /** The entity's id, which is also its name in the recorder. */
  readonly statisticId: string;
  readonly room: string;
  /** Name of the channel. */
  readonly channel: string;
}

interface Device {
  readonly id: string;
  readonly identifiers: readonly (readonly string[])[];
  readonly manufacturer: string | null;
}

interface DebugInfo {
  readonly entities: readonly {
    readonly entity_id: string;
    readonly subscriptions: readonly { readonly topic: string }[];
    readonly discovery_data?: { readonly payload?: { readonly device_class?: string } };
  }[];
}

/** As in the discovery message: src/homeassistant/discovery.ts. */
const MANUFACTURER = "home-thermometer";
const TOPIC = /^home\/([^/]+)\/([^/]+)$/;

export async function entitiesOf(server: Pick<HomeAssistant, "call">): Promise<Entity[]> {
  const devices = await server.call<readonly Device[]>("config/device_registry/list");
  const ours = devices.filter(
    ({ manufacturer, identifiers }) =>
      manufacturer === MANUFACTURER && identifiers.some(([domain]) => domain === "mqtt"),
  );
  const found: Entity[] = [];
  for (const { id } of ours) {
    const { entities } = await server.call<DebugInfo>("mqtt/device/debug_info", { device_id: id });
    for (const { entity_id, subscriptions, discovery_data } of entities) {
      const channel = channels.find(({ deviceClass }) => deviceClass === discovery_data?.payload?.device_class);
      const room = subscriptions
        .map(({ topic }) => TOPIC.exec(topic))
        .find((levels) => isSampleTopic(levels?.[2]))?.[1];
      if (channel !== undefined && room !== undefined)
        found.push({ statisticId: entity_id, room, channel: channel.name });
    }
  }
  return found;
}

function isSampleTopic(level: string | undefined): boolean {
  return channels.some(({ name }) => name === level);
}
