/*
 * The voltage of the cells, where a board has a divider between them and an input that measures. Asked for when something is said of
 * it, and kept nowhere: it changes over weeks, and would cost each sample bytes of flash.
 * The input is shaped as ECMA-419, 2nd edition, clause 10 (Analog) has it, and as the SDK's `embedded:io/analog`.
 */

/** An analogue input: `read` gives 0 to 2^`resolution` - 1; undefined where the chip has failed. */
export interface Analog {
  /** Bits. */
  readonly resolution: number;
  read(): number | undefined;
  close(): void;
}

/** The class of an analogue input. @throws Error where there is none at the pin, or it is in use */
export type AnalogConstructor = new (options: { readonly pin: number }) => Analog;

/** What a board's manifest says of its divider. */
export interface BatteryWiring {
  /** Of the divider's middle. */
  readonly pin: number;
  /** Volts of the cells in a volt at the pin: (R1 + R2) / R2 for R1 above and R2 below it. */
  readonly ratio: number;
  /** Volts of the cells below which an update is not begun. Absent: at any it is. */
  readonly low?: number;
}

/** What a board that measures its cells gives to the firmware. */
export interface BatteryPort extends BatteryWiring {
  readonly io: AnalogConstructor;
  /** Volts at the pin of the highest value that is read. */
  readonly fullVolts: number;
}

/** The mean of so many: one alone is off by ten millivolts and more while the radio sends (ESP-IDF 6.0, "ADC Calibration Driver"). */
const READS = 8;

/** Volts of the cells now, to a hundredth; null: the input fails. It is open for no longer than this takes. */
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

/** Whether they may not last for an update. Not where the input fails: nothing is known then. */
export function isBatteryLow(port: BatteryPort): boolean {
  const { low = 0 } = port;
  return (batteryVolts(port) ?? low) < low;
}
