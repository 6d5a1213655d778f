#!/usr/bin/env bash
# moquette 0.17 does not answer a repeated QoS 2 PUBLISH, so that a publisher whose connection was lost before PUBREC waits for it without end.
#
# Expected: the publisher sends the message again with its id and DUP 1 (MQTT 3.1.1, section 4.4), and until PUBREL the server answers each such PUBLISH by PUBREC without delivering it again (section 4.3.3, statement
# 4.3.3-2). mosquitto 2.0.11 does so.
# Seen: the message was received, and the connection is lost before the publisher has the PUBREC. On each further connection (Session Present 1) there is no answer to its repetition, not even an error, while messages with
# other ids are answered. If the publisher sends PUBREL all the same, PUBCOMP comes, and the message is delivered (once). A publisher that sends one message at a time stops here; one with a window of several loses a place,
# and reports this message as undelivered for good.
# What to do: publish at QoS 1; or begin a new session (CleanSession 1), and accept a possible double.
# Needs a JDK of 17 or later, and Maven; also mosquitto 2.0.11 (Debian bookworm), for comparison.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

. support/moquette.bash
cat >"$work/ask.py" <<'PY'
import sys
from wire import Peer, acknowledge, connect, publish

def connected():
    peer = Peer.to(int(sys.argv[1]))
    peer.send(connect("publisher", 4, False))
    return peer, peer.receive(10)[1][0]

def answer(peer, seconds=8):
    got = peer.receive(seconds)
    return f"{ {0x50: 'PUBREC', 0x70: 'PUBCOMP'}[got[0]]} {got[1][1]}" if got else "nothing"

subscriber = Peer.to(int(sys.argv[1]))
subscriber.send(connect("subscriber"))
subscriber.receive(10)
subscriber.send(b"\x82\x06\0\1\0\1t\0")
subscriber.receive(10)
peer, _ = connected()
peer.send(publish("t", b"m7", 2, 7))
seen = [answer(peer)]  # the publisher of this script does not note it, as if the connection had been lost before
for other in (8, 9):
    peer.close()
    peer, present = connected()
    peer.send(publish("t", b"m7", 2, 7, dup=True))
    repeated = answer(peer)
    peer.send(publish("t", b"m%d" % other, 2, other))
    answers = [answer(peer)]
    peer.send(acknowledge(0x62, other))
    seen.append(f"Session Present {present}, {repeated}, {answers[0]}, {answer(peer)}")
peer.send(acknowledge(0x62, 7))
delivered = []
seen.append(answer(peer))
while got := subscriber.receive(2):
    delivered.append(got[1][3:].decode())
print("; ".join(seen) + "; delivered " + " ".join(sorted(delivered)))
PY
export PYTHONPATH=$PWD/support
port=$(free_port)
moquette "$port"
what="PUBLISH 7; again, and 8; again, and 9; PUBREL 7"
seen "moquette 0.17, $what" "PUBREC 7; Session Present 1, nothing, PUBREC 8, PUBCOMP 8; Session Present 1, nothing, PUBREC 9, PUBCOMP 9; PUBCOMP 7; delivered m7 m8 m9" "$(timeout 60 python3 "$work/ask.py" "$port")"
port=$(free_port)
mosquitto_2_0_11 mosquitto "$port" </dev/null
seen "mosquitto 2.0.11, $what" "PUBREC 7; Session Present 1, PUBREC 7, PUBREC 8, PUBCOMP 8; Session Present 1, PUBREC 7, PUBREC 9, PUBCOMP 9; PUBCOMP 7; delivered m7 m8 m9" "$(timeout 60 python3 "$work/ask.py" "$port")"
exit "$differences"
