/*
 * The outbox's figures, from the log and from the head of every block.
 */
import type { Statistics } from "./events.js";
import type { Log } from "./log.js";

/** `skipped`: numbers used up and not written yet. `endurance`: erases that a block is good for. */
export function measure(log: Log, skipped: number, endurance: number): Statistics {
  const { counters, marks, blocks, medium, number } = log;
  const erases = wear(log);
  return {
    entries: counters.entries,
    bytesUsed: blocks.live * medium.blockLength,
    oldestSequence: marks.tail < number ? marks.tail : undefined,
    nextSequence: number + skipped,
    dropped: counters.dropped,
    refused: counters.refused + skipped,
    damaged: counters.damaged,
    tornRecords: log.torn,
    flashFailures: medium.failures,
    blocks: blocks.count,
    blocksUsed: blocks.live,
    erases,
    lifeLeft: Math.max(0, 1 - erases.max / endurance),
  };
}

function wear(log: Log): { min: number; max: number; mean: number } {
  const { count } = log.blocks;
  let min = Number.POSITIVE_INFINITY;
  let max = 0;
  let sum = 0;
  for (let block = 0; block < count; block++) {
    const erases = log.erasesOf(block);
    if (erases < min) min = erases;
    if (erases > max) max = erases;
    sum += erases;
  }
  return { min, max, mean: sum / count };
}
