#!/usr/bin/env bash
# dht20-sensor 0.0.2 dates each reading wrong by the offset of the time zone, and takes damaged and unfinished answers for readings.
#
# Expected: `timestamp` of a reading is the Unix time at which it was read, the same in each time zone. An answer whose CRC is wrong, or whose status says that the measurement still runs, is no
# reading (datasheet of the DHT20: wait until bit 7 of the status is 0, and compare the CRC).
# Seen: right in UTC only; 5 h 30 min early with the time zone of India, 5 h late with that of Jamaica. A time series sorts readings of a Raspberry Pi that is set to local time into the wrong hours,
# without an error, and where clocks change, two hours a year are mixed. With a wrong CRC 21.5 °C is read as 9.0, and a busy chip's old bytes are read as new. What to do: take `time.time()` beside
# each `read()`, or run the program with TZ=UTC; refuse jumps.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

pip_packages dht20-sensor==0.0.2 smbus2==0.4.3
cat >"$work/read.py" <<'PY'
"""A chip at 21.5 °C; prints how many minutes the reading's time is off, then the temperature of a good, a damaged and an unfinished answer."""
import time
import smbus2

def answer(status, celsius):
    raw = round((celsius + 50) / 200 * 2**20)
    data = [status, 0x80, 0, raw >> 16, raw >> 8 & 255, raw & 255]
    crc = 0xFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x31) & 255 if crc & 0x80 else crc << 1
    return [*data, crc]

class Bus:
    now = answer(0x1C, 21.5)
    def __init__(self, _):
        pass
    def __enter__(self):
        return self
    def __exit__(self, *_):
        pass
    def write_i2c_block_data(self, *_):
        pass
    def read_i2c_block_data(self, address, register, count):
        return [0x18] if count == 1 else self.now

smbus2.SMBus = Bus
from dht20_sensor.sensor import DHT20Sensor

sensor = DHT20Sensor()
temperature, _ = sensor.read()
print(round((temperature.timestamp - time.time()) / 60), temperature, end="")
Bus.now = answer(0x1C, 21.5)
Bus.now[3] ^= 1  # one bit
print("", sensor.read()[0], end="")
Bus.now = answer(0x9C, 21.5)
print("", sensor.read()[0])
PY
read_in() { TZ=$1 timeout 60 "$work/venv/bin/python" "$work/read.py"; }
seen "minutes off in UTC; a good, a damaged, an unfinished answer" "0 21.5C 9.0C 21.5C" "$(read_in UTC)"
seen "with the time zone of India" "-330 21.5C 9.0C 21.5C" "$(read_in IST-5:30)"
seen "with that of Jamaica" "300 21.5C 9.0C 21.5C" "$(read_in EST5)"
exit "$differences"
