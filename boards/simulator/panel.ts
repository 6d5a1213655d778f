/*
 * The panel beside the simulated device: the messages of its controls, and the reports to it. The panel itself is
 * device/thermometer.js, which the simulator runs in a separate machine; the two exchange JSON texts.
 */

/** Message of the panel: a control was moved. After `started`, the panel sends all positions that are known. */
export interface Controls {
  /** Slider, °C. */
  readonly celsius?: number;
  /** Slider, relative humidity in percent. */
  readonly percent?: number;
  /** The access point is on the air. */
  readonly wifi?: boolean;
  /** The sensors, both of them, are plugged in. */
  readonly sensor?: boolean;
  /** The device's button: wakes it from deep sleep. */
  readonly button?: true;
  /** Cuts the power now, or during the next write to flash. (The panel itself stops the machine for "now", and does not send it.) */
  readonly cut?: "now" | "write";
}

/** Reports to the panel. */
export interface View {
  readonly started?: true;
  /** The power was cut: the panel starts the machine again. */
  readonly off?: true;
  /** Deep sleep, for so many milliseconds, unless the button is pressed; 0: it is awake. */
  readonly asleep?: number;
  /** Why the machine cannot run; it is not started again. */
  readonly fault?: string;
  readonly room?: string;
  /** Readings that wait for the broker. */
  readonly waiting?: number;
  /** The temperature of the last sample that was taken, °C; NaN (in JSON null) if it had none. */
  readonly taken?: number;
  /** The humidity of the same sample, percent; NaN (in JSON null) if it had none. */
  readonly humidity?: number;
  /** The last sample that the broker has acknowledged, as a person reads it. */
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
