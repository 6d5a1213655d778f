#!/usr/bin/env bash
# mqttstore 0.4.0 (MQTT into SQLite): with a bundle interval, a row gets the temperature of one room and the name and humidity of another.
#
# Expected: `--bundle-interval` is the "interval of seconds to use for bundling incoming datasets before storing": values of one room that arrive on several topics become one row of the table. The docstring says
# which row is taken: one "which can be used to merge a new given dataset in"; a row of another room cannot.
# Seen: the two temperatures come first, then the humidities in the other order; the attic's temperature is stored as the cellar's, and the other way round. A humidity whose own room has no
# row yet goes to another room's row, too, and renames it. Without the interval each row is right. Cause (read in the source): a waiting row's value is compared with the name of its column, so a row of the same
# room never matches, and the first row that lacks the new column is taken. What to do: no bundle interval; join the rows in SQL.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

pip_packages mqttstore==0.4.0 paho-mqtt==1.6.1
cat >"$work/server.py" <<'PY'
"""Sends four messages, one after the other, to the one subscriber; keeps the connection."""
import socket, sys
from wire import Peer, packet, publish
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
peer = Peer(server.accept()[0])
while got := peer.receive(60):
    if got[0] >> 4 == 1:
        peer.send(packet(0x20, b"\0\0"))
    elif got[0] >> 4 == 8:
        peer.send(packet(0x90, got[1][:2] + b"\0"))
        for topic, value in (("attic/temperature", "21.5"), ("cellar/temperature", "11.5"), ("cellar/humidity", "70"), ("attic/humidity", "45")):
            peer.send(publish(f"home/{topic}", value.encode(), 0, 0))
PY
rows() { # NAME BUNDLE-INTERVAL ROWS
  local port _
  port=$(free_port)
  PYTHONPATH=support background "server-$1" "$work/venv/bin/python" "$work/server.py" "$port"
  cat >"$work/$1.conf" <<CONF
[broker:home]
hostname = 127.0.0.1
port = $port
subscribe = home/#
parse_topic = ^home/(?P<room>[^/]+)/(?P<quantity>[^/]+)$
parse_message = ^(?P<value>[0-9.-]+)$
store = room = {room}, {quantity} = {value} --> readings
[database]
file = $work/$1.sqlite
bundle_interval = $2
CONF
  wait_for_port_in_use "$port"
  background "store-$1" "$work/venv/bin/mqttstore" sqlite -c "$work/$1.conf"
  for _ in $(seq 1 300); do
    "$work/venv/bin/python" - "$work/$1.sqlite" <<'PY' >"$work/$1.rows" 2>/dev/null || true
import sqlite3, sys
for row in sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True).execute("select room, temperature, humidity from readings order by room, temperature"):
    print(*row)
PY
    [[ $(wc -l <"$work/$1.rows") -lt $3 ]] || break
    sleep 0.2
  done
  paste -sd, "$work/$1.rows"
}
# As wait_for_port, without a connection, which would be taken for the subscriber's.
wait_for_port_in_use() { # PORT
  local _
  for _ in $(seq 1 300); do
    ! grep -qi ":$(printf %04x "$1") 00000000:0000 0A" /proc/net/tcp || return 0
    sleep 0.1
  done
  return 1
}
rows apart 0 4 >"$work/apart"
seen "without a bundle interval" "attic None 45,attic 21.5 None,cellar None 70,cellar 11.5 None" "$(cat "$work/apart")"
rows bundled 2 2 >"$work/bundled"
seen "with one of 2 s" "attic 11.5 45,cellar 21.5 70" "$(cat "$work/bundled")"
exit "$differences"
