/*
 * The common part of drivers that exchange bytes with their chip (the TMP117 has registers of 16 bits instead): the bus, opened
 * for one address; the texts of faults; and `sample()`, which takes one step of the subclass per call. Never waits, has no
 * timer. A failed step cancels the measurement.
 * Source: ECMA-419 §10.4 (I2C), §14 (Sensor Class Pattern).
 */
import { chipAt, noAnswer, SensorError } from "../fault.js";
import { BUS_HZ, type SensorOptions, type SMBus } from "../io.js";

/** An open driver. `S`: its samples. */
export abstract class Chip<S> {
  /** Name and address, as faults name them. */
  protected readonly where: string;
  private readonly onError: ((error: Error) => void) | undefined;
  private io: SMBus | undefined;

  /**
   * Opens the bus. Subclasses identify their chip in their own constructor, with `orClose`.
   * @param address of the chip, unless the options contain another one
   * @throws the exceptions of the io class for its options
   */
  protected constructor(name: string, options: SensorOptions, address: number) {
    const sensor = { hz: BUS_HZ, address, ...options.sensor };
    this.where = chipAt(name, sensor.address);
    this.onError = options.onError;
    this.io = new options.sensor.io(sensor);
  }

  /** Nothing to configure. */
  configure(_options: object): void {}

  /**
   * One step; undefined: call again after `conversionMs`. Returns the same object each time.
   * @throws SensorError noAnswer, badChecksum, lostPower, unless there is an `onError`
   */
  sample(): S | undefined {
    try {
      return this.advance();
    } catch (error) {
      this.restart();
      if (this.onError === undefined || !(error instanceof SensorError)) throw error;
      this.onError(error);
      return undefined;
    }
  }

  /** Releases the bus. The chip sleeps once its conversion is done. */
  close(): void {
    this.io?.close();
    this.io = undefined;
  }

  /** The next step. */
  protected abstract advance(): S | undefined;
  /** The next step begins a conversion. */
  protected abstract restart(): void;

  /** Runs `identify`; if that throws, the bus is closed. */
  protected orClose(identify: () => void): void {
    try {
      identify();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** @throws SensorError noAnswer */
  protected write(bytes: Uint8Array): void {
    const io = this.open();
    try {
      io.write(bytes);
    } catch (error) {
      throw noAnswer(this.where, error);
    }
  }

  /** Fills `bytes`. @throws SensorError noAnswer */
  protected read(bytes: Uint8Array): void {
    const io = this.open();
    try {
      io.read(bytes);
    } catch (error) {
      throw noAnswer(this.where, error);
    }
  }

  /** Fills `bytes` if the chip acknowledges: some do not while they measure. The caller counts the attempts and reports a missing chip. */
  protected tryRead(bytes: Uint8Array): boolean {
    const io = this.open();
    try {
      io.read(bytes);
      return true;
    } catch {
      return false;
    }
  }

  protected wrongChip(what: string): SensorError {
    return new SensorError("wrongChip", this.where, `${what}: set \`sensor\` to the chip that is there`);
  }

  protected badChecksum(): SensorError {
    const what = "sent a wrong checksum: shorten its wires, or give them stronger pull-ups";
    return new SensorError("badChecksum", this.where, what);
  }

  private open(): SMBus {
    if (this.io === undefined) throw new Error(`${this.where} is closed`);
    return this.io;
  }
}
