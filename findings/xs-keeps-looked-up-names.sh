#!/usr/bin/env bash
# XS 13.3 (@agoric/xsnap 0.15.0): each string that was once looked up as a property name keeps a slot permanently, even if no object has such a property, and slows down later lookups.
#
# Expected: the garbage collector reclaims everything unreferenced, including a string that was only compared with the names of an object; so it is in V8, and in XS itself for the keys of a Map.
# Programs use `object[text]` with unknown strings from outside: commands, headers, fields of JSON.
# Seen: 4,000 lookups of 4,000 different texts in an empty object leave 4,000 slots behind after two collections, by `object[text]`, `text in object` and `hasOwnProperty` alike; `map.get(text)` leaves none. The
# texts stay with them. A device with 64 KB of heap runs out of memory after a few thousand words. Lookups get slower, too: when 30,000 names are there, 4,000 new ones take ten times as long as the first (not scripted). What to do: a Map for what is looked up by texts from outside, or a comparison with the known names.
# Needs a C compiler and make: the worker is built from the sources in the package.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT
. support/xs.bash

# The worker takes scripts as netstrings on descriptor 3, and answers on 4 with the number of slots in use.
cat >"$work/slots.mjs" <<'JS'
import { spawn } from "node:child_process";

const worker = spawn(process.argv[2], ["names"], { stdio: ["ignore", "ignore", "inherit", "pipe", "pipe"] });
let received = Buffer.alloc(0);
let onAnswer;
worker.stdio[4].on("data", (bytes) => {
  received = Buffer.concat([received, bytes]);
  const colon = received.indexOf(":");
  const end = colon + 1 + Number(received.subarray(0, colon)) + 1;
  if (colon < 0 || received.length < end) return;
  const answer = received.subarray(colon + 1, end - 1).toString();
  received = received.subarray(end);
  onAnswer(answer);
});
const slotsAfter = async (script) => {
  const answer = new Promise((resolve) => (onAnswer = resolve));
  worker.stdio[3].write(`${script.length + 1}:e${script},`);
  return JSON.parse((await answer).slice(1).split("\x01")[0]).currentHeapCount;
};
const left = async (lookup) => {
  const script = `for (let i = 0; i < 4000; i++) { const text = "word " + n++; ${lookup} } gc(); gc(); 0`;
  const before = await slotsAfter("gc(); gc(); 0");
  return (await slotsAfter(script)) - before;
};
await slotsAfter("globalThis.n = 0; globalThis.object = {}; globalThis.map = new Map(); 0");
await left("text.length"); // its own names
const others = await left("text.length");
const found = [];
for (const lookup of ["object[text]", "text in object", "Object.prototype.hasOwnProperty.call(object, text)", "map.get(text)"])
  found.push((await left(lookup)) - others);
console.log(found.join(", "));
worker.kill();
JS
seen "slots left by 4000 texts: object[text], in, hasOwnProperty, Map.get" "4000, 4000, 4000, 0" "$(timeout 300 node "$work/slots.mjs" "$worker")"
exit "$differences"
