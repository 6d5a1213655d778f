#!/usr/bin/env bash
# mqtt2influxdb 2.0.6: a computed field never finds a key with an underscore, and can take another one's value; a time of arrival replaces each `timestamp` that is not in seconds.
#
# Expected: `= 32 + ($.payload.temp_c * 9 / 5)` computes with the key `temp_c`, as `$.payload.temp_c` without `=` reads it, and the README's example computes with `celsius`. A message with
# `timestamp`, for which the program looks, is stored at this time, or the log says why not.
# Seen: in an expression each underscore is read as a dot. `temp_c` becomes `temp.c`: the field is missing, with an error in the log; where the message has an object `temp` with a key `c`, its value
# is taken (32 °F instead of 68). Readings that come late with `timestamp` in milliseconds or as text (ISO 8601) are stored at the time of their arrival, which is logged only with `--debug`; in
# seconds, with a fraction or without, they are right. What to do: name keys in camel case where a field is computed, and send `timestamp` in seconds.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

pip_packages mqtt2influxdb==2.0.6 influxdb3-python==0.21.0 paho-mqtt==2.1.0 jsonpath-ng==1.7.0 py-expression-eval==0.3.14
cat >"$work/server.py" <<'PY'
"""A broker that sends five messages to the first who subscribes, and an InfluxDB that takes lines; prints each line, and the end."""
import http.server, socket, sys, threading
from wire import Peer, packet, publish

MESSAGES = (
    b'{"celsius":20,"temp_c":20}', b'{"celsius":20,"temp_c":20,"temp":{"c":0}}',
    b'{"temp_c":1,"timestamp":1781687520.5}', b'{"temp_c":2,"timestamp":1781687520500}', b'{"temp_c":3,"timestamp":"2026-06-17T09:12:00.500Z"}',
)
written = threading.Semaphore(0)

class Influx(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        print(self.rfile.read(int(self.headers["content-length"])).decode().strip(), flush=True)
        self.send_response(204)
        self.end_headers()
        written.release()
    def log_message(self, *_):
        pass

threading.Thread(target=http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Influx).serve_forever, daemon=True).start()
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
server.settimeout(60)
print("ready", flush=True)
peer = Peer(server.accept()[0])
while got := peer.receive(30):
    if got[0] >> 4 == 1:
        peer.send(packet(0x20, b"\0\0"))
    elif got[0] >> 4 == 8:
        peer.send(packet(0x90, got[1][:2] + b"\0"), *(publish("home/attic", message, 0, 0) for message in MESSAGES))
        break
for _ in MESSAGES:
    assert written.acquire(timeout=30)
PY
mqtt=$(free_port)
influx=$(free_port)
cat >"$work/bridge.yml" <<YAML
mqtt: { host: 127.0.0.1, port: $mqtt }
influxdb: { host: "http://127.0.0.1", port: $influx, token: t, org: o, bucket: b }
points:
  - measurement: m
    topic: home/+
    fields:
      plain: \$.payload.temp_c
      computed: = 32 + (\$.payload.temp_c * 9 / 5)
      readme: = 32 + (\$.payload.celsius * 9 / 5)
YAML
PYTHONPATH=support timeout 100 python3 "$work/server.py" "$mqtt" "$influx" >"$work/server.out" 2>"$work/server.err" &
server=$!
started+=("$server")
wait_for_output "$work/server.out"
background bridge "$work/venv/bin/mqtt2influxdb" -c "$work/bridge.yml"
wait "$server" || { cat "$work/server.err" "$work/bridge.log" >&2; exit 2; }
# The lines, and at which time: that of the message, or another one.
sed -E '/^ready/d; s/ 1781687520500000000$/ at timestamp/; s/ [0-9]{19}$/ at arrival/' "$work/server.out" >"$work/lines"
seen "computed from temp_c and from celsius, 20 °C" "m plain=20i,readme=68 at arrival" "$(sed -n 1p "$work/lines")"
seen "and with temp: {c: 0}" "m computed=32,plain=20i,readme=68 at arrival" "$(sed -n 2p "$work/lines")"
seen "timestamp in seconds, milliseconds, text" "m plain=1i at timestamp, m plain=2i at arrival, m plain=3i at arrival" "$(sed -n 3,5p "$work/lines" | paste -sd, | sed 's/,/, /g')"
seen "the log about it" "0 lines" "$(grep -ci 'timestamp' "$work/bridge.log" || true) lines"
exit "$differences"
