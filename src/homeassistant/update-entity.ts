/*
 * Home Assistant: the entity that shows which firmware is installed, which one waits, and how far an update is; and that has the button
 * to install it. It reads the state as the device says it (src/update/updates.ts), by a template: the device says nothing for it alone.
 * The button publishes `install` on a topic that the device does not listen to: the image comes from a program beside the broker, which
 * does, and which is why there is something to install (hosttest/companions/update). It has no availability: a device in safe mode is offline, and
 * an update is what it needs; what is sent to one without power it takes when it is back.
 * Pure: no I/O. Called once a connection.
 * Source: home-assistant.io/integrations/update.mqtt, and homeassistant/components/mqtt/update.py of 2026.11: keys of its own in the JSON
 * that a template gives are refused, and `payload_install` has no default.
 */
import { type DetailedDevice, deviceMessage } from "./details.js";
import { DEFAULT_PREFIX, objectId } from "./discovery.js";

/** What the button sends. */
export const INSTALL = "install";

/** `at` is there while an update is under way, and there is nothing else to install then. Short: the longest names are to fit beside it. */
const TEMPLATE =
  "{%set v=value_json%}{%set p=100*v.at//v.size if v.at is defined else none%}{{ {'installed_version':v.version," +
  "'latest_version':(v.available if p is none else v.latest)|default(v.version,true),'update_percentage':p}|to_json}}";

/** `home/<room>/<id>/update/<name>`: see src/thermometer/updating.ts. */
export function updateTopic(room: string, id: string, name: "offer" | "chunk" | "state" | typeof INSTALL): string {
  return `home/${room}/${id}/update/${name}`;
}

/** Where the message goes. */
export function updateEntityTopic(id: string, prefix = DEFAULT_PREFIX): string {
  return `${prefix}/device/${objectId(id)}/update/config`;
}

/** The message, to be published retained. */
export function updateEntityMessage(device: DetailedDevice): { topic: string; payload: Uint8Array } {
  const { room, id, prefix } = device;
  const firmware = {
    p: "update",
    val_tpl: TEMPLATE,
    tit: "home-thermometer",
    pl_inst: INSTALL,
    dev_cla: "firmware", // without a name, the entity is called after it
    ent_cat: "config",
    uniq_id: `${id}_firmware`,
  };
  return {
    topic: updateEntityTopic(id, prefix),
    payload: deviceMessage(device, updateTopic(room, id, "state"), { firmware }, updateTopic(room, id, INSTALL), true),
  };
}
