/*
 * Any sensor driver of the Moddable SDK, as an entry of the driver table. In a board, which imports the SDK's class:
 *
 *   drivers: [adapt("BMP280", BMP280, { addresses: [0x76, 0x77], measures: [measureOf("temperature"), measureOf("pressure")] })]
 *
 * The SDK's drivers handle errors differently: some throw, some call `onError` and remain unusable, some throw and leave the
 * bus open, which makes its address unusable until the next boot. Adapted, they all either open, or throw and leave nothing
 * open.
 */
import { channels } from "../channels/channels.js";
import type { Identity, OpenOptions, SensorDriver } from "./drivers.js";
import { asError, chipAt, noAnswer, SensorError } from "./fault.js";
import { type BusOptions, busOptions, type Sensor, type SensorPort, type SMBus } from "./io.js";
import { type Measure, measureAt } from "./measure.js";

/** A driver of the SDK: `sample()` returns `{temperature}` or `{thermometer: {temperature}}`, among other things. */
export type SDKDriver = new (options: {
  sensor: BusOptions & { io: new (options: BusOptions) => SMBus };
  onError?: (error: unknown) => void;
}) => {
  configure?(options: object): void;
  sample(): unknown;
  close(): void;
};

/** What the table needs to know about a driver. */
export interface AdaptOptions {
  /** Where the chip can be, the likeliest address first. */
  readonly addresses: readonly number[];
  /** Milliseconds between two calls of a driver that returns undefined; default 0: it waits by itself. */
  readonly conversionMs?: number;
  /** As in the driver table. Default: every channel, with unknown accuracy; channels without a value in the samples are left out. */
  readonly measures?: readonly Measure[];
  /** As in the driver table; default "sure". */
  readonly identity?: Identity;
  /** Passed to the driver's `configure` once it is open. */
  readonly configure?: object;
}

/** An entry of the driver table for a driver of the SDK. `name`: as in the setting `sensor`. */
export function adapt(name: string, Driver: SDKDriver, options: AdaptOptions): SensorDriver {
  const { addresses, conversionMs = 0, measures = anyMeasures, identity = "sure", configure } = options;
  return {
    name,
    addresses,
    conversionMs,
    measures,
    identity,
    open: (port, address, { onError }) =>
      new Adapted(Driver, port, chipAt(name, address), address, { onError, configure }),
  };
}

/** All channels. */
const anyMeasures: readonly Measure[] = Object.freeze(channels.map((_, channel) => measureAt(channel)));

class Adapted implements Sensor {
  private readonly where: string;
  private readonly onError: OpenOptions["onError"];
  private readonly opened: SMBus[] = []; // opened by the driver, which may not close them
  private driver: InstanceType<SDKDriver> | undefined;
  private complaint: unknown;

  constructor(
    Driver: SDKDriver,
    port: SensorPort,
    where: string,
    address: number,
    { onError, configure }: { onError: OpenOptions["onError"]; configure: object | undefined },
  ) {
    this.where = where;
    this.onError = onError;
    try {
      const sensor = { ...busOptions(port, address), io: this.recording(port.io) };
      this.driver = new Driver({ sensor, onError: this.complain });
      if (this.complaint !== undefined) throw this.complaint;
      if (configure !== undefined) this.driver.configure?.(configure);
    } catch (error) {
      this.close();
      throw answers(port, address) ? this.fault(error) : noAnswer(where, error);
    }
  }

  configure(options: object): void {
    this.driver?.configure?.(options);
  }

  /** As the driver's own; its exceptions and reported errors are thrown. */
  sample(): object | undefined {
    if (this.driver === undefined) throw new Error(`${this.where} is closed`);
    this.complaint = undefined;
    try {
      const sample = this.driver.sample();
      if (this.complaint !== undefined) throw this.complaint;
      return sample as object | undefined; // the sampler checks its content
    } catch (error) {
      const fault = this.fault(error);
      if (this.onError === undefined) throw fault;
      this.onError(fault);
      return undefined;
    }
  }

  close(): void {
    try {
      this.driver?.close();
    } catch {
      // The SDK's TMP117 accesses its chip here, which may be missing. What matters is that the bus is released.
    }
    this.driver = undefined;
    this.opened.forEach((io) => io.close());
    this.opened.length = 0;
  }

  private readonly complain = (error: unknown): void => {
    this.complaint = error ?? "failed";
  };

  private fault(error: unknown): Error {
    return new SensorError("driver", this.where, `failed: ${asError(error).message}`, error);
  }

  private recording(io: new (options: BusOptions) => SMBus): new (options: BusOptions) => SMBus {
    const opened = this.opened;
    return class extends io {
      constructor(options: BusOptions) {
        super(options);
        opened.push(this);
      }
    };
  }
}

/** Whether anything acknowledges at the address, because a failed driver's error does not distinguish a wrong chip from a missing one. */
function answers(port: SensorPort, address: number): boolean {
  const io = new port.io(busOptions(port, address));
  try {
    io.read(new Uint8Array(1));
    return true;
  } catch {
    return false;
  } finally {
    io.close();
  }
}
