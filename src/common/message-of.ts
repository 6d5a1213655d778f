/*
 * What was thrown, as text. Outside code throws anything, not only errors.
 */

/** The message of an error, or the value as text. One line if the message is one. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
