/*
 * What a broker forwards. Types only.
 */

/** A message on its way to subscribers. */
export interface Forwarded {
  readonly client: string;
  readonly topic: string;
  readonly payload: string;
  readonly qos: number;
  readonly retain: boolean;
}
