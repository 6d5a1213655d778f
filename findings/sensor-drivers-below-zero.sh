#!/usr/bin/env bash
# Below 0 °C, five Python drivers return a temperature that is far off or positive, without an error: circuitpython-tmp112x 0.1.0, circuitpython-stts22h 0.1.1, am2320-driver 0.1.2, dht11 0.1.0,
# adafruit-circuitpython-dht 4.0.12 (with a DHT11; a DHT22 is right).
#
# Expected: -10.5 °C is read as -10.5. TMP112 and STTS22H give two's complement; AM2320 and DHT22 a magnitude whose top bit is the sign; the DHT11 that Aosong makes today (-20 to 60 °C) tenths whose
# top bit is the sign (datasheets).
# Seen: tmp112x subtracts the sign twice (-266.5), stts22h and am2320-driver ignore it (644.86 and 3287.3), dht11 adds it to the tenths (23.3), and adafruit-circuitpython-dht drops it (10.5). At 10.5
# °C all are right. What the two drivers of the DHT11 return looks like mild weather. What to do: with tmp112x, add 256 to what is below -128; with stts22h, subtract 655.36 from what is above 327;
# with am2320-driver, take 3276.8 minus what is above 3276; no DHT11 outdoors or in freezers. Try each sensor in a freezer once.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

pip_packages adafruit-circuitpython-register==1.13.0 adafruit-circuitpython-busdevice==5.2.17 Adafruit-Blinka==10.0.0 smbus2==0.4.3
# Without what they need on a Raspberry Pi only.
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps circuitpython-tmp112x==0.1.0 circuitpython-stts22h==0.1.1 am2320-driver==0.1.2 dht11==0.1.0 adafruit-circuitpython-dht==4.0.12
cat >"$work/pins.py" <<'PY'
"""A pin on which a DHT11 or DHT22 answers with five bytes: for RPi.GPIO as levels, for pulseio as times in microseconds. Stands in for both modules."""
import sys, types

frame = []

def bits():
    data = [*frame, sum(frame) & 255]
    return [byte >> at & 1 for byte in data for at in range(7, -1, -1)]

class PulseIn:
    def __init__(self, *_, **__):
        self.pulses = []
    def __len__(self):
        return len(self.pulses)
    def pause(self):
        pass
    clear = deinit = pause
    def resume(self, *_):
        self.pulses = [time for bit in bits() for time in (50, 70 if bit else 26)]
    def popleft(self):
        return self.pulses.pop(0)

class GPIO(types.ModuleType):
    OUT, IN, LOW, HIGH, PUD_UP = 1, 0, 0, 1, 22
    levels = []
    def setup(self, _, direction, *__):
        if direction == self.IN:
            self.levels = [1, *[0] * 8, *[1] * 8, *[0] * 5, *(level for bit in bits() for level in (*[1] * (7 if bit else 3), *[0] * 5))]
    def output(self, *_):
        pass
    def input(self, _):
        return self.levels.pop(0) if self.levels else 1

def module(name, **values):
    sys.modules[name] = made = types.ModuleType(name)
    made.__dict__.update(values)
    return made

sys.modules["RPi.GPIO"] = GPIO("RPi.GPIO")
module("RPi", GPIO=sys.modules["RPi.GPIO"])
module("pulseio", PulseIn=PulseIn)
module("digitalio", DigitalInOut=None, Direction=None, Pull=None)
PY
cat >"$work/frost.py" <<'PY'
"""Each chip at 10.5 °C and at -10.5 °C; prints what the driver reads."""
import sys
import pins
import adafruit_dht, dht11
from adafruit_bus_device.i2c_device import I2CDevice
from am2320_driver import am2320
from i2c import Bus
from stts22h import STTS22H
from tmp112x import TMP112x

def with_registers(registers):
    return Bus(lambda register, count: registers[register][:count], registers.__setitem__)

def tmp112(celsius):
    word = (round(celsius * 16) << 4 & 0xFFFF).to_bytes(2, "big")
    return TMP112x(I2CDevice(with_registers({0: word, 1: b"\x60\xa0"}), 0x48)).get_temperature()

def stts22(celsius):
    low, high = (round(celsius * 100) & 0xFFFF).to_bytes(2, "little")
    return STTS22H(with_registers({1: b"\xa0", 4: b"\0", 6: bytes([low]), 7: bytes([high])})).temperature

def tenths(celsius):
    return [*(round(abs(celsius) * 10) | (0x8000 if celsius < 0 else 0)).to_bytes(2, "big")]

def am2320_at(celsius):
    class Chip:
        def __init__(self, _):
            pass
        def write_i2c_block_data(self, *_):
            pass
        def read_i2c_block_data(self, address, register, count):
            return [3, 4, 0x01, 0xF4, *tenths(celsius)][:count]
    am2320.SMBus = Chip
    return am2320.AM2320().get_humi_temp()[1]

def dht22(celsius):
    pins.frame[:] = [0x01, 0xF4, *tenths(celsius)]
    return adafruit_dht.DHT22(None).temperature

def dht11_frame(celsius):
    whole, tenth = divmod(round(abs(celsius) * 10), 10)
    pins.frame[:] = [50, 0, whole, tenth | (0x80 if celsius < 0 else 0)]

def adafruit_dht11(celsius):
    dht11_frame(celsius)
    return adafruit_dht.DHT11(None).temperature

def plain_dht11(celsius):
    dht11_frame(celsius)
    got = dht11.DHT11(4).read()
    assert got.is_valid() and got.humidity == 50
    return got.temperature

for name, read in (("tmp112x", tmp112), ("stts22h", stts22), ("am2320-driver", am2320_at), ("dht11", plain_dht11), ("adafruit DHT11", adafruit_dht11), ("adafruit DHT22", dht22)):
    print(f"{name} {read(10.5):g} {read(-10.5):g}")
PY
PYTHONPATH=support:$work timeout 120 "$work/venv/bin/python" "$work/frost.py" | grep -v '^WARNING' >"$work/frost.seen" # Blinka warns that this is no board
seen "10.5 and -10.5 °C read as" "tmp112x 10.5 -266.5, stts22h 10.5 644.86, am2320-driver 10.5 3287.3, dht11 10.5 23.3, adafruit DHT11 10.5 10.5, adafruit DHT22 10.5 -10.5" \
  "$(paste -sd, "$work/frost.seen" | sed 's/,/, /g')"
exit "$differences"
