/* Before each test file of `npm test`: makes it fail if it starts another program, because `npm test` needs only Node. */
import childProcess from "node:child_process";
import { syncBuiltinESMExports } from "node:module";

function refuse(): never {
  throw new Error("this test starts a program: list its file in hosttest/support/vitest/programs.ts");
}

Object.assign(childProcess, {
  spawn: refuse,
  spawnSync: refuse,
  exec: refuse,
  execFile: refuse,
  execFileSync: refuse,
  fork: refuse,
});
syncBuiltinESMExports();
