#!/usr/bin/env bash
# Node-RED 4.1.8 treats a configuration node as a circular dependency if one of its values, for example its name, is its own id, and starts none of the flow's nodes that need it.
#
# Expected: a flow file is valid with any ids that are unique ("id: The unique ID for the node", flow file format), and a name is free text. A value that names no other configuration node is no
# reference.
# Seen: an `mqtt-broker` with the id and the name "broker" is never started: "Circular config node dependency detected: broker", and each node that uses it reports "missing broker configuration";
# "Started flows" is logged all the same. With the name "Broker" it starts. Cause: each property but `id` whose value is the id of a configuration node counts as a reference, its own id
# included. The editor makes random ids, so it happens to flows written by hand or by a program. What to do: ids that no value can have.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

npm_packages node-red@4.1.8
port=$(free_port)
said() { # NAME of the configuration node with the id "broker"; prints the two messages that were found in the log
  local folder=$work/$1 log=$work/node-red-$1.log _
  mkdir "$folder"
  cat >"$folder/flows.json" <<JSON
[{"id":"f1a9c2d3e4b50617","type":"tab","label":"flow"},
 {"id":"broker","type":"mqtt-broker","name":"$1","broker":"127.0.0.1","port":"$port","autoConnect":false,"protocolVersion":"4","keepalive":"60","cleansession":true},
 {"id":"f1a9c2d3e4b50618","type":"mqtt in","z":"f1a9c2d3e4b50617","name":"in","topic":"t","qos":"0","datatype":"auto","broker":"broker","inputs":0,"wires":[[]]}]
JSON
  cat >"$folder/settings.js" <<JS
module.exports = { uiHost: "127.0.0.1", uiPort: $(free_port), flowFile: "flows.json", telemetry: { enabled: false, updateNotification: false } };
JS
  background "node-red-$1" node "$work/npm/node_modules/node-red/red.js" --userDir "$folder"
  for _ in $(seq 1 900); do
    ! grep -q "Started flows" "$log" || break
    sleep 0.1
  done
  kill "${started[-1]}"
  wait "${started[-1]}" || true
  grep -oE "Circular config node dependency detected: .*|missing broker configuration|Started flows" "$log" | paste -sd, | sed 's/,/, /g'
}
said broker >"$work/own"
seen "name and id are broker" "Circular config node dependency detected: broker, missing broker configuration, Started flows" "$(cat "$work/own")"
said Broker >"$work/other"
seen "the name is Broker" "Started flows" "$(cat "$work/other")"
exit "$differences"
