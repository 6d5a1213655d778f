/*
 * The panel beside the simulated device: what its controls say, and what is reported to it. The panel itself is
 * device/thermometer.js, which the simulator runs in a machine of its own; the two exchange JSON texts.
 */

/** What the panel sends: a control was moved. The panel says the position of all once it hears `started`. */
export interface Controls {
  /** Slider, °C. */
  readonly celsius?: number;
  /** The access point is on the air. */
  readonly wifi?: boolean;
  /** The sensor is plugged in. */
  readonly sensor?: boolean;
  /** The button: power goes now, or during the next write to flash. */
  readonly cut?: "now" | "write";
}

/** What the panel shows. */
export interface View {
  readonly started?: true;
  /** The power is gone: the panel starts the machine again. */
  readonly off?: true;
  /** Why the machine cannot run: it is not started again. */
  readonly fault?: string;
  readonly room?: string;
  /** Readings that wait for the broker. */
  readonly waiting?: number;
  /** The last reading that was taken, °C. */
  readonly taken?: number;
  /** The last value that the broker has acknowledged, as published. */
  readonly published?: string;
  readonly link?: string;
  readonly broker?: string;
  readonly sensor?: string;
}

/** The simulator's global; absent outside of it. */
declare const screen: { onMessage: (message: string) => void; postMessage(message: string): void };

/** Calls `onControls` whenever a control is moved. */
export function listen(onControls: (controls: Controls) => void): void {
  screen.onMessage = (message) => onControls(JSON.parse(message));
}

export function show(view: View): void {
  screen.postMessage(JSON.stringify(view));
}
