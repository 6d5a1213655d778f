/*
 * The messages that a broker forwards. Types only.
 */

import type { Properties } from "./properties.js";

/** A message for subscribers. */
export interface Forwarded {
  readonly client: string;
  readonly topic: string;
  readonly payload: string;
  readonly qos: number;
  readonly retain: boolean;
  /** Properties of MQTT 5. A will has none here. */
  readonly properties?: Properties;
}
