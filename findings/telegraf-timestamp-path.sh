#!/usr/bin/env bash
# Telegraf 1.39.0's json_v2 parser refuses a message without the optional timestamp, and mqtt_consumer acknowledges the refused message: it is lost.
#
# Expected: "The query must return a single data value otherwise the parser will default to the current time" (README of json_v2, `timestamp_path`); so a message without a time gets that of its
# arrival, as fields with `optional = true` may be missing.
# Seen: a message with `ts` is written; one without is refused ("the timestamp path \"ts\" returned NULL"), and yet acknowledged to the broker, with `persistent_session` too, so it is
# lost. `optional` does not apply to the time. What to do: read the time as an optional field of type string, and convert it by the converter processor (`timestamp = ["ts"]`).
# Needs Go 1.26.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
. support/telegraf.bash
trap clean_up EXIT

telegraf_program 1.39.0 inputs.mqtt_consumer outputs.file parsers.json_v2 processors.converter serializers.influx
cat >"$work/server.py" <<'PY'
"""Sends a message with `ts` and one without, in this order, until both are acknowledged; prints the ids of what was."""
import socket, sys
from wire import Peer, packet, publish
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
server.settimeout(60)
print("ready", flush=True)
peer = Peer(server.accept()[0])
acknowledged = set()
while len(acknowledged) < 2 and (got := peer.receive(30)):
    kind = got[0] >> 4
    if kind == 1:
        peer.send(packet(0x20, b"\0\0"))
    elif kind == 8:
        peer.send(packet(0x90, got[1][:2] + b"\1"))
        peer.send(publish("t", b'{"value":1.5,"ts":"2026-06-17T09:12:00.500Z"}', 1, 1), publish("t", b'{"value":2.5}', 1, 2))
    elif kind == 4:
        acknowledged.add(got[1][1])
print("acknowledged", *sorted(acknowledged), flush=True)
PY
result() { # NAME, the parser's settings for the time; the rest of the configuration from standard input
  local port
  port=$(free_port)
  { telegraf_configuration "$port"; cat; } >"$work/$1.conf" <<TOML
  data_format = "json_v2"
  [[inputs.mqtt_consumer.json_v2]]
    measurement_name = "m"
    $2
    [[inputs.mqtt_consumer.json_v2.field]]
      path = "value"
$(cat)
[[outputs.file]]
  files = ["$work/$1.out"]
  data_format = "influx"
TOML
  telegraf_against "$1" python3 "$work/server.py" "$port"
  sed -n '$p' "$work/$1.result"
  # The points, and how often the log says that a message was refused.
  sed -E 's/ 1781687520500000000$/ at ts/; s/ [0-9]{19}$/ at arrival/' "$work/$1.out"
  echo "refused $(grep -c 'returned NULL' "$work/$1.log" || true)"
}
result path $'timestamp_path = "ts"\n    timestamp_format = "2006-01-02T15:04:05Z07:00"' >"$work/path.seen" </dev/null
seen "timestamp_path" "acknowledged 1 2, m value=1.5 at ts, refused 1" "$(paste -sd, "$work/path.seen" | sed 's/,/, /g')"
result converter "" >"$work/converter.seen" <<'TOML'
    [[inputs.mqtt_consumer.json_v2.field]]
      path = "ts"
      type = "string"
      optional = true
[[processors.converter]]
  [processors.converter.fields]
    timestamp = ["ts"]
    timestamp_format = "2006-01-02T15:04:05Z07:00"
TOML
seen "an optional field and the converter" "acknowledged 1 2, m value=1.5 at ts, m value=2.5 at arrival, refused 0" "$(paste -sd, "$work/converter.seen" | sed 's/,/, /g')"
exit "$differences"
