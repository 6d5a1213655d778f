#!/usr/bin/env bash
# autopaho (paho.golang 0.23.0) drops QoS 1 messages that are not acknowledged when the server comes back without the session, even those of its queue on disk, and reports nothing.
#
# Expected: PublishViaQueue with the queue and the session in files is the library's offer for unreliable networks and power, by the comment at that function. A QoS 1 message stays in one of the two
# until PUBACK. A server that has lost the session (Session Present 0) has lost packet ids, not the duty to get the message: the client sends it again, as a new one, or reports it. paho-mqtt 2.2.0,
# MQTT.js 5.16.0 and Eclipse Paho Java 1.2.5 send it again, and the HiveMQ client 1.3.10 (Java) reports MqttSessionExpiredException (all tried by hand).
# Seen: three messages are sent and not acknowledged, the connection is lost, and CONNACK of the next one has Session Present 0: nothing comes, and both folders are empty. No error is logged. With
# Session Present 1 all three come again. They leave the queue when they are sent, and the session is cleared at Session Present 0. So it is after each restart of a server that keeps no sessions on
# disk, as mosquitto by default. The comment recommends a session expiry beyond all outages, which does not help there.
# What to do: a server that stores sessions; or `Publish`, which returns an error, with the reading kept until it has returned without one.
# Needs Go 1.26.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

. support/autopaho.bash
cat >"$work/server.py" <<'PY'
"""Two connections, the second one with the given Session Present; prints what comes on each until two seconds without. Only the second one acknowledges."""
import socket, sys
from wire import Peer, packet
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("ready", file=sys.stderr, flush=True)
server.settimeout(20)

def connection(present, acknowledges):
    peer = Peer(server.accept()[0])
    peer.receive()
    peer.send(packet(0x20, bytes([present, 0, 0])))
    came = []
    while got := peer.receive(2):
        if got[0] >> 4 == 3:
            came.append(got[1][6:].decode())
            if acknowledges:
                peer.send(packet(0x40, got[1][3:5]))
    peer.close()
    return " ".join(came) or "nothing"

first = connection(0, False)
print(f"{first}; then {connection(int(sys.argv[2]), True)}")
PY
outcome() { # SESSION-PRESENT of the second connection
  local port folder=$work/$1 server
  port=$(free_port)
  PYTHONPATH=$PWD/support timeout 60 python3 "$work/server.py" "$port" "$1" >"$work/came" 2>"$work/ready$1" &
  server=$!
  started+=("$server")
  wait_for_output "$work/ready$1"
  timeout 60 "$client" "$port" "$folder" 3 20ms >"$work/printed" 2>"$work/errors" &
  started+=("$!")
  wait "$server"
  kill "${started[-1]}"
  wait "${started[-1]}" || true
  echo "$(cat "$work/came"); files left: $(find "$folder" -type f | wc -l); errors: $(cat "$work/errors" || true)"
}
what="first connection, without PUBACK; second one"
seen "Session Present 0, $what" "m1 m2 m3; then nothing; files left: 0; errors: " "$(outcome 0)"
seen "Session Present 1, $what" "m1 m2 m3; then m1 m2 m3; files left: 0; errors: " "$(outcome 1)"
exit "$differences"
