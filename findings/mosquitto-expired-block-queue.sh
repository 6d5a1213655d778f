#!/usr/bin/env bash
# mosquitto 2.0.11: twenty expired messages at the head of a session's queue block all messages behind them, and a new message then overtakes these.
#
# Expected: a message whose Message Expiry Interval has passed is deleted (MQTT 5, section 3.3.2.3.3, statement 3.3.2-5), and the next one is sent, in the order of publishing (section 4.6).
# mosquitto 2.1.2 does so.
# Seen: a subscriber with a session is away; 20 messages that expire are published for it, and then "a", "b", "c" without expiry. It returns (Session Present 1): nothing comes, nor after a ping. When "new" is published,
# the order is "new", "a", "b", "c". With 19 expired messages all is well: 20 is max_inflight_messages; a Receive Maximum counts instead. Each return passes over 20 more.
# A subscriber of version 3.1.1 is affected in the same way: the interval is the publisher's. Where the next message is rare, the last readings wait for it; a receiver that keeps what came
# last then has an old value.
# What to do: mosquitto 2.1; or no Message Expiry Interval on what subscribers shall get later; and order readings by the time in the payload.
# Needs mosquitto 2.0.11 (Debian bookworm).
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

cat >"$work/ask.py" <<'PY'
import struct, sys, time
from wire import Peer, connect, packet, text
level, count = int(sys.argv[2]), int(sys.argv[3])
name = f"{count}-{level}"

def connected(client, level, clean):
    peer = Peer.to(int(sys.argv[1]))
    peer.send(connect(client, level, clean, b"\x11\0\0\x0e\x10"))
    peer.receive(10)
    return peer

def publish(payload, properties=b""):
    publisher.send(packet(0x32, text(name) + b"\0\1" + bytes([len(properties)]) + properties + payload))
    publisher.receive(10)

def messages(peer):
    """Payloads until nothing comes for two seconds; each is acknowledged."""
    out = []
    while got := peer.receive(2):
        if got[0] >> 4 == 3:
            at = len(text(name))
            peer.send(packet(0x40, got[1][at : at + 2]))
            out.append(got[1][at + (3 if level == 5 else 2) :].decode())
    return " ".join(out) or "nothing"

subscriber = connected(name, level, False)
subscriber.send(packet(0x82, b"\0\1" + (b"\0" if level == 5 else b"") + text(name) + b"\1"))
subscriber.receive(10)
subscriber.send(b"\xe0\0")
publisher = connected("publisher", 5, True)
for _ in range(count):
    publish(b"old", b"\2" + struct.pack(">I", 1))
for payload in (b"a", b"b", b"c"):
    publish(payload)
time.sleep(3)
subscriber = connected(name, level, False)
seen = [messages(subscriber)]
subscriber.send(b"\xc0\0")
seen.append(messages(subscriber))
publish(b"new")
seen.append(messages(subscriber))
print("; ".join(seen))
PY
export PYTHONPATH=$PWD/support
port=$(free_port)
mosquitto_2_0_11 mosquitto "$port" </dev/null
asked() { timeout 60 python3 "$work/ask.py" "$port" "$@"; } # LEVEL COUNT
what="at the return; after a ping; after a new message"
seen "19 expired, $what" "a b c; nothing; new" "$(asked 5 19)"
seen "20 expired, $what" "nothing; nothing; new a b c" "$(asked 5 20)"
seen "20 expired, 3.1.1, $what" "nothing; nothing; new a b c" "$(asked 4 20)"
exit "$differences"
