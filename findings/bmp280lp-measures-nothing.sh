#!/usr/bin/env bash
# bmp280lp 0.1.6: with its own example, with its default mode, and always with a BME280, every reading is the same plausible temperature, which was never measured or is that of the start.
#
# Expected: `read_temperature()` gives the temperature at the time of the call. The example in the README makes an object with its mode and oversampling, calls `device_reset()`, waits a second,
# and reads; the arguments may be left out, too.
# Seen, on a chip simulated by Bosch's datasheets: the reset puts the chip to sleep and clears what the constructor had set, so the result register keeps its reset value 0x80000, which is no
# measurement, but converts to 26.5 °C with the datasheet's calibration. The default, FORCED_MODE, measures once, in the constructor. For a BME280 the humidity's oversampling is written to the register of
# the mode (0xF4 instead of 0xF2), which switches temperature and pressure off. Only a BMP280 in NORMAL_MODE without the reset is read well.
# What to do: that, or another driver; and an alarm if a value stays the same for hours.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

pip_packages bmp280lp==0.1.6 smbus2==0.6.1
cat >"$work/chip.py" <<'PY'
"""A room that cools down by five degrees from one reading to the next; prints the readings of each way to use the driver."""
import bmp280lp.bmp280lp as module

# The calibration of the example in the BMP280's datasheet (3.12).
T1, T2, T3 = 27504, 26435, -1000
PRESSURE = [36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000]
SKIPPED = 0x80000

def raw(celsius):
    """The converter's value, by bisection of the datasheet's formula."""
    low, high = 0, 1 << 20
    while high - low > 1:
        at = (low + high) // 2
        x = at / 131072 - T1 / 8192
        low, high = (at, high) if (x * 8 * T2 + x * x * T3) / 5120 <= celsius else (low, at)
    return low

class Chip:
    """The BMP280 (0x58) or BME280 (0x60) as an SMBus: power-on, sleep, forced and normal mode, and skipped measurements."""
    kind = 0x58
    celsius = 20.0

    def __init__(self, port):
        self.reset()

    def reset(self):
        self.control, self.result = 0, SKIPPED

    def measure(self):
        self.result = raw(self.celsius) if self.control >> 5 else SKIPPED

    def write_byte_data(self, address, register, value):
        if register == 0xE0 and value == 0xB6:
            self.reset()
        elif register == 0xF4:
            self.control = value
            if value & 3 in (1, 2):
                self.measure()
                self.control &= ~3

    def read_byte_data(self, address, register):
        assert register == 0xD0
        return self.kind

    def read_word_data(self, address, register):
        return [T1, T2, T3, *PRESSURE][(register - 0x88) // 2] & 0xFFFF

    def read_i2c_block_data(self, address, register, count):
        if self.control & 3 == 3:
            self.measure()
        assert (register, count) == (0xFA, 3)
        return list((self.result << 4).to_bytes(3, "big"))

module.SMBus = Chip
module.sleep = lambda seconds: None

def three(name, reset=False, **settings):
    Chip.celsius = 20.0
    sensor = module.BMP280(**settings)
    if reset:
        sensor.device_reset()
    values = []
    for Chip.celsius in (15.0, 10.0, 5.0):
        values.append(f"{sensor.read_temperature():.1f}")
    print(name, *values, end="; ")

NORMAL = {"mode": module.BMP280.NORMAL_MODE, "oversampling_t": module.BMP280.OVERSAMPLING_T_x2}
three("normal", **NORMAL)
three("README", reset=True, **NORMAL)
three("default")
Chip.kind = 0x60
three("BME280", **NORMAL)
PY
seen "room at 15, 10 and 5 °C (20 at the start)" "normal 15.0 10.0 5.0; README 26.5 26.5 26.5; default 20.0 20.0 20.0; BME280 26.5 26.5 26.5; " "$("$work/venv/bin/python" "$work/chip.py")"
exit "$differences"
