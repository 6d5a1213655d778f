/* The outbox's statistics, from the log alone: the mount has read the wear of the blocks. */

import type { Log } from "./blocks/log.js";
import type { Statistics } from "./queue/events.js";

/** `skipped`: numbers used up and not written yet. `endurance`: erases that a block endures. */
export function measure(log: Log, skipped: number, endurance: number): Statistics {
  const { counters, marks, blocks, medium, number } = log;
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
    erases: { max: log.erasesMax, mean: log.erasesSum / blocks.count },
    lifeLeft: Math.max(0, 1 - log.erasesMax / endurance),
  };
}
