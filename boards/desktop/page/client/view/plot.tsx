import { useEffect, useRef, useState } from "preact/hooks";
import { csvOf } from "../../ledger.js";
import type { DeviceLive } from "../device-live.js";
import { Plot } from "../drawing/plot.js";

const MINUTE_MS = 60_000;
const WINDOWS = Object.freeze([
  { name: "2 min", ms: 2 * MINUTE_MS },
  { name: "10 min", ms: 10 * MINUTE_MS },
  { name: "1 h", ms: 60 * MINUTE_MS },
  { name: "all", ms: undefined },
]);
const QUANTITIES = Object.freeze([
  { key: "value", name: "temperature" },
  { key: "humidity", name: "humidity" },
]);

/** Taken against received, on one time axis. */
export function PlotPanel({ device }: { device: DeviceLive }) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot>(undefined);
  const [windowMs, setWindow] = useState<number | undefined>(WINDOWS[0].ms);
  const [key, setKey] = useState("value");
  useEffect(() => {
    const made = new Plot(box.current as HTMLDivElement);
    plot.current = made;
    return () => made.close();
  }, []);
  useEffect(() => plot.current?.show(device, windowMs, key));
  const hasHumidity = device.ledger.newest?.values?.humidity !== undefined;
  return (
    <section class="panel plot" aria-label="Samples taken and received">
      <div class="bar">
        <h3>Taken and received</h3>
        <Legend />
        <fieldset class="choice" aria-label="Time shown">
          {WINDOWS.map(({ name, ms }) => (
            <button type="button" key={name} aria-pressed={ms === windowMs} onClick={() => setWindow(ms)}>
              {name}
            </button>
          ))}
        </fieldset>
        {hasHumidity ? (
          <fieldset class="choice" aria-label="Quantity">
            {QUANTITIES.map(({ key: one, name }) => (
              <button type="button" key={one} aria-pressed={one === key} onClick={() => setKey(one)}>
                {name}
              </button>
            ))}
          </fieldset>
        ) : null}
        <button type="button" class="small" data-do="csv" onClick={() => save(device)}>
          CSV
        </button>
      </div>
      <div class="canvas" ref={box} role="img" aria-label={described(device)} />
    </section>
  );
}

function Legend() {
  return (
    <ul class="legend">
      <li class="delivered">received at once</li>
      <li class="late">received late</li>
      <li class="waiting">waits in flash</li>
      <li class="outage">outage</li>
      <li class="power">no power</li>
      <li class="sleep">sleep</li>
    </ul>
  );
}

function described({ counts }: DeviceLive): string {
  return `Plot: ${counts.taken} samples taken, ${counts.delivered} received, ${counts.late} of them late, ${counts.waiting} waiting.`;
}

function save({ ledger, state }: DeviceLive): void {
  const url = URL.createObjectURL(new Blob([csvOf(ledger.samples)], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `${state.room}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1_000);
}
