/* The text of anything thrown: outside code also throws values that are not errors. */

/** The message of an error, or the value as text. One line if the message is one. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
