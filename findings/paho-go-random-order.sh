#!/usr/bin/env bash
# paho.mqtt.golang 1.5.1 sends the messages that were published before the connection in random order, and with DUP 1.
#
# Expected: in the order in which they were published, and with DUP 0, since each is sent for the first time (MQTT 3.1.1, section 3.3.1.1). When they are sent again on a second connection,
# in the order of the first (section 4.6, statement 4.6.0-1). The documentation of SetStore says "If no store is provided, then the client will use MemoryStore by default", and nothing on order.
# Seen: 20 messages of QoS 1, published with SetConnectRetry while no server listens, come in an order that differs each time, all with DUP 1; they are not acknowledged, and on a second
# connection come in another order. The cause (read in the source): the default store gives its keys in the order of a Go map. A program that shows the last value received ends up with an old one.
# What to do: SetStore(mqtt.NewOrderedMemoryStore()), which keeps the order (the comment at that type says so, the options do not), or a time in the payload.
# Needs Go 1.26.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

mkdir "$work/client"
cat >"$work/client/main.go" <<'GO'
package main

import (
	"os"
	"strconv"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

func main() {
	options := mqtt.NewClientOptions().AddBroker("tcp://127.0.0.1:" + os.Args[1]).SetClientID("c").SetCleanSession(false)
	options.SetConnectRetry(true).SetConnectRetryInterval(300 * time.Millisecond).SetMaxReconnectInterval(300 * time.Millisecond)
	if os.Args[2] == "ordered" {
		options.SetStore(mqtt.NewOrderedMemoryStore())
	}
	client := mqtt.NewClient(options)
	client.Connect()
	for n := 0; n < 20; n++ {
		client.Publish("t", 1, false, strconv.Itoa(n))
	}
	os.Stdout.WriteString("published\n")
	select {}
}
GO
go_client github.com/eclipse/paho.mqtt.golang@v1.5.1
cat >"$work/server.py" <<'PY'
"""Takes 20 messages on a first connection without an acknowledgement, and again on a second one."""
import socket, sys
from wire import Peer, packet
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
server.settimeout(60)
first = None
for present in (0, 1):
    peer = Peer(server.accept()[0])
    peer.receive(20)
    peer.send(packet(0x20, bytes([present, 0])))
    came = []
    while len(came) < 20 and (got := peer.receive(20)):
        came.append((int(got[1][5:]), got[0] >> 3 & 1))
    numbers = [n for n, _ in came]
    order = "as published" if numbers == sorted(numbers) else "as before" if numbers == first else "in an order of their own"
    print(f"{len(set(numbers))} {order}, DUP {sorted({dup for _, dup in came})}", end="; " if present == 0 else "\n")
    first = numbers
    peer.close()
PY

arrived() { # STORE
  local port
  port=$(free_port)
  background "$1" "$work/client/client" "$port" "$1"
  wait_for_output "$work/$1.log"
  PYTHONPATH=$PWD/support timeout 60 python3 "$work/server.py" "$port" >"$work/$1.came"
  kill "${started[-1]}" 2>/dev/null || true
  wait "${started[-1]}" || true
}

arrived default
seen "first connection; second" "20 in an order of their own, DUP [1]; 20 in an order of their own, DUP [1]" "$(cat "$work/default.came")"
arrived ordered
seen "the same with NewOrderedMemoryStore" "20 as published, DUP [1]; 20 as published, DUP [1]" "$(cat "$work/ordered.came")"
exit "$differences"
