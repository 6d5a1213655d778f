/*
 * The plot: uPlot for axes and cursor; samples, outages and the two lanes below (taken, received, and a line from the one to the
 * other) are drawn on its canvas.
 */
import uPlot from "uplot";
import { fateOf, isLate } from "../../ledger.js";
import type { SampleRecord, Span } from "../../protocol.js";
import type { DeviceLive } from "../device-live.js";
import { colour, THEME_EVENT } from "../theme.js";

const HEIGHT = 300;
/** Share of the height for the lanes. */
const LANES = 0.3;
const MIN_SPREAD = 0.6;
const MIN_SPAN_MS = 45_000;
const MAX_POINTS = 4_000;
const AXIS_FONT = "12px system-ui, sans-serif";

const SHADES: Readonly<Record<Span["kind"], string>> = Object.freeze({
  wifi: "shade-outage",
  broker: "shade-outage",
  power: "shade-power",
  sleep: "shade-sleep",
  sensor: "shade-outage",
  time: "",
});
const NAMES: Readonly<Record<Span["kind"], string>> = Object.freeze({
  wifi: "no Wi-Fi",
  broker: "no broker",
  power: "no power",
  sleep: "sleep",
  sensor: "no sensor",
  time: "",
});

export class Plot {
  readonly #box: HTMLElement;
  readonly #uplot: uPlot;
  readonly #resize: ResizeObserver;
  readonly #onTheme = (): void => this.#uplot.redraw(true, true);
  #samples: readonly SampleRecord[] = [];
  #spans: readonly Span[] = [];
  #key = "value";

