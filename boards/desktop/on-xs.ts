/*
 * `--engine xs`: the firmware of the desktop device runs on XS, the engine of the device, in a process beside this one;
 * parts, flash file, sockets and terminal stay here.
 */
import type { Board } from "../../src/board.js";
import { FetchError, workerProgram } from "../xs/engine/build.js";
import { runOnXS } from "../xs/run.js";
import { UsageError } from "./options/options.js";

/**
 * Resolves once the firmware has booted. `onReset`: it starts anew. `onDead`: the engine has ended by itself.
 * @throws UsageError if this machine cannot build the engine
 */
export async function bootOnXS(board: Board, onReset: () => void, onDead: () => void): Promise<void> {
  const waiting = setTimeout(() => console.error("building the XS engine, once for this clone ..."), 500);
  const program = await workerProgram()
    .catch((error) => {
      throw error instanceof FetchError ? new UsageError(`--engine xs: ${error.message}`) : error;
    })
    .finally(() => clearTimeout(waiting));
  if (program.kind === "missing") {
    throw new UsageError(
      `--engine xs: ${program.why}; install one (Debian: apt-get install gcc libc6-dev), or leave --engine out`,
    );
  }
  await runOnXS({ board, onReset, onDead, onTrouble: (text) => board.trace?.(text) });
}
