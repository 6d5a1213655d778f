#!/usr/bin/env bash
# rpi-temperature-mqtt 0.0.6 never sends a temperature that it first read while the broker was away, until the temperature changes again.
#
# Expected: the program publishes each temperature that differs from the one before, retained, so that the broker has the latest; after an outage it sends the present one, at the latest at the next reading.
# Seen: 20 °C is published; the connection ends, the sensor falls to 5 °C, and the broker is back: in twenty further readings of 5 °C nothing is published, and the retained 20 °C stays, until the sensor
# reads 5.5 °C. Cause (read in the source): a value is noted as sent before it is sent, and dropped without a connection. What to do: restart the program when the broker was away, or use one
# with an outbox; a subscriber cannot see it.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

pip_packages rpi-temperature-mqtt==0.0.6 paho-mqtt==1.6.1
cat >"$work/outage.py" <<'PY'
"""The broker, and the sensor's file, as the program sees them; prints what it publishes."""
import io, os, socket, sys, threading, warnings
warnings.simplefilter("ignore")
import rpi_temperature_mqtt.logger as program
from wire import Peer, packet

milli, readings, connected = 20_000, threading.Semaphore(0), threading.Event()

def file(name):
    connected.wait()
    readings.release()
    return io.StringIO(f"40 01 4b 46 7f ff 0c 10 5b : crc=5b YES\n40 01 4b 46 7f ff 0c 10 5b t={milli}\n")

program.open = file
program.time.sleep, wait = lambda seconds: wait(min(seconds, 0.1)), program.time.sleep

def listen(port=0):
    return socket.create_server(("127.0.0.1", port))

def session(server):
    """The next connection that sends a CONNECT: the program first tries whether the port answers."""
    while True:
        peer = Peer(server.accept()[0])
        if peer.receive(5):
            peer.send(packet(0x20, b"\0\0"))
            while not logger.mqtt_connected:
                wait(0.1)
            return peer

def published(peer, seconds):
    got = peer.receive(seconds)
    return "nothing" if got is None else f"{got[1][8:].decode()} °C{' retained' if got[0] & 1 else ''}"

def read(count):
    while readings.acquire(blocking=False):
        pass
    for _ in range(count):
        assert readings.acquire(timeout=30)

server = listen()
port = server.getsockname()[1]
config = {"mqtt_host": "127.0.0.1", "mqtt_port": str(port), "mqtt_client_id": "x", "wait_process": "0", "wait_update": "1", "sources": [{"serial": "28-1", "topic": "home/t"}]}
logger = program.TemperatureLogger(config)
threading.Thread(target=logger.start, daemon=True).start()
peer = session(server)
connected.set()
print(published(peer, 20), end="; ")
server.close()
peer.close()
while logger.mqtt_connected:
    wait(0.1)
milli = 5_000
read(10)
peer = session(listen(port))
read(20)
print(published(peer, 0.5), end="; ")
milli = 5_500
print(published(peer, 20))
sys.stdout.flush()
os._exit(0)
PY
seen "before, after the outage, at the next change" "20.0 °C retained; nothing; 5.5 °C retained" "$(PYTHONPATH=support timeout 100 "$work/venv/bin/python" "$work/outage.py" 2>"$work/errors")"
exit "$differences"
