#!/usr/bin/env bash
# iobroker.mqtt-client 4.1.0 writes 0 into a state of type number for each message that is no number: a failed sensor reads 0 °C.
#
# Expected: "nan" (what ESPHome 2026.6 publishes by default for a sensor that failed), "unavailable" or an empty message changes nothing or sets the state to null, which ioBroker has for "no value";
# as "null" does.
# Seen: the state is 0 with ack true, the same as for a message "0", and nothing is logged as a warning. Logs, charts and frost alarms take it for a measurement. "n/a" and JSON text are 0 too.
# ESPHome's `publish_nan_as_none` does not help: "None" is 0 too. What to do: on the device, publish nothing (ESPHome: `filter_out: nan`) or "null"; or give the state the type mixed, and convert it in
# a script that refuses what is no number.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

npm_packages iobroker.mqtt-client@4.1.0
cat >"$work/npm/host.cjs" <<'JS'
// Stands in for ioBroker's js-controller: one state of type number that is subscribed to a topic; prints what the adapter writes into it, and what it logs as a warning or an error.
const { EventEmitter } = require("node:events");
const Module = require("node:module");
const port = Number(process.argv[2]);
const object = {
  _id: "0_userdata.0.attic",
  common: { type: "number", custom: { "mqtt-client.0": { enabled: true, topic: "home/attic", subscribe: true } } },
};
const log = (text) => console.log(`log: ${text}`);
class Adapter extends EventEmitter {
  namespace = "mqtt-client.0";
  log = { debug() {}, info() {}, warn: log, error: log };
  config = { host: "127.0.0.1", port, inbox: "", outbox: "", qos: 0, subQos: 0, clientId: "iobroker", reconnectPeriod: 1000, mqttVersion: 4, subscriptions: "", splitJsonTopics: "" };
  constructor() {
    super();
    setImmediate(() => this.emit("ready"));
  }
  async getStateAsync() {}
  async getForeignStateAsync() {}
  async subscribeForeignObjectsAsync() {}
  async subscribeForeignStatesAsync() {}
  async setState() {}
  async getObjectViewAsync() {
    return { rows: [{ id: object._id, value: object.common.custom }] };
  }
  async getForeignObjectAsync() {
    return object;
  }
  async setForeignState(_, state) {
    console.log(JSON.stringify(state));
  }
}
const load = Module._load;
Module._load = (name, ...rest) => (name === "@iobroker/adapter-core" ? { Adapter } : load(name, ...rest));
require("iobroker.mqtt-client")({});
JS
cat >"$work/server.py" <<'PY'
import socket, sys
from wire import Peer, packet, publish
MESSAGES = ("21.5", "-3,5", "0", "nan", "None", "unavailable", "", "n/a", '{"value":21.5}', "21.5 °C", "null")
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
server.settimeout(60)
print("ready", flush=True)
peer = Peer(server.accept()[0])
while got := peer.receive(30):
    if got[0] >> 4 == 1:
        peer.send(packet(0x20, b"\0\0"))
    elif got[0] >> 4 == 8:
        peer.send(packet(0x90, got[1][:2] + b"\0"), *(publish("home/attic", message.encode(), 0, 0) for message in MESSAGES))
        print(*MESSAGES, sep="|")
        break
while peer.receive(30):
    pass
PY
port=$(free_port)
PYTHONPATH=support background server python3 "$work/server.py" "$port"
wait_for_output "$work/server.log"
background host node "$work/npm/host.cjs" "$port"
for _ in $(seq 1 300); do [[ $(grep -c . "$work/host.log" || true) -lt 11 ]] || break; sleep 0.1; done
states=$(sed -E 's/^\{"val":(.*),"ack":true\}$/\1/' "$work/host.log" | paste -sd' ')
seen "states after 21.5 | -3,5 | 0 | nan | None | unavailable | (empty) | n/a | {\"value\":21.5} | 21.5 °C | null" "21.5 -3.5 0 0 0 0 0 0 0 21.5 null" "$states"
exit "$differences"
