/*
 * Texts of sensor faults, for the person at the device: the fault, and the remedy. `kind` is for programs: two faults of one
 * kind at one chip are the same fault, even if the numbers in the text differ.
 */

/**
 * noAnswer: the chip does not acknowledge. wrongChip: another chip has the address. badChecksum: a byte was damaged in transit,
 * according to its checksum or a second read. lostPower: the chip lost its configuration. notReady: a conversion does not end.
 * outOfRange: an impossible value, or none. busStuck: the data line is held low. notFound: no known chip on the bus. driver: an
 * error of another driver.
 */
export type FaultKind =
  | "noAnswer"
  | "wrongChip"
  | "badChecksum"
  | "lostPower"
  | "notReady"
  | "outOfRange"
  | "busStuck"
  | "notFound"
  | "driver";

/** A sensor's fault: kind, place, and a message with the remedy. */
export class SensorError extends Error {
  readonly kind: FaultKind;
  /** Driver and address, for the message. */
  readonly where: string;

  /** `where` begins the message; `what` is the fault and the remedy. */
  constructor(kind: FaultKind, where: string, what: string, cause?: unknown) {
    super(`${where} ${what}`, { cause });
    this.kind = kind;
    this.where = where;
  }
}

/** `0x48`. */
export function hex(value: number, digits = 2): string {
  return `0x${value.toString(16).padStart(digits, "0")}`;
}

/** `TMP117 at 0x48`. */
export function chipAt(name: string, address: number): string {
  return `${name} at ${hex(address)}`;
}

/** The chip does not acknowledge; the SDK only reports "write failed". */
export function noAnswer(where: string, cause: unknown): SensorError {
  return new SensorError("noAnswer", where, "does not answer: check its power and its wires", cause);
}

/** Two reads of one result differ, which replaces the checksum for chips without one. */
export function contradiction(where: string): SensorError {
  const what = "gave two different answers in two reads: shorten its wires, or give them stronger pull-ups";
  return new SensorError("badChecksum", where, what);
}

/** A text that is the same for two faults of one kind at one chip, even if the numbers in their messages differ. */
export function faultKey(error: Error): string {
  return error instanceof SensorError ? `${error.kind}: ${error.where}` : error.message;
}

/** Whether `b` is a repetition of `a`, which is not reported again. */
export function sameFault(a: Error | undefined, b: Error): boolean {
  return a !== undefined && faultKey(a) === faultKey(b);
}

/** Outside code may throw anything, and the SDK's drivers pass texts to `onError`. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
