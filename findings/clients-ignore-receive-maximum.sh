#!/usr/bin/env bash
# MQTT.js 5.16.0, paho-mqtt 2.2.0 and gmqtt 0.8.0 exceed the Receive Maximum of the server.
#
# Expected: with Receive Maximum 1 in CONNACK a client has at most one QoS 1 or 2 PUBLISH unacknowledged (MQTT 5, sections 3.2.2.3.3 and 4.9: the client must not
# send more than that many). All three connect with MQTT 5 and show the property to their caller.
# Seen: all five messages are on the wire before the first PUBACK. gmqtt even logs "ignoring invalid receive_maximum=1". Servers may disconnect with 0x93
# (Receive Maximum exceeded) for it; mosquitto 2.0.11 drops QoS 2 messages. What to do: count in-flight messages above the client, or set paho's max_inflight_messages_set.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

pip_packages paho-mqtt==2.2.0 gmqtt==0.8.0
npm_packages mqtt@5.16.0
cat >"$work/server.py" <<'PY'
"""Takes one MQTT 5 client, acknowledges nothing until five PUBLISH or a PINGREQ (keep-alive 2: the client has nothing more to say) have come; prints how many came."""
import sys
from wire import Peer, acknowledge, length, packet
import socket
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
server.settimeout(60)
while True:
    peer = Peer(server.accept()[0])
    if peer.receive(20):  # the first connection may be the one that asks whether somebody listens
        break
properties = bytes([0x21, 0, 1])
peer.send(packet(0x20, b"\0\0" + length(len(properties)) + properties))
ids = []
while len(ids) < 5 and (got := peer.receive(20)):
    first, body = got
    if first >> 4 == 12:
        break
    if first >> 4 == 3:
        ids.append(int.from_bytes(body[3:5], "big"))
print(len(ids), flush=True)
peer.send(*(acknowledge(0x40, packet_id) for packet_id in ids))
while peer.receive(10):
    pass
PY
cat >"$work/paho.py" <<'PY'
import sys, time
import paho.mqtt.client as mqtt
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "device", protocol=mqtt.MQTTv5)
client.on_connect = lambda *_: [client.publish("t", b"x", qos=1) for _ in range(5)]
client.connect("127.0.0.1", int(sys.argv[1]), keepalive=2)
client.loop_start()
time.sleep(30)
PY
cat >"$work/gmqtt.py" <<'PY'
import asyncio, sys
from gmqtt import Client
async def main():
    client = Client("device")
    await client.connect("127.0.0.1", int(sys.argv[1]), keepalive=2, version=5)
    for _ in range(5):
        client.publish("t", b"x", qos=1)
    await asyncio.sleep(30)
asyncio.run(main())
PY
mv "$work/gmqtt.py" "$work/client-gmqtt.py" # a module of the package's name would hide the package
mv "$work/paho.py" "$work/client-paho.py"
cat >"$work/npm/client-mqttjs.cjs" <<'JS'
const client = require("mqtt").connect({ host: "127.0.0.1", port: Number(process.argv[2]), protocolVersion: 5, clientId: "device", keepalive: 2, reconnectPeriod: 0 });
client.on("error", () => {});
client.on("connect", () => {
  for (let n = 0; n < 5; n++) client.publish("t", "x", { qos: 1 });
});
setTimeout(() => process.exit(), 30_000);
JS
in_flight() { # NAME COMMAND...
  local port server
  port=$(free_port)
  PYTHONPATH=$PWD/support timeout 90 python3 "$work/server.py" "$port" >"$work/$1.count" 2>/dev/null &
  server=$!
  started+=("$server")
  wait_for_port "$port"
  background "$@" "$port"
  for _ in $(seq 1 450); do
    [[ ! -s $work/$1.count ]] || break
    sleep 0.1
  done
  kill "$!" 2>/dev/null || true
}
in_flight paho "$work/venv/bin/python" "$work/client-paho.py"
seen "paho-mqtt: PUBLISH in flight at Receive Maximum 1" 5 "$(cat "$work/paho.count")"
in_flight gmqtt "$work/venv/bin/python" "$work/client-gmqtt.py"
seen "gmqtt" 5 "$(cat "$work/gmqtt.count")"
in_flight mqttjs node "$work/npm/client-mqttjs.cjs"
seen "MQTT.js" 5 "$(cat "$work/mqttjs.count")"
exit "$differences"
