#!/usr/bin/env bash
# littlefs-python 0.19.0: after `flush()` the file is empty in the image, and there is no `fsync`.
#
# Expected: flushed data reach the file system; a Python program then calls os.fsync(file.fileno()) if they must survive a power cut (Python's documentation of
# os.fsync). littlefs writes at lfs_file_sync and lfs_file_close, so a file object for it has to map flush, or an fsync of its own, to lfs_file_sync.
# Seen: 160 bytes are written and flushed; an image taken then, as a power cut would leave it, holds a file of 0 bytes. `fileno` is not supported, so fsync cannot be called. The low-level
# littlefs.lfs.file_sync(fs.fs, file.fh), on a file opened with buffering=0 (or on its `raw`), stores them. What to do: call that, or close after each record.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

pip_packages littlefs-python==0.19.0
cat >"$work/flush.py" <<'PY'
from littlefs import LittleFS, lfs

SHAPE = {"block_size": 4096, "block_count": 64}
fs = LittleFS(**SHAPE)

def size_after_power_cut():
    other = LittleFS(**SHAPE, mount=False)
    other.context.buffer = bytearray(fs.context.buffer)
    other.mount()
    return other.stat("log").size

with fs.open("log", "wb"):
    pass
file = fs.open("log", "ab")
for n in range(10):
    file.write(b"%016d" % n)
    file.flush()
flushed = size_after_power_cut()
try:
    file.fileno()
    numbered = "a file number"
except OSError:
    numbered = "no file number"
lfs.file_sync(fs.fs, file.raw.fh)
print(f"flushed: {flushed} bytes, {numbered}; lfs.file_sync: {size_after_power_cut()} bytes")
PY
seen "160 bytes written" "flushed: 0 bytes, no file number; lfs.file_sync: 160 bytes" "$(timeout 60 "$work/venv/bin/python" "$work/flush.py")"
exit "$differences"
