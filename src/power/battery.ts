/*
 * The battery's voltage, on a board with a voltage divider and an analogue input. It is measured when it is needed and not
 * stored: it changes over weeks, and would cost each sample bytes of flash. The input has the shape of ECMA-419, 2nd edition,
 * clause 10 (Analog), and of the SDK's `embedded:io/analog`.
 */

/** An analogue input: `read` returns 0 to 2^`resolution` - 1; undefined if the chip has failed. */
export interface Analog {
  /** Bits. */
  readonly resolution: number;
  read(): number | undefined;
  close(): void;
}

/** The class of an analogue input. @throws Error if the pin has none, or it is in use */
export type AnalogConstructor = new (options: { readonly pin: number }) => Analog;

/** The divider, as described in a board's manifest. */
export interface BatteryWiring {
  /** At the divider's middle. */
  readonly pin: number;
  /** Volts of the battery per volt at the pin: (R1 + R2) / R2 for R1 above and R2 below it. */
  readonly ratio: number;
  /** Battery voltage below which no update begins. Absent: it begins at any. */
  readonly low?: number;
}

/** What a board that measures its battery supplies to the firmware. */
export interface BatteryPort extends BatteryWiring {
  readonly io: AnalogConstructor;
  /** Volts at the pin for the highest value. */
  readonly fullVolts: number;
}

/**
 * Number of reads for the mean: a single one is off by ten millivolts and more while the radio sends (ESP-IDF 6.0, "ADC
 * Calibration Driver").
 */
const READS = 8;

/** The battery's voltage now, to a hundredth; null: the input fails. The input is only open during this call. */
export function batteryVolts({ io, pin, ratio, fullVolts }: BatteryPort): number | null {
  let input: Analog | undefined;
  try {
    input = new io({ pin });
    let sum = 0;
    for (let n = 0; n < READS; n++) sum += input.read() ?? Number.NaN;
    const volts = (sum / READS / (2 ** input.resolution - 1)) * fullVolts * ratio;
    return volts >= 0 ? Math.round(volts * 100) / 100 : null;
  } catch {
    return null;
  } finally {
    input?.close();
  }
}

/** Whether the battery may be too low for an update. False if the input fails, because then nothing is known. */
export function isBatteryLow(port: BatteryPort): boolean {
  const { low = 0 } = port;
  return (batteryVolts(port) ?? low) < low;
}
