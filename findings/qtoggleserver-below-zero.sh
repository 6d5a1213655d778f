#!/usr/bin/env bash
# qtoggleserver-dallastemp 1.4.0, the DS18B20 driver of qToggleServer: below 0 °C it returns the last temperature that was not negative.
#
# Expected: -1.25 °C is read as -1.2 (the port is declared with MIN = -55 and rounds to tenths), as 1.25 °C is 1.2; if a file cannot be understood, an error or None.
# Seen: with the kernel's `t=-1250` the port has the value of the last file with `t=` and a digit; before the first one None. Nothing is logged. In frost the last value above zero stays, as if it were
# measured at each poll, so that a frost alarm never comes. Cause: the pattern for the number has no sign. What to do: no use of it outdoors or for freezers; the kernel's file `temperature` beside
# `w1_slave` has the number alone, for a driver of one's own. Needs Python 3.11.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

pip_packages qtoggleserver==0.32.0 qtoggleserver-dallastemp==1.4.0
cat >"$work/frost.py" <<'PY'
"""A folder as Linux has it under /sys/bus/w1/devices, with one sensor; prints what the driver makes of each temperature."""
import asyncio, os, pathlib, sys
from qtoggleserver.dallastemp import DallasTemperatureSensor
from qtoggleserver.lib import onewire

onewire.W1_DEVICES_PATH = sys.argv[1]
file = pathlib.Path(sys.argv[1], "28-0123456789ab", "w1_slave")
file.parent.mkdir(parents=True)

def scratchpad(celsius):
    """The datasheet's nine bytes with their CRC, and the kernel's text for them."""
    data = [*(round(celsius * 16) & 0xFFFF).to_bytes(2, "little"), 75, 70, 127, 255, 12, 16]
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8C if crc & 1 else 0)
    head = bytes([*data, crc]).hex(" ")
    return f"{head} : crc={crc:02x} YES\n{head} t={round(celsius * 1000)}\n"

async def main():
    sensor = DallasTemperatureSensor(name="outside", address="28-0123456789AB", params={})
    for celsius in (-2, 1.25, 0.5, -0.5, -1.25, -18, 2):
        file.write_text(scratchpad(celsius))
        await sensor.poll()
        print(celsius, "->", sensor.get_temp(), end="; ")
    sys.stdout.flush()
    os._exit(0)  # the driver's thread would keep the program

asyncio.run(main())
PY
seen "temperature and value" "-2 -> None; 1.25 -> 1.2; 0.5 -> 0.5; -0.5 -> 0.5; -1.25 -> 0.5; -18 -> 0.5; 2 -> 2.0; " "$("$work/venv/bin/python" "$work/frost.py" "$work/devices")"
exit "$differences"
