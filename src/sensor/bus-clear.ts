/*
 * Frees an I2C bus whose data line is held low by a chip: after an interrupted read, the chip waits for the remaining clocks
 * for ever. Nine clocks complete any byte and its acknowledge; a STOP then makes the chip release the line. It needs both pins
 * for itself: no I2C object may be open. Source: NXP UM10204 (I2C specification), §3.1.16.
 */
import { SensorError } from "./fault.js";
import type { Digital, DigitalConstructor, Pin, SensorPort } from "./io.js";

const CLOCKS = 9; // eight bits and an acknowledge

/**
 * Checks the data line, and frees it by clocks if it is low. This takes microseconds and needs no waits, because the calls
 * themselves are slower than half a period of the slowest bus.
 * @returns whether the line was low
 * @throws SensorError busStuck if the line stays low
 */
export function clearBus(port: SensorPort & { readonly digital: DigitalConstructor }): boolean {
  const { digital, data, clock } = port;
  if (isHigh(digital, data)) return false;
  const clockPin = new digital({ pin: clock, mode: digital.OutputOpenDrain, initialValue: 1 });
  try {
    pulseUntilFree(digital, data, clockPin);
  } finally {
    clockPin.close();
  }
  if (!isHigh(digital, data)) {
    const what =
      "has its data line held low: look for a short circuit, then disconnect the sensor's power for a moment";
    throw new SensorError("busStuck", busOf(port), what);
  }
  return true;
}

/** `I2C bus (data 21, clock 22)`. */
export function busOf(port: { readonly data: Pin; readonly clock: Pin }): string {
  return `I2C bus (data ${port.data}, clock ${port.clock})`;
}

function pulseUntilFree(digital: DigitalConstructor, data: Pin, clockPin: Digital): void {
  const dataPin = new digital({ pin: data, mode: digital.InputPullUp });
  try {
    for (let clocks = 0; clocks < CLOCKS && dataPin.read() === 0; clocks++) {
      clockPin.write(0);
      clockPin.write(1);
    }
  } finally {
    dataPin.close();
  }
  stop(digital, data);
}

/** STOP: data rises while the clock is high. */
function stop(digital: DigitalConstructor, data: Pin): void {
  const dataPin = new digital({ pin: data, mode: digital.OutputOpenDrain, initialValue: 0 });
  dataPin.write(0);
  dataPin.write(1);
  dataPin.close();
}

function isHigh(digital: DigitalConstructor, data: Pin): boolean {
  const pin = new digital({ pin: data, mode: digital.InputPullUp });
  const high = pin.read() !== 0;
  pin.close();
  return high;
}
