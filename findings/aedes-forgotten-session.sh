#!/usr/bin/env bash
# aedes 1.2.0 answers Session Present 0 to a returning publisher, but still remembers its packet ids: a new QoS 2 message with one of them is acknowledged and not delivered.
#
# Expected: Session Present 0 means that the server has no session state for this client, and the client discards its own (MQTT 3.1.1, sections 3.2.2.2 and 3.1.2.4);
# all packet ids are free again, and a PUBLISH with DUP 0 is a new message.
# Seen: a client without subscriptions, CleanSession 0, sends "first" with id 7, gets PUBREC, and is disconnected. It connects again, CleanSession 0, receives Session Present 0, and sends
# "second" with id 7, DUP 0: PUBREC and PUBCOMP, but the subscriber gets "first" only. After a CONNECT with CleanSession 1 it gets both. aedes derives Session Present from the
# subscriptions only. What to do: at Session Present 0 connect once with CleanSession 1, or do not restart the ids.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

npm_packages aedes@1.2.0
cat >"$work/npm/broker.mjs" <<'JS'
import { createServer } from "node:net";
import { Aedes } from "aedes";
createServer((await Aedes.createBroker()).handle).listen(Number(process.argv[2]), "127.0.0.1");
JS
cat >"$work/publisher.py" <<'PY'
import sys
from wire import Peer, acknowledge, connect, packet, publish
port, clean = int(sys.argv[1]), sys.argv[2] == "1"

def connected(client, clean):
    peer = Peer.to(port)
    peer.send(connect(client, 4, clean))
    return peer, peer.receive()[1][0]

subscriber, _ = connected("subscriber" + sys.argv[2], True)
subscriber.send(b"\x82\x06\0\1\0\1t\0")
subscriber.receive()
peer, _ = connected("device" + sys.argv[2], False)
peer.send(publish("t", b"first", 2, 7))
peer.receive()
peer.close()
arrived = [subscriber.receive()[1][3:].decode()]
peer, present = connected("device" + sys.argv[2], clean)
peer.send(publish("t", b"second", 2, 7))
recorded = peer.receive() == (0x50, b"\0\7")
peer.send(acknowledge(0x62, 7))
completed = peer.receive() == (0x70, b"\0\7")
peer.send(publish("t", b"last", 0, 0))
while (message := subscriber.receive()) and not message[1].endswith(b"last"):
    arrived.append(message[1][3:].decode())
print(f"Session Present {present}, acknowledged {recorded and completed}, delivered {' '.join(arrived)}")
PY
export PYTHONPATH=$PWD/support
port=$(free_port)
background aedes node "$work/npm/broker.mjs" "$port"
wait_for_port "$port"
seen "again with CleanSession 0" "Session Present 0, acknowledged True, delivered first" "$(timeout 60 python3 "$work/publisher.py" "$port" 0)"
seen "again with CleanSession 1" "Session Present 0, acknowledged True, delivered first second" "$(timeout 60 python3 "$work/publisher.py" "$port" 1)"
exit "$differences"
