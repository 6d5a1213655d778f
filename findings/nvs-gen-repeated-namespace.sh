#!/usr/bin/env bash
# esp-idf-nvs-partition-gen 0.3.0: keys below a namespace line that occurs for the second time are written to another namespace, without a warning.
#
# Expected: a namespace line holds for all lines below it, until the next one (ESP-IDF's guide to the NVS partition generator); so a file may come back to a namespace, and two files for one partition
# may both have keys of it (`generate FIRST.csv SECOND.csv ...`).
# Seen: where the namespace is already in the image, no second entry for it is made, as is right; but the keys go to the namespace that was made last. Here `channel` of `wifi` lies in `sensor`, where
# the firmware does not look: nvs_get_u8 of it on `wifi` does not find it. A key of the same name that is already in `sensor` is there twice, with two values. Through the Python module it is right if
# write_entry is given get_namespace_idx() each time. What to do: all keys of a namespace together, in one file.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

pip_packages esp-idf-nvs-partition-gen==0.3.0
cat >"$work/look.py" <<'PY'
"""The keys of an image with their namespaces, as ESP-IDF's guide to NVS describes a page: two bits for each entry (2 is written), then entries of 32 bytes."""
import sys
image = open(sys.argv[1], "rb").read()
namespaces, found = {}, []
for page in range(0, len(image), 4096):
    at = 0
    while at < 126:
        if image[page + 32 + at // 4] >> at % 4 * 2 & 3 != 2:
            break
        entry = image[page + 64 + 32 * at:][:32]
        key = entry[8:24].rstrip(b"\0").decode()
        if entry[0] == 0:
            namespaces[entry[24]] = key
        else:
            found.append((entry[0], key, int.from_bytes(entry[24:24 + (entry[1] & 15)], "little")))
        at += entry[2]
print(" ".join(f"{namespaces[space]}/{key}={value}" for space, key, value in found))
PY
image() { # CSV...
  "$work/venv/bin/python" -m esp_idf_nvs_partition_gen generate "$@" "$work/image.bin" 0x4000 >"$work/generate.log" || { cat "$work/generate.log" >&2; return 2; }
  "$work/venv/bin/python" "$work/look.py" "$work/image.bin"
}
csv() { # NAME LINE...
  local name=$1
  shift
  printf '%s\n' key,type,encoding,value "$@" >"$work/$name.csv"
}
csv factory wifi,namespace,, country,data,u8,49 sensor,namespace,, interval,data,u8,60 channel,data,u8,2
csv home wifi,namespace,, channel,data,u8,6
seen "two files" "wifi/country=49 sensor/interval=60 sensor/channel=2 sensor/channel=6" "$(image "$work/factory.csv" "$work/home.csv")"
csv back wifi,namespace,, country,data,u8,49 sensor,namespace,, interval,data,u8,60 wifi,namespace,, channel,data,u8,6
seen "one file that comes back" "wifi/country=49 sensor/interval=60 sensor/channel=6" "$(image "$work/back.csv")"
csv together wifi,namespace,, country,data,u8,49 channel,data,u8,6 sensor,namespace,, interval,data,u8,60
seen "all keys of a namespace together" "wifi/country=49 wifi/channel=6 sensor/interval=60" "$(image "$work/together.csv")"
exit "$differences"