  constructor(box: HTMLElement) {
    this.#box = box;
    const axis = { stroke: () => colour("muted"), grid: { stroke: () => colour("grid"), width: 1 }, font: AXIS_FONT };
    this.#uplot = new uPlot(
      {
        width: box.clientWidth || 600,
        height: HEIGHT,
        legend: { show: false },
        cursor: { points: { show: false }, y: false, drag: { x: false, y: false } },
        scales: { x: { time: true }, y: { range: (_plot, low, high) => rangeOf(low, high) } },
        axes: [
          { ...axis, ticks: { show: false }, size: 30, space: 90, values: (_plot, ticks) => ticks.map(clock) },
          {
            ...axis,
            ticks: { show: false },
            size: 58,
            filter: (_plot, ticks) => ticks.map((tick) => this.#shown(tick)),
          },
        ],
        series: [{}, { stroke: () => colour("line"), width: 1.5, points: { show: false }, spanGaps: false }],
        hooks: { drawAxes: [() => this.#shade()], draw: [() => this.#draw()] },
      },
      [[], []],
      box,
    );
    this.#resize = new ResizeObserver(() => this.#uplot.setSize({ width: box.clientWidth, height: HEIGHT }));
    this.#resize.observe(box);
    addEventListener(THEME_EVENT, this.#onTheme);
  }

  /** `windowMs`: so much of the past; undefined: all. `key`: of the payload. */
  show({ ledger, spans }: DeviceLive, windowMs: number | undefined, key: string): void {
    const nowMs = Date.now();
    const fromMs = windowMs === undefined ? Number.NEGATIVE_INFINITY : nowMs - windowMs;
    const isIn = ({ takenMs, receivedMs }: SampleRecord): boolean =>
      takenMs !== undefined && Math.max(takenMs, receivedMs ?? 0) > fromMs;
    this.#samples = ledger.samples.filter(isIn).sort(byTime).slice(-MAX_POINTS);
    this.#spans = spans.filter(({ toMs, kind }) => (toMs ?? nowMs) > fromMs && SHADES[kind] !== "");
    this.#key = key;
    const first = Math.min(this.#samples[0]?.takenMs ?? nowMs, this.#spans[0]?.fromMs ?? nowMs, nowMs - MIN_SPAN_MS);
    this.#uplot.setData(this.#line(), false);
    const from = Math.max(fromMs, first);
    this.#uplot.setScale("x", { min: from / 1_000, max: nowMs / 1_000 });
  }

  /** Broken where there was no power. */
  #line(): [number[], (number | null)[]] {
    const breaks = this.#spans.filter(({ kind }) => kind === "power").map(({ fromMs }) => [fromMs, null] as const);
    const points = this.#samples.map(
      ({ takenMs, values }) => [takenMs as number, values?.[this.#key] ?? null] as const,
    );
    const all = [...points, ...breaks].sort(([one], [other]) => one - other);
    return [all.map(([ms]) => ms / 1_000), all.map(([, value]) => value)];
  }

  close(): void {
    removeEventListener(THEME_EVENT, this.#onTheme);
    this.#resize.disconnect();
    this.#uplot.destroy();
    this.#box.textContent = "";
  }

  /** Outages and sleep, below everything. */
  #shade(): void {
    const { ctx, bbox } = this.#uplot;
    const nowMs = Date.now();
    ctx.save();
    clip(ctx, bbox);
    ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.textAlign = "left";
    let row = 0;
    for (const { kind, fromMs, toMs } of this.#spans) {
      const from = this.#x(fromMs);
      const to = Math.max(from + 2, this.#x(toMs ?? nowMs));
      ctx.fillStyle = colour(SHADES[kind]);
      ctx.fillRect(from, bbox.top, to - from, bbox.height);
      if (to - from < 40 * devicePixelRatio) continue;
      ctx.fillStyle = colour("muted");
      ctx.fillText(NAMES[kind], from + 6 * devicePixelRatio, bbox.top + (14 + 13 * (row++ % 3)) * devicePixelRatio);
    }
    ctx.restore();
  }

  #draw(): void {
    const { ctx, bbox } = this.#uplot;
    const ratio = devicePixelRatio;
    const nowMs = Date.now();
    const lanes = bbox.top + bbox.height * (1 - LANES);
    const taken = lanes + 22 * ratio;
    const received = bbox.top + bbox.height - 12 * ratio;
    ctx.save();
    clip(ctx, bbox);
    ctx.lineWidth = ratio;
    rule(ctx, bbox.left, taken, bbox.width, colour("grid"));
    rule(ctx, bbox.left, received, bbox.width, colour("grid"));
    for (const sample of this.#samples) {
      const tint = colour(tintOf(sample, nowMs));
      this.#lane(sample, taken, received, tint);
      this.#point(sample, tint);
    }
    ctx.restore();
    ctx.save();
    ctx.fillStyle = colour("muted");
    ctx.font = `${11 * ratio}px system-ui, sans-serif`;
    ctx.textAlign = "right";
    ctx.fillText("taken", bbox.left - 6 * ratio, taken + 4 * ratio);
    ctx.fillText("received", bbox.left - 6 * ratio, received + 4 * ratio);
    ctx.restore();
  }

  /** From when it was taken to when it was received. */
  #lane({ takenMs, receivedMs }: SampleRecord, taken: number, received: number, tint: string): void {
    const { ctx } = this.#uplot;
    const ratio = devicePixelRatio;
    const from = this.#x(takenMs as number);
    ctx.strokeStyle = ctx.fillStyle = tint;
    ctx.fillRect(from - ratio, taken - 4 * ratio, 2 * ratio, 8 * ratio);
    if (receivedMs === undefined) return;
    const to = this.#x(receivedMs);
    ctx.globalAlpha = 0.55;
    ctx.beginPath();
    ctx.moveTo(from, taken + 4 * ratio);
    ctx.lineTo(to, received - 4 * ratio);
    ctx.stroke();
    ctx.globalAlpha = 1;
    ctx.fillRect(to - ratio, received - 4 * ratio, 2 * ratio, 8 * ratio);
  }

  /** Filled: at the subscriber. Hollow: not yet. */
  #point({ takenMs, receivedMs, values }: SampleRecord, tint: string): void {
    const value = values?.[this.#key];
    if (value === undefined) return;
    const { ctx } = this.#uplot;
    const ratio = devicePixelRatio;
    ctx.beginPath();
    ctx.arc(this.#x(takenMs as number), this.#uplot.valToPos(value, "y", true), 3.5 * ratio, 0, 2 * Math.PI);
    ctx.fillStyle = receivedMs === undefined ? colour("panel") : tint;
    ctx.strokeStyle = tint;
    ctx.lineWidth = 1.6 * ratio;
    ctx.fill();
    ctx.stroke();
  }

  /** The lanes have no values. */
  #shown(value: number): number | null {
    const { min = 0, max = 1 } = this.#uplot.scales.y;
    return value < min + (max - min) * LANES ? null : value;
  }

  #x(ms: number): number {
    return this.#uplot.valToPos(ms / 1_000, "x", true);
  }
}

function tintOf(sample: SampleRecord, nowMs: number): string {
  const fate = fateOf(sample, nowMs);
  if (fate === "delivered") return isLate(sample) ? "late" : "delivered";
  return fate === "lost" || fate === "deadLetter" || fate === "dropped" ? "lost" : "waiting";
}

/** Values stay above the lanes, and noise does not look like weather. */
function rangeOf(low: number, high: number): [number, number] {
  const [bottom, top] = Number.isFinite(low) && Number.isFinite(high) ? [low, high] : [20, 22];
  const spread = Math.max(top - bottom, MIN_SPREAD);
  const middle = (top + bottom) / 2;
  const above = (spread * 1.25) / (1 - LANES);
  const upper = middle + spread * 0.65;
  return [upper - above, upper];
}

function byTime(one: SampleRecord, other: SampleRecord): number {
  return (one.takenMs as number) - (other.takenMs as number);
}

function clock(seconds: number): string {
  return new Date(seconds * 1_000).toTimeString().slice(0, 8);
}

function clip(ctx: CanvasRenderingContext2D, { left, top, width, height }: uPlot.BBox): void {
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
}

function rule(ctx: CanvasRenderingContext2D, x: number, y: number, width: number, tint: string): void {
  ctx.fillStyle = tint;
  ctx.fillRect(x, y, width, devicePixelRatio);
}
