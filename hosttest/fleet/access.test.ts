/* The page's access rules, for mosquitto and RabbitMQ, allow every topic on which a device publishes or to which it subscribes, and no other device's. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { birthTopic, commandTopic } from "../../src/homeassistant/discovery.js";
import { updateEntityTopic, updateTopic } from "../../src/homeassistant/update-entity.js";
import { SimulatedDevice } from "../support/device-board.js";
import { House } from "../support/house.js";
import { refuse } from "../thermometer/presence/refusing.js";

const ROOM = "kitchen";
const ID = "thermometer020000000001";
const LONG_ENOUGH_MS = 300_000;
const PAGE = readFileSync(new URL("README.md", import.meta.url), "utf8");

type Rule = (topic: string) => boolean;
type Access = Readonly<Record<"write" | "read", Rule>>;

/** `pattern write TOPIC`, with %u for the user's name. */
function mosquitto(): Access {
  const rulesFor = (what: string): Rule => {
    const rules = [...PAGE.matchAll(new RegExp(`^pattern ${what} (\\S+)$`, "gm"))].map(
      ([, topic]) => new RegExp(`^${topic.replace("%u", ROOM).replaceAll("+", "[^/]+").replace("/#", "(/.*)?")}$`),
    );
    return (topic) => rules.some((rule) => rule.test(topic));
  };
  return { write: rulesFor("write"), read: rulesFor("read") };
}

/** `set_topic_permissions`: a regular expression for writing and one for reading; a slash is a point there. */
function rabbitmq(): Access {
  const [, write, read] = /set_topic_permissions -p \/ kitchen amq\.topic \\\n\s+'(.*)' '(.*)'$/m.exec(PAGE) ?? [];
  const ruleOf = (pattern: string): Rule => {
    const rule = new RegExp(pattern.replaceAll("{username}", ROOM).replaceAll("{client_id}", ID));
    return (topic) => rule.test(topic.replaceAll("/", "."));
  };
  return { write: ruleOf(write), read: ruleOf(read) };
}

interface Topics {
  readonly published: readonly string[];
  readonly subscribed: readonly string[];
}

/** Topics of a device with all its entities within some minutes, at QoS 2, which needs the most; and those of an update. */
function topicsOfDevice(): Topics {
  const house = new House();
  const subscribed: string[] = [];
  refuse(house, (packet) => {
    if (packet.type === "subscribe") subscribed.push(...packet.filters.map(({ filter }) => filter));
    return false;
  });
  new SimulatedDevice({ house, defaults: { remote: "on", "mqtt.qos": "2" } }).powerOn();
  house.time.advance(LONG_ENOUGH_MS);
  const published = house.messages.map(({ topic }) => topic);
  return {
    published: [...new Set(published), updateEntityTopic(ID), updateTopic(ROOM, ID, "state")],
    subscribed: [...subscribed, updateTopic(ROOM, ID, "offer"), updateTopic(ROOM, ID, "chunk")],
  };
}

test.each([
  ["mosquitto", mosquitto()],
  ["RabbitMQ", rabbitmq()],
])("%s", (_, { write, read }) => {
  const { published, subscribed } = topicsOfDevice();
  expect(subscribed).toEqual(expect.arrayContaining([birthTopic("homeassistant"), commandTopic(ROOM, ID)]));
  expect(published.filter((topic) => /\/(?:details|controls)\d+\/config$/.test(topic)).length).toBeGreaterThan(5);
  expect(published.filter((topic) => !write(topic))).toEqual([]);
  expect(subscribed.filter((topic) => !read(topic))).toEqual([]);
  const attic = [...published, ...subscribed].filter((topic) => topic.includes(`/${ROOM}/`));
  for (const topic of attic.map((one) => one.replace(ROOM, "attic"))) {
    expect(write(topic), topic).toBe(false);
    expect(read(topic), topic).toBe(false);
  }
});
