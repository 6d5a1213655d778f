/*
 * Simulated cells behind a voltage divider, and the analogue input at its middle, in ECMA-419's shape (clause 10), with 12 bits as on an ESP32.
 */

const BITS = 12;
const HIGHEST = 2 ** BITS - 1;
const FULL_VOLTS = 2.45;

/** The rest of the board's circuit. */
export interface CellsOptions {
  readonly volts: number;
  /** The cells' voltage divided by that at the input. Default 2: two equal resistors. */
  readonly ratio?: number;
  /** Volts below which no update is started. Default: none. */
  readonly low?: number;
}

interface Input {
  readonly resolution: number;
  read(): number | undefined;
  close(): void;
}

/** The cells. Their voltage may be set at any time; NaN: the input fails. */
export class Cells {
  volts: number;
  /** The io class for the firmware. */
  readonly port: {
    readonly io: new (options: { readonly pin: number }) => Input;
    readonly pin: number;
    readonly ratio: number;
    readonly low: number | undefined;
    readonly fullVolts: number;
  };
  /** How often the input was opened, and how often it is open now. */
  opened = 0;
  open = 0;

  constructor({ volts, ratio = 2, low }: CellsOptions) {
    const cells = this;
    this.volts = volts;
    const io = class implements Input {
      readonly resolution = BITS;
      constructor(_options: { readonly pin: number }) {
        cells.opened++;
        cells.open++;
      }
      read(): number | undefined {
        const value = Math.round((cells.volts / ratio / FULL_VOLTS) * HIGHEST);
        return Number.isNaN(value) ? undefined : Math.min(HIGHEST, value);
      }
      close(): void {
        cells.open--;
      }
    };
    this.port = { io, pin: 0, ratio, low, fullVolts: FULL_VOLTS };
  }
}
