interface SwitchProps {
  readonly name: string;
  readonly isOn: boolean;
  readonly on: string;
  readonly off: string;
  readonly isDisabled?: boolean;
  readonly title?: string;
  onChange(on: boolean): void;
}

/** A switch with its position in words. */
export function Switch({ name, isOn, on, off, isDisabled = false, title, onChange }: SwitchProps) {
  return (
    <button
      type="button"
      role="switch"
      class="switch"
      aria-checked={isOn}
      aria-label={name}
      data-switch={name}
      disabled={isDisabled}
      title={title}
      onClick={() => onChange(!isOn)}
    >
      <i aria-hidden="true" />
      <span aria-hidden="true">
        {name} <em>{isOn ? on : off}</em>
      </span>
    </button>
  );
}
