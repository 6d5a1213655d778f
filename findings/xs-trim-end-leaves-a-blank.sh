#!/usr/bin/env bash
# XS 13.3 (@agoric/xsnap 0.15.0): String.prototype.trimEnd leaves one space of a string of only spaces.
#
# Expected: "   ".trimEnd() is "", as "   ".trim() and "   ".trimStart() are (ECMA-262 §22.1.3.34).
# Seen: " ", and of a tab alone the tab. A string with any other character is trimmed correctly. So a test for "only spaces" by trimEnd is never true, and a row of a
# screen that was cut to its text is one column wide. What to do: use trim(), if leading spaces do not matter.
# Needs a C compiler and make: the worker is built from the sources in the package.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT
. support/xs.bash

# The worker takes scripts as netstrings on descriptor 3. What a script throws comes back on 4, after a "!": so it is made to throw what it found.
cat >"$work/trim.mjs" <<'JS'
import { spawn } from "node:child_process";

const script = 'throw new Error(JSON.stringify(["   ".trimEnd(), "\\t".trimEnd(), "   ".trim(), "   ".trimStart(), " a  ".trimEnd()]))';
const worker = spawn(process.argv[2], ["trim"], { stdio: ["ignore", "ignore", "inherit", "pipe", "pipe"] });
let received = "";
worker.stdio[4].on("data", (bytes) => {
  received += bytes;
  const found = /\[".*\]/.exec(received);
  if (found === null) return;
  console.log(found[0]);
  worker.kill();
});
worker.stdio[3].write(`${script.length + 1}:e${script},`);
JS
seen "trimEnd of blanks, of a tab; trim, trimStart of blanks; trimEnd of a word" '[" ","\t","",""," a"]' "$(timeout 300 node "$work/trim.mjs" "$worker")"
exit "$differences"
