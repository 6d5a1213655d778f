#!/usr/bin/env bash
# improv-wifi-serial-sdk 2.8.1 ignores a frame that follows text on the same line.
#
# Expected: the format of Improv over serial begins each packet with the header IMPROV and a version byte, has a length and a checksum, and does not mention lines; a reader finds the header
# anywhere, since a console shares the port.
# Seen: a frame (current state, 0x02) at the beginning of the stream or after a line feed is reported. After "> ", the prompt of a console that waits for input, it is silently
# dropped: the SDK reads nine bytes after a line feed, and if they are not a header, discards all up to the next line feed. A frame after a frame needs no line feed.
# What to do: write a line feed before a frame.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

npm_packages improv-wifi-serial-sdk@2.8.1 esbuild@0.28.2
cat >"$work/npm/read.mjs" <<'JS'
import { ImprovSerial } from "improv-wifi-serial-sdk/dist/serial.js";
const frame = (() => {
  const bytes = [..."IMPROV"].map((c) => c.charCodeAt(0)).concat(1, 1, 1, 2);
  return Uint8Array.from([...bytes, bytes.reduce((sum, byte) => sum + byte, 0) & 255]);
})();
const said = (text) => new TextEncoder().encode(text);
const silent = { debug() {}, log() {}, error() {} };
async function states(...parts) {
  const readable = new ReadableStream({
    start(stream) {
      for (const part of parts) stream.enqueue(part);
      stream.close();
    },
  });
  const sdk = new ImprovSerial({ readable, writable: new WritableStream() }, silent);
  let count = 0;
  sdk.addEventListener("state-changed", () => count++);
  const ended = new Promise((done) => sdk.addEventListener("disconnect", done));
  sdk.initialize(20_000).catch(() => {}); // it reads in there; without an answer to its question it fails later
  await ended;
  return count;
}
console.log(`alone ${await states(frame)}, after a line ${await states(said("a line\n"), frame)}, two ${await states(frame, frame)}, behind a prompt ${await states(said("> "), frame)}, prompt and line feed ${await states(said("> \n"), frame)}`);
process.exit();
JS
cd "$work/npm"
node_modules/.bin/esbuild read.mjs --bundle --platform=node --format=esm --outfile=bundle.mjs --log-level=error
seen "frames reported" "alone 1, after a line 1, two 2, behind a prompt 0, prompt and line feed 1" "$(timeout 60 node bundle.mjs)"
exit "$differences"
