#!/usr/bin/env bash
# mochi-mqtt 2.7.9 sends kept messages with a topic alias of the previous connection: their topic is lost.
#
# Expected: a topic alias lasts as long as the network connection on which it was set, and is not carried over to the next one (MQTT 5, section 3.3.2.3.4, statement 3.3.2-7). A message that was
# kept for a returning session comes with its topic. mosquitto 2.0.11 and HiveMQ CE 2025.5 do so.
# Seen: a subscriber with a session and Topic Alias Maximum 5 gets one message (topic and alias 1), leaves, and returns. The message that was published meanwhile comes with an empty topic and
# alias 1, which this connection has not set. A client by the standard has to close (0x82, Protocol Error); the message is still in the session, and comes again in the same way on each connection, even on one whose CONNECT allows no aliases.
# A client that never allowed aliases gets the topic. What to do: no Topic Alias Maximum in CONNECT (absent means 0) for a client with a session.
# Needs Go 1.26.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

. support/mochi.bash
cat >"$work/ask.py" <<'PY'
import sys
from wire import Peer, acknowledge, connect, packet, publish, text

def connected(client, clean, properties):
    peer = Peer.to(int(sys.argv[1]))
    peer.send(connect(client, 5, clean, properties))
    peer.receive()
    return peer

def told(message):
    """The topic and the alias of a PUBLISH at QoS 1. Of its properties only Message Expiry Interval (2) and Topic Alias (0x23) are expected here."""
    body = message[1]
    size = body[1]
    properties = body[5 + size : 5 + size + body[4 + size]]
    if properties[:1] == b"\2":
        properties = properties[5:]
    return f"topic {body[2 : 2 + size].decode() or 'empty'}, " + (f"alias {properties[2]}" if properties[:1] == b"\x23" else "no alias")

publisher = connected("publisher", True, b"")

def published():
    publisher.send(publish("t", b"x", 1, 1, 5))
    publisher.receive()

for maximum in (5, 0):
    session = b"\x11\0\0\x0e\x10" + (bytes([0x22, 0, maximum]) if maximum else b"")
    client = f"subscriber{maximum}"
    subscriber = connected(client, True, session)
    subscriber.send(packet(0x82, b"\0\1\0" + text("t") + b"\1"))
    subscriber.receive()
    published()
    first = subscriber.receive()
    subscriber.send(acknowledge(0x40, int.from_bytes(first[1][3:5], "big")), b"\xe0\0")
    subscriber.close()
    published()
    print(f"{told(first)}; after the return: {told(connected(client, False, session).receive())}", flush=True)
PY
port=$(free_port)
background mochi "$mochi" "$port"
wait_for_port "$port"
PYTHONPATH=$PWD/support timeout 60 python3 "$work/ask.py" "$port" >"$work/seen"
seen "Topic Alias Maximum 5" "topic t, alias 1; after the return: topic empty, alias 1" "$(sed -n 1p "$work/seen")"
seen "Topic Alias Maximum absent" "topic t, no alias; after the return: topic t, no alias" "$(sed -n 2p "$work/seen")"
exit "$differences"
