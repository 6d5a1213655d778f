/*
 * The same program on several cores: a campaign is many jobs that know nothing of each other, and their numbers are handed to threads that run
 * this very program once more. Results come back in the order of the jobs, whoever is done first: what is made of them does not depend
 * on how many threads there are.
 */
import { availableParallelism } from "node:os";
import { isMainThread, parentPort, Worker } from "node:worker_threads";

/** A job, as a thread gets it. */
interface Given<P> {
  readonly job: number;
  readonly about: P;
}

/** A result that a thread sends back, or what its job threw. */
interface Done<R> {
  readonly job: number;
  readonly result?: R;
  readonly error?: unknown;
}

/** Cores that there are. */
export const CORES = availableParallelism();

export interface Jobs<P, R> {
  /** Numbers 0 to before this one. */
  readonly count: number;
  /** Threads; with 1, all is done in this one. */
  readonly workers: number;
  /** What a job is about. It goes to the thread, which knows nothing else of it (its command line is the same, but what is drawn is not). */
  about(job: number): P;
  /** Does a job. What goes in and what it returns is copied between threads: data, no functions. */
  run(about: P): R;
  /** Takes a result, in the order of the jobs; false: no more are wanted. */
  take(result: R, job: number): boolean;
}

/**
 * Does the jobs, and returns when the last result was taken. To be called at the top of a program; in its threads it serves, and does not return.
 * @throws what a job throws
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
    const waiting = new Map<number, Done<R>>(); // results that others come before
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
