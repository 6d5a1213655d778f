/* The topics of samples, made only here. Room names are UTF-8, as in flash. */
import { channels } from "../channels/channels.js";
import { encodeTopicName } from "../mqtt/wire/topics.js";

/** `home/<room>/<channel>`, as UTF-8. `channel`: its index in the table. */
export function sampleTopic(room: Uint8Array, channel: number): Uint8Array {
  const before = encodeTopicName("home/");
  const after = encodeTopicName(`/${channels[channel].name}`);
  const topic = new Uint8Array(before.length + room.length + after.length);
  topic.set(before);
  topic.set(room, before.length);
  topic.set(after, before.length + room.length);
  return topic;
}
