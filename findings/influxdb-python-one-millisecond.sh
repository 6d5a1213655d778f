#!/usr/bin/env bash
# Two Python clients of InfluxDB write one in eight times one millisecond early at a precision of milliseconds: influxdb-client 1.50.0 (2.x), influxdb3-python 0.21.0 (3.x).
#
# Expected: a datetime with a whole number of milliseconds is written as exactly that number. "Specify timestamp for DataPoint with declared precision" (docstring of Point.time); the
# only loss that the README names is below a microsecond, which a datetime does not have anyway. The 1.x client, influxdb 5.3.2, is exact.
# Seen: of 10,000 points that are one millisecond apart 1,250 are one millisecond early, and so have the time of the point before: with the same series InfluxDB keeps one of the two.
# At microseconds it is 1 in 64. Seconds and nanoseconds are exact. The cause (read in the source): the nanoseconds are divided as a binary fraction, and the result is cut off.
# An import that is repeated with another client, or with integers, adds points beside the old ones instead of replacing them.
# What to do: give the time as an integer, `round(when.timestamp() * 1000)`, or write nanoseconds.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

pip_packages influxdb-client==1.50.0 influxdb3-python==0.21.0 influxdb==5.3.2
cat >"$work/times.py" <<'PY'
import sys
from datetime import datetime, timedelta, timezone
import influxdb.line_protocol as one
import influxdb_client as two
import influxdb_client_3 as three

START = datetime(2026, 3, 1, tzinfo=timezone.utc)
COUNT = 10_000
STEPS = {"ms": (timedelta(milliseconds=1), 1_000), "us": (timedelta(microseconds=1), 1_000_000)}

def point(library):
    return lambda when, unit: library.Point("m").field("t", 21.5).time(when, unit).to_line_protocol()

def first(when, unit):
    return one.make_lines({"points": [{"measurement": "m", "fields": {"t": 21.5}, "time": when}]}, precision=unit.replace("us", "u"))

write = {"influxdb": first, "influxdb-client": point(two), "influxdb3-python": point(three)}[sys.argv[1]]
for unit, (step, a_second) in STEPS.items():
    written = [int(write(START + n * step, unit).split()[-1]) for n in range(COUNT)]
    off = [time - int(START.timestamp()) * a_second - n for n, time in enumerate(written)]
    print(f"{unit}: {COUNT - off.count(0)} wrong, by {min(off)} to {max(off)}, {len(set(written))} different", end="; " if unit == "ms" else "\n")
PY
exact="ms: 0 wrong, by 0 to 0, 10000 different; us: 0 wrong, by 0 to 0, 10000 different"
early="ms: 1250 wrong, by -1 to 0, 8750 different; us: 156 wrong, by -1 to 0, 9844 different"
seen "influxdb 5.3.2, 10000 points one step apart" "$exact" "$("$work/venv/bin/python" "$work/times.py" influxdb)"
seen "influxdb-client 1.50.0" "$early" "$("$work/venv/bin/python" "$work/times.py" influxdb-client)"
seen "influxdb3-python 0.21.0" "$early" "$("$work/venv/bin/python" "$work/times.py" influxdb3-python)"
exit "$differences"
