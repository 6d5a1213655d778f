import { useMemo, useState } from "preact/hooks";
import type { BlockView } from "../../protocol.js";
import type { DeviceLive } from "../device-live.js";
import { bytes, count, years } from "../format.js";

/** Erases that a block of NOR flash endures, by the datasheets. */
const ENDURANCE = 100_000;
const YEAR_MS = 365.25 * 86_400_000;
const ENTRY_BYTES = 8; // a reading in a short frame
const HEAD_BYTES = 48;

/** The outbox, block by block. */
export function FlashPanel({ device }: { device: DeviceLive }) {
  const { blocks, flash } = device;
  const [chosen, choose] = useState<number>();
  const open = blocks.find(({ state }) => state === "open");
  const shown = (chosen === undefined ? undefined : blocks[chosen]) ?? open ?? blocks[0];
  const cells = useMemo(
    () => blocks.map((block) => <Cell key={block.block} block={block} isShown={block === shown} />),
    [blocks, shown],
  );
  const move = (event: KeyboardEvent): void => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -32, ArrowDown: 32 }[event.key];
    if (event.key === "Escape") choose(undefined);
    if (step === undefined || shown === undefined) return;
    event.preventDefault();
    choose(Math.min(blocks.length - 1, Math.max(0, shown.block + step)));
  };
  return (
    <section class="panel flash" aria-label="The outbox in flash">
      <div class="bar">
        <h3>Flash</h3>
        <ul class="legend">
          <li class="clean">erased</li>
          <li class="open">open</li>
          <li class="full">full</li>
          <li class="spent">to be erased</li>
        </ul>
      </div>
      <div
        class="map"
        role="application"
        aria-label={`${flash.blocks} blocks of flash; arrow keys choose one, Escape goes back to the open one`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a map that arrow keys walk
        tabIndex={0}
        onKeyDown={move}
        onMouseMove={({ target }) => {
          const { block } = (target as HTMLElement).dataset;
          if (block !== undefined) choose(Number(block));
        }}
        onMouseLeave={() => choose(undefined)}
      >
        {cells}
      </div>
      {shown === undefined ? null : <Block block={shown} inFlight={flash.inFlight} />}
      <Wear device={device} />
    </section>
  );
}

interface CellProps {
  readonly block: BlockView;
  readonly isShown: boolean;
}

function Cell({ block: { block, state, usedBytes, queued, released }, isShown }: CellProps) {
  const used = Math.round((usedBytes / 4_096) * 100);
  const waits = queued + released > 0 ? "waits" : "";
  return (
    <i
      class={`${state} ${waits} ${isShown ? "shown" : ""}`}
      style={state === "open" ? `--used: ${Math.max(6, used)}%` : undefined}
      data-block={block}
    />
  );
}

const STATES = Object.freeze({
  clean: "erased, ready",
  open: "open: the next entry is written here",
  full: "full, with entries that wait",
  spent: "all settled: to be erased",
  torn: "left by a cut: to be erased",
});

/** Entries by state, in their order in the block. */
function Block({ block, inFlight }: { block: BlockView; inFlight: readonly number[] }) {
  const { state, erases, queued, released, done, first, last, records, usedBytes } = block;
  const flying = new Set(inFlight);
  let seq = (first ?? 0) - 1;
  const cells = [...records].map((record) => {
    if (record !== "n") seq++;
    return record === "o" && flying.has(seq) ? "f" : record;
  });
  const free = state === "open" ? Math.floor((4_096 - Math.max(usedBytes, HEAD_BYTES)) / ENTRY_BYTES) : 0;
  return (
    <div class="block">
      <p role="status">
        <b>Block {block.block}</b>, {STATES[state]}; erased {count(erases)}×, {bytes(usedBytes)} used
        {first === undefined ? "" : `; entries ${count(first)} to ${count(last ?? first)}`}
      </p>
      <div class="records" aria-hidden="true">
        {cells.map((record, at) => (
          <i key={at} class={record} />
        ))}
        {free > 0 ? <span>{count(free)} more fit</span> : null}
      </div>
      <ul class="legend entries">
        <li class="o">queued {count(queued)}</li>
        <li class="f">in flight {count(inFlight.length)}</li>
        <li class="r">released {count(released)}</li>
        <li class="d">done {count(done)}</li>
      </ul>
    </div>
  );
}

/** The cost of a sample, and how long the flash lasts at this rate. */
function Wear({ device: { flash, state, blocks } }: { device: DeviceLive }) {
  const { taken, intervalMs } = state;
  if (taken === 0) return <p class="says">nothing written yet</p>;
  // Until a block has been filled, the entries for each erase are estimated.
  const perBlock = (4_096 - HEAD_BYTES) / ENTRY_BYTES;
  const erasesEach = Math.max(flash.erases / taken, 0) || 1 / perBlock;
  const settled = taken >= perBlock ? erasesEach : 1 / perBlock;
  const worn = Math.max(0, ...blocks.map(({ erases }) => erases));
  const left = (flash.blocks * (ENDURANCE - worn) * (intervalMs / settled)) / YEAR_MS;
  return (
    <dl class="wear">
      <div>
        <dt>programmed</dt>
        <dd>{(flash.programmedBytes / taken).toFixed(1)} B a sample</dd>
      </div>
      <div>
        <dt>erases</dt>
        <dd>
          {count(flash.erases)}
          {taken < perBlock ? "" : `, one in ${count(Math.round(taken / Math.max(1, flash.erases)))} samples`}
        </dd>
      </div>
      <div>
        <dt>life</dt>
        <dd>{years(left)} at this pace</dd>
      </div>
    </dl>
  );
}
