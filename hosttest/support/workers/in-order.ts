/*
 * Runs a campaign on several cores. A campaign consists of independent jobs; their numbers are given to threads that run the same program.
 * Results are returned in the order of the jobs, so that the outcome does not depend on the number of threads.
 */
import { availableParallelism } from "node:os";
import { isMainThread, parentPort, Worker } from "node:worker_threads";

/** A job for a thread. */
interface Given<P> {
  readonly job: number;
  readonly about: P;
}

/** A thread's result, or its job's exception. */
interface Done<R> {
  readonly job: number;
  readonly result?: R;
  readonly error?: unknown;
}

/** Number of cores. */
export const CORES = availableParallelism();

export interface Jobs<P, R> {
  /** Number of jobs: they are numbered from 0. */
  readonly count: number;
  /** Number of threads; with 1, this thread runs all jobs. */
  readonly workers: number;
  /** The job's data. It is copied to the thread, which has the same command line, but other random numbers. */
  about(job: number): P;
  /** Executes a job. Its argument and result are copied between threads: data, no functions. */
  run(about: P): R;
  /** Receives a result, in the order of the jobs. Returns false if no more are wanted. */
  take(result: R, job: number): boolean;
}

/**
 * Executes the jobs, and returns after the last result. To be called at the top of a program; in its threads it serves jobs, and does not return.
 * @throws the exception of a job
 */
export async function inOrder<P, R>(jobs: Jobs<P, R>): Promise<void> {
  if (!isMainThread) {
    await serve(jobs);
    return;
  }
  if (jobs.workers === 1 || jobs.count === 1) {
    for (let job = 0; job < jobs.count; job++) if (!jobs.take(jobs.run(jobs.about(job)), job)) return;
    return;
  }
  const threads = Array.from({ length: Math.min(jobs.workers, jobs.count) }, () => {
    return new Worker(new URL(import.meta.url), { argv: process.argv.slice(2), stderr: true });
  });
  try {
    await distribute(jobs, threads);
  } finally {
    for (const thread of threads) await thread.terminate();
  }
}

function serve<P, R>({ run }: Jobs<P, R>): Promise<never> {
  parentPort?.on("message", ({ job, about }: Given<P>) => {
    let done: Done<R>;
    try {
      done = { job, result: run(about) };
    } catch (error) {
      done = { job, error };
    }
    parentPort?.postMessage(done);
  });
  return new Promise(() => {});
}

function distribute<P, R>({ count, about, take }: Jobs<P, R>, threads: readonly Worker[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const waiting = new Map<number, Done<R>>(); // results that wait for earlier ones
    let given = 0;
    let taken = 0;
    const give = (thread: Worker): void => {
      if (given === count) return;
      thread.postMessage({ job: given, about: about(given) } satisfies Given<P>);
      given++;
    };
    for (const thread of threads) {
      thread.on("error", reject);
      thread.on("message", (done: Done<R>) => {
        waiting.set(done.job, done);
        give(thread);
        for (let next = waiting.get(taken); next !== undefined; next = waiting.get(taken)) {
          waiting.delete(taken);
          if (next.error !== undefined) return reject(next.error);
          if (!take(next.result as R, taken++) || taken === count) return resolve();
        }
      });
      give(thread);
    }
  });
}
