/*
 * Home Assistant: the update entity, which shows the installed and the available firmware and the progress of an update, and
 * has the button to install it. A template reads them from the device's update state (src/update/updates.ts), so the device
 * needs no extra message. The button publishes `install` on a topic for the program beside the broker that sends the image
 * (hosttest/companions/update); the device does not subscribe to it. The entity has no availability: a device in safe mode is
 * offline, and an update is what it needs; a device without power gets the update when it is back.
 * Pure: no I/O. Called once a connection.
 * Source: home-assistant.io/integrations/update.mqtt, and homeassistant/components/mqtt/update.py of 2026.11: unknown keys in
 * the template's JSON are refused, and `payload_install` has no default.
 */
import { type DetailedDevice, deviceMessage } from "./details.js";
import { DEFAULT_PREFIX, objectId } from "./discovery.js";

/** The button's payload. */
export const INSTALL = "install";

/** `at` exists only during an update, when nothing else can be installed. Short, so that the longest names fit the message. */
const TEMPLATE =
  "{%set v=value_json%}{%set p=100*v.at//v.size if v.at is defined else none%}{{ {'installed_version':v.version," +
  "'latest_version':(v.available if p is none else v.latest)|default(v.version,true),'update_percentage':p}|to_json}}";

/** `home/<room>/<id>/update/<name>`: see src/thermometer/updating.ts. */
export function updateTopic(room: string, id: string, name: "offer" | "chunk" | "state" | typeof INSTALL): string {
  return `home/${room}/${id}/update/${name}`;
}

/** The topic of the message. */
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
