/* Before each test file of `npm test`: it needs Node alone, so that it runs on any machine, and none waits for another program. */
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
