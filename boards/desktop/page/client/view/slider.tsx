interface SliderProps {
  readonly name: string;
  readonly unit: string;
  readonly lowest: number;
  readonly highest: number;
  readonly step: number;
  readonly value: number;
  /** It is held; else it wanders. */
  readonly isHeld: boolean;
  onChange(value: number | undefined): void;
}

/** A quantity of the air: dragged, or left to wander. */
export function Slider({ name, unit, lowest, highest, step, value, isHeld, onChange }: SliderProps) {
  const shown = value.toFixed(1);
  return (
    <div class="slider">
      <label>
        <span>
          {name} <b>{shown}</b> {unit}
        </span>
        <input
          type="range"
          min={lowest}
          max={highest}
          step={step}
          value={value}
          aria-valuetext={`${shown} ${unit}`}
          data-slider={name}
          onInput={({ currentTarget }) => onChange(currentTarget.valueAsNumber)}
        />
      </label>
      <button
        type="button"
        class="small quiet"
        disabled={!isHeld}
        title={`let the ${name} wander by itself`}
        onClick={() => onChange(undefined)}
      >
        {isHeld ? "let it wander" : "wanders"}
      </button>
    </div>
  );
}
