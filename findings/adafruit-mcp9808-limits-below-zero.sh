#!/usr/bin/env bash
# adafruit-circuitpython-mcp9808 3.3.32: a limit of -5 °C is set to -251 °C, so that a frost alarm never comes, and a freezer's alarm never ends.
#
# Expected: `lower_temperature = -5` writes the chip's two's complement (datasheet of the MCP9808, registers T_UPPER, T_LOWER and T_CRIT), in which `temperature` is read well; `below_lower` is True under it.
# Seen: the driver writes the magnitude with the sign bit. Limits from 0 up are right. A limit of -5 is read back as -251; at -12 °C `below_lower` is False. With `upper_temperature = -15`, which
# becomes -241, `above_upper` is True at -20 °C already, and so is the chip's alert pin. The temperature itself is right. What to do: add 512 to a limit below zero; 507 gives the bits of -5.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

pip_packages adafruit-circuitpython-mcp9808==3.3.32 adafruit-circuitpython-register==1.13.0 adafruit-circuitpython-busdevice==5.2.17 Adafruit-Blinka==10.0.0
cat >"$work/chip.py" <<'PY'
"""The chip: limits as written, and with each temperature the flags that its comparators give for them."""
from adafruit_mcp9808 import MCP9808
from i2c import Bus

registers = {1: 0, 2: 0, 3: 0, 4: 0, 6: 0x0054, 7: 0x0400, 8: 0x0300}
ambient = 0

def sixteenths(register):
    value = registers[register] & 0x1FFC
    return value - 0x2000 if value & 0x1000 else value

def read(register, count):
    value = registers.get(register)
    if register == 5:
        at = round(ambient * 16)
        flags = (at >= sixteenths(4)) << 15 | (at > sixteenths(2)) << 14 | (at < sixteenths(3)) << 13
        value = flags | at & 0x1FFF
    return value.to_bytes(2, "big")[:count]

def write(register, data):
    registers[register] = int.from_bytes(data, "big")

driver = MCP9808(Bus(read, write))
for name, limit, flag, ambient in (("lower", 5, "below_lower", 3), ("lower", -5, "below_lower", -12), ("lower", 507, "below_lower", -12), ("upper", -15, "above_upper", -20)):
    setattr(driver, f"{name}_temperature", limit)
    print(f"{name} {limit} is {getattr(driver, f'{name}_temperature'):g}: at {driver.temperature:g} {flag} is {getattr(driver, flag)}", end="; ")
PY
seen "limits and flags" "lower 5 is 5: at 3 below_lower is True; lower -5 is -251: at -12 below_lower is False; lower 507 is -5: at -12 below_lower is True; upper -15 is -241: at -20 above_upper is True; " \
  "$(PYTHONPATH=support "$work/venv/bin/python" "$work/chip.py")"
exit "$differences"
