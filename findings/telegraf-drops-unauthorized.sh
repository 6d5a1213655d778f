#!/usr/bin/env bash
# Telegraf 1.39.0's output for InfluxDB 1.x drops data while the database answers 401, and mqtt_consumer acknowledges it: with a wrong password all readings are lost until it is corrected.
#
# Expected: data that cannot be written are kept in the buffer and tried again ("metric_buffer_limit: Maximum number of unwritten metrics per output"), and are not acknowledged to the broker before
# ("this plugin uses tracking metrics, which ensure messages are read to outputs before acknowledging them", README of mqtt_consumer). Telegraf's output for InfluxDB 2 does so at 401 and 403.
# Seen: a database answers the first write with 401, as InfluxDB does when its password was changed, and the next ones with 204. By `outputs.influxdb` the first message is acknowledged and
# never stored; the log says "will be dropped". By `outputs.influxdb_v2` it is stored. Cause: any status from 400 to 499 except "database not found" counts as an error of the metrics.
# What to do: watch the log for "will be dropped"; if readings must not be lost, give Telegraf its own user and never change the password.
# Needs Go 1.26.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
. support/telegraf.bash
trap clean_up EXIT

telegraf_program 1.39.0 inputs.mqtt_consumer outputs.influxdb outputs.influxdb_v2 parsers.value
cat >"$work/servers.py" <<'PY'
"""An MQTT server with two messages, the second after the first was acknowledged, and a database that refuses the first write; prints what was acknowledged and what was stored."""
import re, socket, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from wire import Peer, packet, publish
stored = []
writes = 0

class Database(BaseHTTPRequestHandler):
    def do_POST(self):
        global writes
        body = self.rfile.read(int(self.headers["Content-Length"])).decode() if "Content-Length" in self.headers else self.chunks()
        writes += 1
        if writes > 1:
            stored.extend(re.findall(r"value=(\d+)i", body))
        answer = b'{"error":"authorization failed"}' if writes == 1 else b""
        self.send_response(401 if writes == 1 else 204)
        self.send_header("Content-Type", "application/json")
        if answer:
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def chunks(self):
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body.decode()

    def log_message(self, *_):
        pass

database = HTTPServer(("127.0.0.1", int(sys.argv[2])), Database)
threading.Thread(target=database.serve_forever, daemon=True).start()
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
server.settimeout(60)
print("ready", flush=True)
peer = Peer(server.accept()[0])
acknowledged = []
while len(acknowledged) < 2 and (got := peer.receive(30)):
    kind = got[0] >> 4
    if kind == 1:
        peer.send(packet(0x20, b"\0\0"))
    elif kind == 8:
        peer.send(packet(0x90, got[1][:2] + b"\1"), publish("t", b"1", 1, 1))
    elif kind == 4:
        acknowledged.append(got[1][1])
        if len(acknowledged) == 1:
            peer.send(publish("t", b"2", 1, 2))
print("acknowledged", *acknowledged, "stored", *stored, flush=True)
PY
result() { # NAME; the output's configuration from standard input, PORT in place of its port
  local port database
  port=$(free_port)
  database=$(free_port)
  {
    telegraf_configuration "$port"
    printf '  name_override = "v"\n  data_format = "value"\n  data_type = "integer"\n'
    sed "s/PORT/$database/"
  } >"$work/$1.conf"
  telegraf_against "$1" python3 "$work/servers.py" "$port" "$database"
  echo "$(sed -n '$p' "$work/$1.result"), dropped $(grep -c 'will be dropped' "$work/$1.log" || true)"
}
result influxdb >"$work/first" <<'TOML'
[[outputs.influxdb]]
  urls = ["http://127.0.0.1:PORT"]
  database = "d"
  username = "u"
  password = "p"
  skip_database_creation = true
  content_encoding = "identity"
TOML
seen "outputs.influxdb" "acknowledged 1 2 stored 2, dropped 1" "$(cat "$work/first")"
result influxdb_v2 >"$work/second" <<'TOML'
[[outputs.influxdb_v2]]
  urls = ["http://127.0.0.1:PORT"]
  organization = "o"
  bucket = "b"
  token = "t"
  content_encoding = "identity"
TOML
seen "outputs.influxdb_v2" "acknowledged 1 2 stored 1 2, dropped 0" "$(cat "$work/second")"
exit "$differences"
