/*
 * The prompt's UART: the one given at build time, `mcconfig ... prompt=PORT,RECEIVE,TRANSMIT`, or else the first of the board's
 * list. In debug and instrumented builds the debugger uses that one; opening it throws, and the prompt moves to the next.
 * USB inside the chip (Serial/JTAG of C3 and S3) is not a UART: the SDK has no class for it.
 */
import Serial from "embedded:io/serial";
import type { SerialCallbacks, SerialPort } from "../../src/console/port/serial.js";

/** One UART and its pins. */
export interface UART {
  readonly port: number;
  readonly receive: number;
  readonly transmit: number;
}

const BAUD = 115_200;

/** The UARTs to try for the prompt, in this order. `given`: the option of mcconfig, if there is one. */
export function promptUARTs(given: unknown, usual: readonly UART[]): readonly UART[] {
  if (typeof given !== "string") return usual;
  const [port, receive, transmit] = given.split(",").map(Number);
  if ([port, receive, transmit].every(Number.isInteger)) return [{ port, receive, transmit }, ...usual];
  trace(`prompt=${given}: expected PORT,RECEIVE,TRANSMIT\n`);
  return usual;
}

export class Prompt implements SerialPort {
  private readonly serial: Serial;

  /** `uarts`: those of the board. @throws the error of the last one, if none can be opened */
  constructor({ uarts, ...callbacks }: SerialCallbacks & Readonly<Record<string, unknown>>) {
    this.serial = open(uarts as readonly UART[], callbacks as SerialCallbacks);
  }

  /** At most the bytes that `onReadable` announced: the SDK shortens a view to the available bytes. */
  read(buffer: Uint8Array): unknown {
    return this.serial.read(buffer);
  }

  write(buffer: Uint8Array): void {
    this.serial.write(buffer);
  }

  close(): void {
    this.serial.close();
  }
}

function open(uarts: readonly UART[], callbacks: SerialCallbacks): Serial {
  for (let i = 0; ; i++) {
    try {
      return new Serial({ baud: BAUD, ...uarts[i], ...callbacks });
    } catch (error) {
      if (i === uarts.length - 1) throw error;
    }
  }
}
