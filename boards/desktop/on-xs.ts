/*
 * `--engine xs`: the firmware of the desktop device runs on XS, the engine of the device, in a process beside this one;
 * parts, flash file, sockets and terminal stay here.
 */

import { FetchError, type Variant, type WorkerProgram, workerProgram } from "../../hosttest/engine/build.js";
import type { Board } from "../../src/board.js";
import { type FirmwareOnXS, type RunOnXSOptions, runOnXS } from "../xs/run.js";
import { UsageError } from "./options/options.js";

/** Starts the firmware in the other process. */
export interface Elsewhere {
  boot(): void;
  /** Wakes it from deep sleep. */
  wake(): void;
}

/**
 * Resolves once the firmware has booted. `events`: as of runOnXS.
 * @throws UsageError if this machine cannot build the engine
 */
export async function bootOnXS(
  board: Board,
  events: Required<Pick<RunOnXSOptions, "onReset" | "select" | "onDead">>,
): Promise<FirmwareOnXS> {
  const waiting = setTimeout(() => console.error("building the XS engine, once for this clone ..."), 500);
  const program = await programFor(board)
    .catch((error) => {
      throw error instanceof FetchError ? new UsageError(`--engine xs: ${error.message}`) : error;
    })
    .finally(() => clearTimeout(waiting));
  if (program.kind === "missing") {
    throw new UsageError(
      `--engine xs: ${program.why}; install one (Debian: apt-get install gcc libc6-dev), or leave --engine out`,
    );
  }
  const { variant } = program;
  return runOnXS({ board, variant, ...events, onTrouble: (text) => board.trace?.(text) });
}

/** With TLS if mbedTLS is installed; else without. @throws UsageError if the broker needs TLS and there is none */
async function programFor(board: Board): Promise<WorkerProgram & { readonly variant: Variant }> {
  const variant = "tls";
  const program = await workerProgram(variant);
  if (program.kind === "built") return { ...program, variant };
  if (board.overrides?.["mqtt.tls"] === "on")
    throw new UsageError(`--engine xs: ${program.why}, or leave --engine out, or use mqtt://`);
  return { ...(await workerProgram()), variant: "plain" };
}
