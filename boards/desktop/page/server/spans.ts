/*
 * Periods of a device's outages, cuts and sleep.
 */
import type { Span } from "../protocol.js";

const MAX_KEPT = 1_000;

export class Spans {
  readonly #onSpan: (span: Span) => void;
  readonly #open = new Map<Span["kind"], Span>();
  readonly #all: Span[] = [];

  constructor(onSpan: (span: Span) => void) {
    this.#onSpan = onSpan;
  }

  get all(): readonly Span[] {
    return this.#all;
  }

  begin(kind: Span["kind"]): void {
    if (this.#open.has(kind)) return;
    const span = { kind, fromMs: Date.now() };
    this.#open.set(kind, span);
    this.#all.push(span);
    if (this.#all.length > MAX_KEPT) this.#all.shift();
    this.#onSpan({ ...span });
  }

  end(kind: Span["kind"]): void {
    const span = this.#open.get(kind);
    if (span === undefined) return;
    this.#open.delete(kind);
    span.toMs = Date.now();
    this.#onSpan({ ...span });
  }

  set(kind: Span["kind"], is: boolean): void {
    if (is) this.begin(kind);
    else this.end(kind);
  }
}
