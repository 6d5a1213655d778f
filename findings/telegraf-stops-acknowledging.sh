#!/usr/bin/env bash
# Telegraf 1.37.2's mqtt_consumer acknowledges nothing more after a failed attempt to reconnect.
#
# Expected: with `persistent_session` and QoS 1 a message is acknowledged when an output has written it (README of mqtt_consumer, "Tracking metrics" and `max_undelivered_messages`), as long
# as Telegraf runs, after any outages.
# Seen: the server drops the connection and refuses the next one. When it is back Telegraf connects, receives, writes, and sends no PUBACK any more; so the server sends what it allows in
# flight (mosquitto: 20 messages), and Telegraf stores those and then nothing until it is restarted. If the first attempt succeeds, it works. Cause: `connect()` ends the goroutine that
# acknowledges whenever the network fails, and only `Start()` creates one. What to do: use Telegraf 1.38.0 or later, which leaves reconnecting to its MQTT library (its change 18452).
# Needs Go 1.26.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
. support/telegraf.bash
trap clean_up EXIT

telegraf_program 1.37.2 inputs.mqtt_consumer outputs.file parsers.value serializers.influx
cat >"$work/server.py" <<'PY'
"""Sends one message, drops the connection, refuses the next ones, as many as its argument says, and sends another; prints which were acknowledged."""
import os, socket, sys, time
from wire import Peer, packet, publish
port, refusals, log, output = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]

def count(text, file):
    return open(file).read().count(text) if os.path.exists(file) else 0

def listen():
    server = socket.create_server(("127.0.0.1", port))
    server.settimeout(60)
    return server

def session(peer, number):
    """What becomes of one message: the session ends with PUBACK, or with the second ping after the message was written."""
    pings = 0
    while pings < 2 and (got := peer.receive(30)):
        kind = got[0] >> 4
        if kind == 1:
            peer.send(packet(0x20, bytes([number - 1, 0])))  # Session Present in the second
            if number == 2:
                peer.send(publish("t", b"2", 1, 2))
        elif kind == 8:
            peer.send(packet(0x90, got[1][:2] + b"\1"), publish("t", b"1", 1, 1))
        elif kind == 12:
            peer.send(packet(0xD0))
            pings += count(f"v value={number}i", output)
        elif got == (0x40, bytes([0, number])):
            return f"message {number} written {count(f'v value={number}i', output)}, acknowledged"
    return f"message {number} written {count(f'v value={number}i', output)}, not acknowledged"

server = listen()
print("ready", flush=True)
peer = Peer(server.accept()[0])
first = session(peer, 1)
if refusals:
    server.close()
peer.close()
deadline = time.monotonic() + 60
while count("connection refused", log) < refusals:
    assert time.monotonic() < deadline, open(log).read()
    time.sleep(0.05)
if refusals:
    server = listen()
print(f"{first}; {session(Peer(server.accept()[0]), 2)}", flush=True)
PY
after_refusals() { # COUNT
  local port
  port=$(free_port)
  { telegraf_configuration "$port"; cat; } >"$work/$1.conf" <<TOML
  keepalive = "2s"
  name_override = "v"
  data_format = "value"
  data_type = "integer"
[[outputs.file]]
  files = ["$work/$1.out"]
  data_format = "influx"
TOML
  telegraf_against "$1" python3 "$work/server.py" "$port" "$1" "$work/$1.log" "$work/$1.out"
}
after_refusals 0
seen "connected again at once" "message 1 written 1, acknowledged; message 2 written 1, acknowledged" "$(tail -n 1 "$work/0.result")"
after_refusals 1
seen "refused once before that" "message 1 written 1, acknowledged; message 2 written 1, not acknowledged" "$(tail -n 1 "$work/1.result")"
exit "$differences"
