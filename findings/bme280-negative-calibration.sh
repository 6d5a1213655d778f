#!/usr/bin/env bash
# bme280 0.7, a Python driver for the BME280: a chip whose third calibration value for temperature is negative is read 4.7 °C too warm at 25 °C.
#
# Expected: 25.08 °C and 1006.53 hPa for the calculation in Bosch's datasheet of the BMP280 (dig_T1 27504, dig_T2 26435, dig_T3 -1000, raw 519888 and 415148), which the BME280 shares; dig_T3 is a
# signed 16-bit number in both datasheets.
# Seen: 29.83 °C and 1013.85 hPa: dig_T3 is read as 64536, as its sign is taken into account for dig_T2 alone. With dig_T3 50 all is right, so it depends on the chip; the error grows with the square
# of the temperature (none at 0 °C), and looks like the warmth of the board beside the sensor. What to do: after setup(), subtract 65536 from `bme280.bme280.calibration_t[2]` if it is above 32767.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

pip_packages bme280==0.7
cat >"$work/smbus.py" <<'PY'
"""Stands in for the module smbus: one BME280 with the calculation of the datasheet, and half of the full humidity."""
import struct

registers = bytearray(256)

def calibrate(t3):
    registers[0x88:0xA0] = struct.pack("<HhhHhhhhhhhh", 27504, 26435, t3, 36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000)
    registers[0xA1] = 75
    registers[0xE1:0xE8] = struct.pack("<hBBBBb", 370, 0, 313 >> 4, 313 & 15 | (50 & 15) << 4, 50 >> 4, 30)
    for at, raw in ((0xF7, 415148), (0xFA, 519888)):
        registers[at:at + 3] = (raw << 4).to_bytes(3, "big")
    registers[0xFD:0xFF] = (28672).to_bytes(2, "big")

class SMBus:
    def __init__(self, _):
        pass
    def read_byte_data(self, _, register):
        return registers[register]
    def write_byte_data(self, _, register, value):
        registers[register] = value
PY
cat >"$work/read.py" <<'PY'
import smbus
from bme280 import bme280

def show(name):
    got = bme280.read_all()
    print(f"{name} {got.temperature:.2f} °C {got.pressure:.2f} hPa {got.humidity:.1f} %")

for t3 in (50, -1000):
    smbus.calibrate(t3)
    bme280.setup_run = False
    bme280.reset_calibration()
    bme280.full_setup(1, 0x76)
    show(f"dig_T3 {t3}:")
bme280.calibration_t[2] -= 65536
show("corrected:")
PY
PYTHONPATH=$work timeout 60 "$work/venv/bin/python" "$work/read.py" >"$work/read.seen"
# By Bosch's formula, with dig_T3 of 50 and of -1000.
calculated=$(awk 'BEGIN { raw = 519888; for (t3 = 50; t3 >= -1000; t3 -= 1050) {
  x = raw / 131072 - 27504 / 8192; printf "%.2f ", ((raw / 16384 - 27504 / 1024) * 26435 + x * x * t3) / 5120 } }')
seen "calculated by the datasheet, °C" "25.16 25.08 " "$calculated"
seen "read" "dig_T3 50: 25.16 °C 1006.65 hPa 48.7 %, dig_T3 -1000: 29.83 °C 1013.85 hPa 48.7 %, corrected: 25.08 °C 1006.53 hPa 48.7 %" "$(paste -sd, "$work/read.seen" | sed 's/,/, /g')"
exit "$differences"
