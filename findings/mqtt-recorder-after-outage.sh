#!/usr/bin/env bash
# mqtt-recorder 1.4.0 connects again after a lost connection, but subscribes to nothing: from then on it records no message, and does not say so.
#
# Expected: it records until it is stopped. Its client (paho-mqtt) connects again by itself, and after a connection with a clean session, as here, one has to subscribe again (MQTT 3.1.1, section
# 3.1.2.4).
# Seen: after one lost connection (the broker was restarted, say) "Connected to broker!" is in the log for the second time, and the file grows no more. When it is started again for that, it empties
# the file first, so that what was recorded until the outage is lost too. What to do: mosquitto_sub with `-F '%j'`, which subscribes again; or a new file at each start, and a watch on its growth.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

pip_packages mqtt-recorder==1.4.0 paho-mqtt==2.1.0
cat >"$work/server.py" <<'PY'
"""Two connections: on each, a message to a client that has subscribed, and an end of the first one; the second lasts ten seconds."""
import socket, sys, time
from wire import Peer, packet, publish
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
server.settimeout(60)
print("ready", flush=True)
for number in (1, 2):
    peer = Peer(server.accept()[0])
    subscribed = 0
    end = time.monotonic() + 10
    while (left := end - time.monotonic()) > 0 and (got := peer.receive(left)):
        if got[0] >> 4 == 1:
            peer.send(packet(0x20, b"\0\0"))
        elif got[0] >> 4 == 8:
            subscribed += 1
            peer.send(packet(0x90, got[1][:2] + b"\0"), publish("home/attic", b"21.%d" % number, 0, 0))
            if number == 1:
                time.sleep(1)
                break
    print(f"connection {number}: {subscribed} SUBSCRIBE", flush=True)
    peer.close()
PY
record() { # NAME PORT COMMAND...: what the server saw
  local name=$1 port=$2 server
  shift 2
  PYTHONPATH=support timeout 100 python3 "$work/server.py" "$port" >"$work/$name.server" &
  server=$!
  started+=("$server")
  wait_for_output "$work/$name.server"
  background "$name" "$@"
  wait "$server" || true
  kill "${started[-1]}" 2>/dev/null || true
  wait "${started[-1]}" 2>/dev/null || true
  sed 1d "$work/$name.server" | paste -sd, | sed 's/,/, /g' >"$work/$name.seen"
}
echo home/attic,20.9,0,False,1781687520.5,1.0 >"$work/record.csv" # of an earlier run
port=$(free_port)
record recorder "$port" "$work/venv/bin/mqtt-recorder" --host 127.0.0.1 --port "$port" --mode record --topic home/attic --file "$work/record.csv"
seen "the server" "connection 1: 1 SUBSCRIBE, connection 2: 0 SUBSCRIBE" "$(cat "$work/recorder.seen")"
seen "its log" "connected 2 times" "connected $(grep -c 'Connected to broker' "$work/recorder.log" || true) times"
seen "its file, with 20.9 before the start" "21.1" "$(cut -d, -f2 "$work/record.csv" | paste -sd' ')"
if command -v mosquitto_sub >/dev/null; then
  port=$(free_port)
  record sub "$port" mosquitto_sub -p "$port" -t home/attic
  seen "the server, with mosquitto_sub" "connection 1: 1 SUBSCRIBE, connection 2: 1 SUBSCRIBE" "$(cat "$work/sub.seen")"
fi
exit "$differences"
