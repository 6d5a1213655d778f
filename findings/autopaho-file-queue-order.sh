#!/usr/bin/env bash
# autopaho's file queue (paho.golang 0.23.0) sends messages in random order if they were published within some milliseconds of each other.
#
# Expected: in the order in which they were published (MQTT 5, section 4.6). The comment at the queue's constructor warns of intervals below the resolution of the file system's modification times,
# which ext4 counts in nanoseconds, and the library's own example waits 1 ms between messages, to keep the order.
# Seen: of 40 messages that are queued while no server is there, those of the same few milliseconds come in random order: with no wait between them, and also with 1 ms, as in the example. Linux takes
# the time of a file from a clock that advances with the kernel's tick (4 ms at 250 Hz), whatever the file system can store, and within a tick the queue goes by the random names of its files. With 20
# ms they come in order. Readings of several sensors that are taken together get mixed up, as do those of a fast loop.
# What to do: a sequence number or the time of the reading in the payload; or 20 ms between two messages.
# Needs Linux and Go 1.26.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

. support/autopaho.bash
cat >"$work/server.py" <<'PY'
"""Takes 40 messages on one connection, and prints their numbers in the order in which they come."""
import socket, sys
from wire import Peer, packet
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
server.settimeout(20)
peer = Peer(server.accept()[0])
peer.receive()
peer.send(packet(0x20, b"\0\0\0"))
came = []
while len(came) < 40 and (got := peer.receive(5)):
    if got[0] >> 4 == 3:
        came.append(int(got[1][7:]))
        peer.send(packet(0x40, got[1][3:5]))
print(*came)
PY
order() { # DELAY
  local port
  port=$(free_port)
  timeout 60 "$client" "$port" "$work/$1" 40 "$1" >"$work/$1.queued" &
  started+=("$!")
  wait_for_output "$work/$1.queued"
  PYTHONPATH=$PWD/support timeout 60 python3 "$work/server.py" "$port" >"$work/came"
  kill "${started[-1]}"
  wait "${started[-1]}" || true
  cat "$work/came" >&2
  [[ $(tr ' ' '\n' <"$work/came" | sort -n) == "$(seq 40)" ]] || { echo "not 40 messages"; return; }
  if [[ $(cat "$work/came") == "$(seq -s ' ' 40)" ]]; then echo "in order"; else echo "out of order"; fi
}
step() { # by how many milliseconds the times of files advance here, if they are not read in between
  mkdir "$work/step"
  python3 - "$work/step" <<'PY'
import os, sys, time
end = time.monotonic() + 0.1
count = 0
while time.monotonic() < end:
    open(f"{sys.argv[1]}/{count}", "w").close()
    count += 1
times = sorted({entry.stat().st_mtime_ns for entry in os.scandir(sys.argv[1])})
print(round(min(b - a for a, b in zip(times, times[1:])) / 1e6))
PY
}
milliseconds=$(step)
echo "file times advance by $milliseconds ms"
seen "published without a wait" "out of order" "$(order 0ms)"
if ((milliseconds >= 2)); then seen "published each 1 ms" "out of order" "$(order 1ms)"; fi
seen "published each 20 ms" "in order" "$(order 20ms)"
exit "$differences"
