/*
 * The prompt on a tty of the computer, given at build time: `mcconfig ... prompt=/path`. A pty made by
 * `socat pty,raw,echo=0,link=/tmp/prompt pty,raw,echo=0,link=/tmp/thermometer` joins the two names: the simulator opens one,
 * a terminal program the other.
 * The SDK's serial class on computers accepts whole ArrayBuffers of at most 1,024 bytes, one at a time, reads no views, and
 * ignores exceptions of callbacks. This class behaves as the device's.
 */
import SDKSerial from "embedded:io/serial";
import type { SerialCallbacks, SerialPort } from "../../src/console/port/serial.js";

const BAUD = 115_200;

/** The class of the computer, from its C source: the typings have the device's. */
type ComputerSerial = new (options: {
  device: unknown;
  baud: number;
  format: "buffer";
  onReadable(bytes: number): void;
  onWritable(bytes: number): void;
}) => { read(count: number): ArrayBuffer | undefined; write(bytes: ArrayBuffer): void; close(): void };

export class Prompt implements SerialPort {
  private readonly serial: InstanceType<ComputerSerial>;

  /** `device`: the tty. @throws Error if it cannot be opened */
  constructor(options: SerialCallbacks & Readonly<Record<string, unknown>>) {
    this.serial = new (SDKSerial as unknown as ComputerSerial)({
      device: options.device,
      baud: BAUD,
      format: "buffer",
      onReadable: (bytes) => notified(() => options.onReadable(bytes)),
      onWritable: (bytes) => notified(() => options.onWritable(bytes)),
    });
  }

  read(buffer: Uint8Array): number {
    const bytes = this.serial.read(buffer.length);
    if (bytes === undefined) return 0;
    buffer.set(new Uint8Array(bytes));
    return bytes.byteLength;
  }

  write(buffer: Uint8Array): void {
    this.serial.write(buffer.slice().buffer);
  }

  close(): void {
    this.serial.close();
  }
}

/** The SDK ignores exceptions here: prints them, so that bugs are seen. */
function notified(callback: () => void): void {
  try {
    callback();
  } catch (error) {
    trace(`prompt: ${error}\n`);
  }
}
