/*
 * Topic names and topic filters: what is allowed, and what matches what. Pure.
 * Source: MQTT 3.1.1 §4.7.
 */
import { encodeUTF8, isUnsayable } from "./utf8.js";

/** The fault of `name` as the topic of a PUBLISH, in a few words; undefined if there is none (§4.7.1-1, §4.7.3). */
export function checkTopicName(name: string): string | undefined {
  return /[+#]/.test(name) ? "wildcard in a topic name" : checkText(name);
}

/** The fault of `filter` in a SUBSCRIBE, in a few words; undefined if there is none (§4.7.1-2, -3, §4.7.3). */
export function checkTopicFilter(filter: string): string | undefined {
  if (/[^/]#|#./s.test(filter)) return "# must be the whole last level";
  if (/[^/]\+|\+[^/]/.test(filter)) return "+ must be a whole level";
  return checkText(filter);
}

/** @throws RangeError if `name` is not a valid topic name */
export function encodeTopicName(name: string): Uint8Array {
  return encodeChecked(name, checkTopicName(name));
}

/** @throws RangeError if `filter` is not a valid topic filter */
export function encodeTopicFilter(filter: string): Uint8Array {
  return encodeChecked(filter, checkTopicFilter(filter));
}

/**
 * Whether a subscription to `filter` gets messages on `topic`. Both must be valid. Wildcards at the first level do not match
 * topics that begin with $ (§4.7.2-1).
 */
export function topicMatches(filter: string, topic: string): boolean {
  if (topic[0] === "$" && filter[0] !== "$") return false;
  const wanted = filter.split("/");
  const levels = topic.split("/");
  for (let at = 0; at < wanted.length; at++) {
    const level = wanted[at];
    if (level === "#") return true; // also the parent level: "a/#" matches "a"
    if (at >= levels.length || (level !== "+" && level !== levels[at])) return false;
  }
  return wanted.length === levels.length;
}

function checkText(text: string): string | undefined {
  if (text === "") return "empty topic";
  if (isUnsayable(text)) return "U+0000 or half a surrogate pair in a topic";
  // 65,535 bytes (§1.5.3), at most three per unit
  if (text.length > 21_845 && encodeUTF8(text).length > 65_535) return "topic over 65,535 bytes";
  return;
}

function encodeChecked(text: string, fault: string | undefined): Uint8Array {
  if (fault) throw new RangeError(`${fault}: ${text.slice(0, 80)}`);
  return encodeUTF8(text);
}
