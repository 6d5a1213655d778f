#!/usr/bin/env bash
# mosquitto 2.0.11 and mochi-mqtt 2.7.9 do not publish the will of an MQTT 5 client that ends its connection by DISCONNECT with an error code.
#
# Expected: the server discards a will only at DISCONNECT 0x00 (MQTT 5, section 3.14.4, statement 3.14.4-3); at any other end of the connection it publishes it (section 3.1.2.5), also at the codes of 0x80 and above by which
# a client says that it gives up: 0x80 (unspecified error), 0x81 (malformed packet), 0x82 (protocol error), 0x93 (Receive Maximum exceeded), 0x95 (packet too large). HiveMQ CE 2025.5 does so.
# Seen: both publish the will if the connection is just lost, and at 0x04 (with will message), and at none of the error codes, with or without a session that goes on. mosquitto 2.1.2 (Debian sid)
# does the same. A device that gives up in the orderly way, and does not return, stays "online".
# What to do: a client that ends a connection because of a fault sends no DISCONNECT, or 0x04; a receiver judges a device by the time in its last reading.
# Needs mosquitto 2.0.11 (Debian bookworm) and Go 1.26.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

. support/mochi.bash
cat >"$work/ask.py" <<'PY'
import struct, sys, time
from wire import Peer, connect, packet, text
port, session = int(sys.argv[1]), sys.argv[2] == "session"

def device(code):
    """Connects with a will whose payload is the code, and leaves with this code; "lost" leaves without DISCONNECT."""
    properties = b"\x11\0\0\x0e\x10" if session else b""
    body = text("MQTT") + b"\5\x0e" + struct.pack(">H", 60) + bytes([len(properties)]) + properties
    peer = Peer.to(port)
    peer.send(packet(0x10, body + text(f"device{code}{session}") + b"\0" + text("state") + text(code)))
    peer.receive(10)
    if code != "lost":
        peer.send(packet(0xE0, bytes([int(code, 16), 0])))
        time.sleep(0.2)
    peer.close()

watcher = Peer.to(port)
watcher.send(connect("watcher" + sys.argv[2], 5))
watcher.receive(10)
watcher.send(packet(0x82, b"\0\1\0" + text("state") + b"\0"))
watcher.receive(10)
published = []
for code in ("lost", "0x00", "0x04", "0x80", "0x81", "0x82", "0x93", "0x95"):
    device(code)
    if got := watcher.receive(2):
        published.append(got[1].decode("latin-1")[-4:])  # each payload has four characters
print("will published: " + " ".join(published))
PY
export PYTHONPATH=$PWD/support
asked() { timeout 60 python3 "$work/ask.py" "$port" "$1"; }
port=$(free_port)
mosquitto_2_0_11 mosquitto "$port" </dev/null
seen "mosquitto 2.0.11" "will published: lost 0x04" "$(asked clean)"
seen "mosquitto 2.0.11, session of one hour" "will published: lost 0x04" "$(asked session)"
port=$(free_port)
background mochi "$mochi" "$port"
wait_for_port "$port"
seen "mochi-mqtt 2.7.9" "will published: lost 0x04" "$(asked clean)"
seen "mochi-mqtt 2.7.9, session of one hour" "will published: lost 0x04" "$(asked session)"
exit "$differences"
