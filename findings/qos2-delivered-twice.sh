#!/usr/bin/env bash
# Two clients hand a QoS 2 message to the application twice if the connection is lost behind their PUBREC: paho.mqtt.golang 1.5.1 (Go) and gmqtt 0.8.0 (Python).
#
# Expected: once. A receiver that has sent PUBREC answers a repeated PUBLISH with that packet id by PUBREC again, and must not deliver the message again until PUBREL has come
# (MQTT 3.1.1, section 4.3.3, statement 4.3.3-2; MQTT 5, statement 4.3.3-10). Both support QoS 2 without reservation in their documentation.
# Seen: the server does not get the PUBREC, as the connection is lost; the client is back with its session, gets the PUBLISH with DUP 1 and the same id, and delivers it once more. The Go
# client does so with its file store, too. paho-mqtt 2.2.0 (Python) and MQTT.js 5.16.0 deliver once, when PUBREL comes. With the two clients QoS 2 is QoS 1 with two more packets:
# a counter or a switch that toggles is wrong after a lost connection.
# What to do: a sequence number or the time of the reading in the payload, compared at the receiver. The DUP flag of the message says only that it may be the second.
# Needs Go 1.26.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

mkdir "$work/client"
cat >"$work/client/main.go" <<'GO'
package main

import (
	"fmt"
	"os"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

func main() {
	options := mqtt.NewClientOptions().AddBroker("tcp://127.0.0.1:" + os.Args[1]).SetClientID("c").SetCleanSession(false).SetMaxReconnectInterval(300 * time.Millisecond)
	if len(os.Args) > 2 {
		options.SetStore(mqtt.NewFileStore(os.Args[2]))
	}
	client := mqtt.NewClient(options)
	if token := client.Connect(); token.Wait() && token.Error() != nil {
		panic(token.Error())
	}
	client.Subscribe("t", 2, func(_ mqtt.Client, message mqtt.Message) {
		fmt.Println(string(message.Payload()))
	})
	select {}
}
GO
go_client github.com/eclipse/paho.mqtt.golang@v1.5.1
pip_packages gmqtt==0.8.0 paho-mqtt==2.2.0
npm_packages mqtt@5.16.0

cat >"$work/gmqtt_client.py" <<'PY'
import asyncio, sys
import gmqtt
from gmqtt.mqtt.constants import MQTTv311

def show(_client, _topic, payload, _qos, _properties):
    print(payload.decode(), flush=True)
    return 0

async def run():
    client = gmqtt.Client("c", clean_session=False)
    client.set_config({"reconnect_retries": -1, "reconnect_delay": 0.3})
    client.on_message = show
    await client.connect("127.0.0.1", int(sys.argv[1]), version=MQTTv311)
    client.subscribe("t", qos=2)
    await asyncio.sleep(60)

asyncio.run(run())
PY
cat >"$work/paho_client.py" <<'PY'
import sys
import paho.mqtt.client as paho
client = paho.Client(paho.CallbackAPIVersion.VERSION2, "c", clean_session=False)
client.on_message = lambda _client, _data, message: print(message.payload.decode(), flush=True)
client.reconnect_delay_set(1, 1)
client.connect("127.0.0.1", int(sys.argv[1]))
client.subscribe("t", 2)
client.loop_forever()
PY
cat >"$work/npm/client.cjs" <<'JS'
const client = require("mqtt").connect(`mqtt://127.0.0.1:${process.argv[2]}`, { clientId: "c", clean: false, protocolVersion: 4, reconnectPeriod: 300 });
client.on("message", (_topic, payload) => console.log(String(payload)));
client.subscribe("t", { qos: 2 });
JS
cat >"$work/server.py" <<'PY'
"""Delivers one QoS 2 message: the first connection ends behind the client's PUBREC, on the second the same PUBLISH comes with DUP. Ends at PUBCOMP."""
import socket, sys, time
from wire import Peer, acknowledge, packet, publish
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
server.settimeout(60)
print("ready", flush=True)
recs = 0
for connection in (1, 2):
    peer = Peer(server.accept()[0])
    while got := peer.receive(20):
        kind = got[0] >> 4
        if kind == 1:
            peer.send(packet(0x20, bytes([connection - 1, 0])))
            if connection == 2:
                peer.send(publish("t", b"21.5", 2, 7, dup=True))
        elif kind == 8:
            peer.send(packet(0x90, got[1][:2] + b"\2"))
            if connection == 1:
                peer.send(publish("t", b"21.5", 2, 7))
        elif kind == 5:
            recs += 1
            if connection == 1:
                time.sleep(0.5)  # the message has reached the application
                break
            peer.send(acknowledge(0x62, 7))
        elif kind == 7:
            print(f"{recs} PUBREC", flush=True)
            time.sleep(0.5)
            sys.exit()
    peer.close()
PY

delivered() { # NAME COMMAND..., which gets the port
  local name=$1 port server
  shift
  port=$(free_port)
  PYTHONPATH=$PWD/support timeout 100 python3 "$work/server.py" "$port" >"$work/$name.server" &
  server=$!
  started+=("$server")
  wait_for_output "$work/$name.server"
  background "$name" "${@//PORT/$port}"
  wait "$server" || cat "$work/$name.log" >&2
  kill "${started[-1]}" 2>/dev/null || true
  wait "${started[-1]}" || true
  echo "$(sed -n 2p "$work/$name.server"), delivered $(grep -c '^21.5$' "$work/$name.log" || true)"
}

delivered go "$work/client/client" PORT >"$work/go"
seen "paho.mqtt.golang 1.5.1" "2 PUBREC, delivered 2" "$(cat "$work/go")"
delivered go-file "$work/client/client" PORT "$work/store" >"$work/go-file"
seen "paho.mqtt.golang 1.5.1, file store" "2 PUBREC, delivered 2" "$(cat "$work/go-file")"
delivered gmqtt "$work/venv/bin/python" "$work/gmqtt_client.py" PORT >"$work/gmqtt"
seen "gmqtt 0.8.0" "2 PUBREC, delivered 2" "$(cat "$work/gmqtt")"
delivered paho "$work/venv/bin/python" "$work/paho_client.py" PORT >"$work/paho"
seen "paho-mqtt 2.2.0" "2 PUBREC, delivered 1" "$(cat "$work/paho")"
delivered js node "$work/npm/client.cjs" PORT >"$work/js"
seen "MQTT.js 5.16.0" "2 PUBREC, delivered 1" "$(cat "$work/js")"
exit "$differences"
