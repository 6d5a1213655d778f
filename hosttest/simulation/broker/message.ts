/*
 * What a broker forwards. Types only.
 */

import type { Properties } from "./properties.js";

/** A message on its way to subscribers. */
export interface Forwarded {
  readonly client: string;
  readonly topic: string;
  readonly payload: string;
  readonly qos: number;
  readonly retain: boolean;
  /** Of MQTT 5. A will has none here. */
  readonly properties?: Properties;
}
