/* For in-order.test.ts: jobs of which the first takes longest. Arguments: number of threads; the job that throws; the last job wanted. */
import { inOrder } from "./in-order.js";

const [workers, throwing, last] = process.argv.slice(2).map(Number);
const drawn = Math.floor(Math.random() * 1e9); // random numbers differ between threads
try {
  await inOrder({
    count: 6,
    workers,
    about: (job) => ({ job, drawn }),
    run: (about) => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, about.job === 0 ? 200 : 1);
      if (about.job === throwing) throw new Error(`job ${about.job} failed`);
      return about;
    },
    take: (result, job) => {
      console.log(job, result.job, result.drawn === drawn);
      return job !== last;
    },
  });
} catch (error) {
  console.log(`${error}`);
}
