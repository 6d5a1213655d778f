#!/usr/bin/env bash
# mqtt-to-influx 0.3.7 stores a wrong absolute humidity below 10 % relative humidity, and a negative one below 8 % or so, as in a dry box for filament.
#
# Expected: at 20 °C, 1.7 g/m³ at 10 % (the program's own table), and half of it at 5 %: at one temperature, absolute humidity is proportional to the relative one.
# Seen: from 10 % on it is right; below, one gram is subtracted for each percent: 0.7 at 9 % (instead of 1.5), -3.3 at 5 % (instead of 0.85). It goes to InfluxDB beside the two measured values,
# without a word in the log. What to do: compute absolute humidity in the queries, from temperature and relative humidity.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

pip_packages mqtt-to-influx==0.3.7 paho-mqtt==1.6.1 influxdb==5.3.2
cat >"$work/server.py" <<'PY'
"""A broker that sends readings of a Tasmota AM2301 to the first who subscribes, and an InfluxDB 1.x that takes lines; prints each line."""
import http.server, socket, sys, threading
from wire import Peer, packet, publish

HUMIDITIES = (50, 10, 9, 5)
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
        peer.send(packet(0x90, got[1][:2] + b"\0"))
        for humidity in HUMIDITIES:
            peer.send(publish("/sensor/attic/SENSOR", b'{"Time":"2026-06-17T09:12:00","AM2301":{"Temperature":20.0,"Humidity":%d.0},"TempUnit":"C"}' % humidity, 0, 0))
        break
for _ in HUMIDITIES:
    assert written.acquire(timeout=30)
PY
cat >"$work/topics.pathconf" <<'INI'
[mqtt_topics]
/sensor/+/SENSOR = tasmota_sensor_am2301
[tasmota_sensor_am2301]
verbose = 0
do_write_to_influx = true
INI
mqtt=$(free_port)
influx=$(free_port)
PYTHONPATH=support timeout 100 python3 "$work/server.py" "$mqtt" "$influx" >"$work/server.out" 2>"$work/server.err" &
server=$!
started+=("$server")
wait_for_output "$work/server.out"
cat >"$work/daemon.py" <<'PY'
"""The program, with its port of MQTT as a number: its option gives a text, which paho refuses."""
from mqtt_to_influx.parse_options import args
args.mqtt_port = int(args.mqtt_port)
from mqtt_to_influx.daemon import main
main()
PY
background daemon "$work/venv/bin/python" "$work/daemon.py" -p "$work/topics.pathconf" --mqtt_host 127.0.0.1 --mqtt_port "$mqtt" \
  --influx_db_host 127.0.0.1 --influx_db_port "$influx" --influx_db_name home
wait "$server" || { cat "$work/server.err" "$work/daemon.log" >&2; exit 2; }
sed 1d "$work/server.out" >"$work/lines"
absolute() { sed -n "s/^sensor.attic Absolute_Humidity=\\([^,]*\\),Humidity=$1,Temperature=20.0$/\\1/p" "$work/lines" | xargs printf '%.2f'; }
seen "g/m³ at 20 °C and 50, 10, 9 and 5 %" "8.70 1.70 0.70 -3.30" "$(absolute 50.0) $(absolute 10.0) $(absolute 9.0) $(absolute 5.0)"
exit "$differences"
