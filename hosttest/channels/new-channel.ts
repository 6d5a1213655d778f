/*
 * A device whose sensor measures every channel of the table, and its output: for new-channel.test.ts, which runs it from a
 * copy of the sources with another table.
 */
import { channels } from "../../src/channels/channels.js";
import { adapt, type SDKDriver } from "../../src/sensor/adapt.js";
import { SimulatedDevice } from "../support/device-board.js";

const SECOND = 1000;
const ADDRESS = 0x62;

/** The output of a channel. */
export interface Outcome {
  /** The last message of a sample, of the channel alone (with the offset of 5 that was set by then), of the discovery. */
  readonly sample: string | undefined;
  readonly alone: string | undefined;
  readonly discovery: string | undefined;
  readonly status: string | undefined;
  /** After `offset`, `resolution` and `deadband` of the channel were set. */
  readonly adjusted: string | undefined;
  /** Messages of ten samples with a deadband that holds them back. */
  readonly withDeadband: number;
  readonly help: string;
}

/** `value`: what the driver has. */
export function outcomeOf(name: string, value: number): Outcome {
  const row = channels.find((channel) => channel.name === name);
  if (row === undefined) throw new Error(`no channel ${name}`);
  class Driver {
    sample() {
      return { thermometer: { temperature: 21.5 }, [row!.sensor]: { [row!.property]: value } };
    }
    close(): void {}
  }
  const one = new SimulatedDevice({
    defaults: { sensor: "all" },
    drivers: [adapt("all", Driver as unknown as SDKDriver, { addresses: [ADDRESS] })],
    parts: { [ADDRESS]: { write: () => true, read: () => true } },
  }).powerOn();
  const { house } = one;
  const last = (topic: string): string | undefined => house.payloads(topic).at(-1);
  const sampleTopic = "home/kitchen/temperature";
  house.time.advance(60 * SECOND);
  const sample = last(sampleTopic);
  const discovery = house.retained.get("homeassistant/device/thermometer020000000001/config");
  const status = one.status("sensor");
  const help = one.type(`show offset.${name}`);
  one.set({ [`offset.${name}`]: "5", [`resolution.${name}`]: "1" });
  house.time.advance(20 * SECOND);
  const adjusted = last(sampleTopic);
  one.set({ [`deadband.${name}`]: "10", heartbeat: "0" });
  house.time.advance(20 * SECOND);
  const before = house.payloads(sampleTopic).length;
  house.time.advance(100 * SECOND);
  const withDeadband = house.payloads(sampleTopic).length - before;
  one.set({ [`deadband.${name}`]: "0", topics: "each" });
  house.time.advance(30 * SECOND);
  return { sample, alone: last(`home/kitchen/${name}`), discovery, status, adjusted, withDeadband, help };
}
