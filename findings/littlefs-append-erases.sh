#!/usr/bin/env bash
# littlefs (2.11, by littlefs-python 0.19.0): a synced append of 16 bytes erases a whole block and programs about 2 KB.
#
# Expected: littlefs presents itself as bounded in RAM, power-loss resilient and wear levelling for NOR flash, in part log-structured: 256 appends of 16 bytes, each
# synced so that it survives a power cut, fill one 4 KiB block, so about one or two erases for the data and some for the commits of the metadata, which are logs.
# Seen: 252 or more erases and over 500,000 bytes programmed for 4,096 bytes of payload. Only metadata is a log: file data are copy on write, so the next write after a
# sync copies the incomplete last block to a newly erased one (its DESIGN.md describes the CTZ list, not this cost). Without the sync it is 2 erases. A queue of
# readings needs a log below it, or records collected to a block before they are synced.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

pip_packages littlefs-python==0.19.0
cat >"$work/append.py" <<'PY'
import sys
from littlefs import LittleFS, lfs

class Nor:
    """1 MiB of NOR flash in blocks of 4 KiB that counts."""
    def __init__(self):
        self.cells, self.erases, self.programmed = bytearray(b"\xff" * 2**20), 0, 0
    def read(self, config, block, offset, size):
        at = block * 4096 + offset
        return self.cells[at : at + size]
    def prog(self, config, block, offset, data):
        at = block * 4096 + offset
        self.cells[at : at + len(data)] = data
        self.programmed += len(data)
        return 0
    def erase(self, config, block):
        self.cells[block * 4096 : (block + 1) * 4096] = b"\xff" * 4096
        self.erases += 1
        return 0
    def sync(self, config):
        return 0

def cost(synced):
    nor = Nor()
    fs = LittleFS(context=nor, block_size=4096, block_count=256, read_size=16, prog_size=16, cache_size=256)
    with fs.open("log", "wb") as file:
        file.write(bytes(10_000))
    erases, programmed = nor.erases, nor.programmed
    file = fs.open("log", "ab", buffering=0)
    for n in range(256):
        file.write(b"%016d" % n)
        if synced:
            lfs.file_sync(fs.fs, file.fh)
    file.close()
    assert fs.stat("log").size == 10_000 + 4096
    return nor.erases - erases, nor.programmed - programmed

(erases, programmed), (unsynced, _) = cost(True), cost(False)
print(f"{erases} erases, {programmed} bytes programmed; not synced: {unsynced} erases", file=sys.stderr)
print(f"an erase each: {erases >= 250}, over 500,000 bytes: {programmed > 500_000}, not synced at most 4 erases: {unsynced <= 4}")
PY
seen "256 synced appends of 16 bytes" "an erase each: True, over 500,000 bytes: True, not synced at most 4 erases: True" "$(timeout 60 "$work/venv/bin/python" "$work/append.py")"
exit "$differences"
