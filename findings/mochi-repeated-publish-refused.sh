#!/usr/bin/env bash
# mochi-mqtt 2.7.9 answers a repeated QoS 2 PUBLISH with PUBREC 0x91 (Packet identifier in use), although the message was delivered.
#
# Expected: a client whose connection was lost before PUBREC sends the PUBLISH again with its id and DUP 1 (MQTT 5, section 4.4). Until PUBREL the server answers each such PUBLISH by PUBREC, and delivers the message once
# (section 4.3.3, statement 4.3.3-10). A reason code of 0x80 or more means that the message was refused. mosquitto 2.0.11 and HiveMQ CE 2025.5 answer 0.
# Seen: with Session Present 1 there are two PUBREC, first one without a cause (0), then the answer to the repetition with 0x91, while the subscriber has the message. A client that takes
# the answer as refused reports a failure, or publishes the message again under a new id: then it is there twice. With MQTT 3.1.1 both are plain PUBREC.
# What to do: after a repeated PUBLISH treat PUBREC 0x91 like a success: send PUBREL, and count the message as delivered.
# Needs Go 1.26.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

. support/mochi.bash
cat >"$work/ask.py" <<'PY'
import sys
from wire import Peer, acknowledge, connect, packet, publish, text
level = int(sys.argv[2])

def connected(client, clean):
    peer = Peer.to(int(sys.argv[1]))
    peer.send(connect(client, level, clean, b"\x11\0\0\x0e\x10"))
    return peer, peer.receive()[1][0]

def answer(peer, seconds=5):
    first, body = peer.receive(seconds)
    return f"{ {0x50: 'PUBREC', 0x70: 'PUBCOMP'}[first]} {body[2] if len(body) > 2 else 0:#x}"

observer, _ = connected("observer", True)
observer.send(packet(0x82, b"\0\1" + (b"\0" if level == 5 else b"") + text("t") + b"\0"))
observer.receive()
client, _ = connected("client", False)
client.send(publish("t", b"x", 2, 7, level))
client.receive()  # the client of this script does not note it, as if the connection had been lost before
client.close()
client, present = connected("client", False)
client.send(publish("t", b"x", 2, 7, level, True))
answers = [answer(client), answer(client)]
client.send(acknowledge(0x62, 7))
answers.append(answer(client))
delivered = 0
while observer.receive(1):
    delivered += 1
print(f"Session Present {present}, {', '.join(answers)}, delivered {delivered}")
PY
port=$(free_port)
background mochi "$mochi" "$port"
wait_for_port "$port"
export PYTHONPATH=$PWD/support
seen "MQTT 5" "Session Present 1, PUBREC 0x0, PUBREC 0x91, PUBCOMP 0x0, delivered 1" "$(timeout 60 python3 "$work/ask.py" "$port" 5)"
seen "MQTT 3.1.1" "Session Present 1, PUBREC 0x0, PUBREC 0x0, PUBCOMP 0x0, delivered 1" "$(timeout 60 python3 "$work/ask.py" "$port" 4)"
exit "$differences"
