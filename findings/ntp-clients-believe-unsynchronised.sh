#!/usr/bin/env bash
# ntplib 0.4.0 (PyPI), ntp-client 0.5.3 and ntp-time 2.1.1 (npm) accept the time from a server that reports that it is not synchronised; sntp 3.0.2 (npm) marks such an answer as valid.
#
# Expected: an answer with leap indicator 3 is "clock not synchronised" (RFC 5905, figure 9), and stratum 0 in an answer is no time but a code (section 7.4), stratum 16
# "unsynchronised"; the packet checks of RFC 5905 (sections 7.3, 8) refuse such a header as that of a server that is not synchronised. A chrony without
# sources sends such answers, with the time of its clock: here three weeks back.
# Seen: ntplib gives the offset of minus three weeks, and tx_time, without an error; ntp-client gives the wrong Date and hides leap indicator and stratum; so does ntp-time's `time`;
# sntp refuses stratum 16, and has isValid true at stratum 0, with leapIndicator "alarm". What to do: check leap indicator and stratum in the caller, or use a client that does.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

pip_packages ntplib==0.4.0
npm_packages ntp-client@0.5.3 ntp-time@2.1.1 sntp@3.0.2
cat >"$work/server.py" <<'PY'
import socket, struct, sys, time
stratum = int(sys.argv[2])
server = socket.socket(type=socket.SOCK_DGRAM)
server.bind(("127.0.0.1", int(sys.argv[1])))
print("ready", flush=True)
while True:
    asked, sender = server.recvfrom(512)
    now = time.time() - 21 * 86400 + 2208988800
    stamp = struct.pack(">II", int(now), int(now % 1 * 2**32))
    # leap indicator 3, version 4, mode 4 (server); reference time stamp 0: never set
    head = struct.pack(">BBbbIII", 3 << 6 | 4 << 3 | 4, stratum, 6, -20, 0, 0x10000, 0)
    server.sendto(head + bytes(8) + asked[40:48] + stamp + stamp, sender)
PY
cat >"$work/ntplib-ask.py" <<'PY'
import sys, ntplib
answer = ntplib.NTPClient().request("127.0.0.1", port=int(sys.argv[1]), timeout=10)
print(f"{round(answer.offset / 86400)} days, no error")
PY
cat >"$work/npm/ask.mjs" <<'JS'
const [name, port] = process.argv.slice(2);
const days = (time) => `${Math.round((time - Date.now()) / 86_400_000)} days, no error`;
const ask = {
  "ntp-client": async () => {
    const { default: client } = await import("ntp-client");
    return days(await new Promise((done, failed) => client.getNetworkTime("127.0.0.1", Number(port), (error, date) => (error ? failed(error) : done(date)))));
  },
  "ntp-time": async () => {
    const { Client } = await import("ntp-time");
    return days((await new Client("127.0.0.1", Number(port), { timeout: 10_000 }).syncTime()).time);
  },
  sntp: async () => {
    const { default: sntp } = await import("sntp");
    const { t, isValid, leapIndicator } = await sntp.time({ host: "127.0.0.1", port: Number(port), timeout: 10_000 });
    return `${Math.round(t / 86_400_000)} days, isValid ${isValid}, ${leapIndicator}`;
  },
}[name];
console.log(await ask().catch((error) => `error: ${error.message}`));
process.exit();
JS
for stratum in 0 16; do
  port=$(free_port udp)
  background "server-$stratum" python3 -u "$work/server.py" "$port" "$stratum"
  for _ in $(seq 1 100); do
    grep -qs ready "$work/server-$stratum.log" && break
    sleep 0.1
  done
  seen "ntplib, leap indicator 3, stratum $stratum" "-21 days, no error" "$(timeout 30 "$work/venv/bin/python" "$work/ntplib-ask.py" "$port")"
  for client in ntp-client ntp-time; do
    seen "$client, leap indicator 3, stratum $stratum" "-21 days, no error" "$(timeout 30 node "$work/npm/ask.mjs" "$client" "$port")"
  done
  then="-21 days, isValid true, alarm"
  [[ $stratum == 0 ]] || then="error: Invalid server response"
  seen "sntp, leap indicator 3, stratum $stratum" "$then" "$(timeout 30 node "$work/npm/ask.mjs" sntp "$port")"
done
exit "$differences"
