import { steps } from "./steps.js";
import type { Tour } from "./tour.js";

/** The current step of the tour, in one sentence. */
export function TourBar({ tour }: { tour: Tour }) {
  const { step, isDone } = tour;
  if (step === undefined && !isDone) return null;
  const at = step ?? steps.length - 1;
  return (
    <section class="tour" aria-label="Tour" data-tour={isDone ? "done" : at + 1}>
      <ol aria-hidden="true">
        {steps.map((_, n) => (
          <li key={n} class={n < at || isDone ? "past" : n === at ? "now" : ""} />
        ))}
      </ol>
      <p role="status">
        <b>
          {at + 1} of {steps.length}
        </b>{" "}
        {steps[at].says}
      </p>
      {isDone ? (
        <button type="button" class="small" onClick={() => tour.close()}>
          Close
        </button>
      ) : null}
    </section>
  );
}
