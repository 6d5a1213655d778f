#!/usr/bin/env bash
# Node-RED 4.1.8 drops a message that returns from a catch node for the tenth time, however long the time between two attempts.
#
# Expected: a flow that waits and tries again what failed (catch, delay, back to the node that failed) does so until it succeeds: the help of the catch node says "can be used to catch those
# errors and handle them with a dedicated flow" and names no limit.
# Seen: a node that fails 14 times and would succeed at the 15th is tried 10 times; then the log says "Message exceeded maximum number of catches", and the message is lost. Cause: the count in
# `msg.error.source.count`, meant against endless loops. If a database is down for longer than ten attempts, the messages of that time are lost. What to do: delete `msg.error` (a change node) on the
# way back; with that the 15th attempt is made, and succeeds.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

npm_packages node-red@4.1.8
attempts() { # NAME, where the catch node leads to: store, or forget, which deletes msg.error
  local folder=$work/$1 log=$work/node-red-$1.log _
  mkdir "$folder"
  cat >"$folder/flows.json" <<JSON
[{"id":"tab","type":"tab","label":"flow"},
 {"id":"begin","type":"inject","z":"tab","props":[{"p":"payload"}],"payload":"reading","payloadType":"str","once":true,"onceDelay":0.1,"repeat":"","wires":[["store"]]},
 {"id":"store","type":"function","z":"tab","outputs":1,"noerr":0,"initialize":"","finalize":"","libs":[],"wires":[[]],
  "func":"const attempt = (context.get('attempt') ?? 0) + 1; context.set('attempt', attempt); node.warn('attempt ' + attempt);\nif (attempt < 15) return node.error('away', msg);\nnode.warn('stored');"},
 {"id":"failed","type":"catch","z":"tab","scope":["store"],"uncaught":false,"wires":[["wait"]]},
 {"id":"wait","type":"delay","z":"tab","pauseType":"delay","timeout":"100","timeoutUnits":"milliseconds","wires":[["$1"]]},
 {"id":"forget","type":"change","z":"tab","rules":[{"t":"delete","p":"error","pt":"msg"}],"wires":[["store"]]}]
JSON
  cat >"$folder/settings.js" <<JS
module.exports = { uiHost: "127.0.0.1", uiPort: $(free_port), flowFile: "flows.json", telemetry: { enabled: false, updateNotification: false } };
JS
  background "node-red-$1" node "$work/npm/node_modules/node-red/red.js" --userDir "$folder"
  for _ in $(seq 1 900); do
    ! grep -qE "\] (stored|Message exceeded)" "$log" || break
    sleep 0.1
  done
  kill "${started[-1]}"
  wait "${started[-1]}" || true
  echo "attempts $(grep -cE '\] attempt [0-9]+$' "$log"), $(grep -oE 'stored$|Message exceeded maximum number of catches' "$log" | paste -sd,)"
}
attempts store >"$work/straight"
seen "straight back to the node that failed" "attempts 10, Message exceeded maximum number of catches" "$(cat "$work/straight")"
attempts forget >"$work/forgotten"
seen "msg.error deleted on the way" "attempts 15, stored" "$(cat "$work/forgotten")"
exit "$differences"
