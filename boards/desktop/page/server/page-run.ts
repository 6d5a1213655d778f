/*
 * The page of a run from the command line: the model of each device, created before the devices, and the page itself.
 */
import { messageOf } from "../../../../src/common/message-of.js";
import type { EmbeddedBroker } from "../../network/broker.js";
import type { Subscriber } from "../../network/subscriber.js";
import { UsageError } from "../../options/options.js";
import type { Unit } from "../../units.js";
import { DeviceModel, type Facts } from "./device-model.js";
import { Page } from "./page.js";

export interface PageRun {
  /** One for each unit. */
  readonly models: readonly DeviceModel[];
  /** Returns a line with the address, for people. @throws UsageError if the requested port is not available */
  open(options: OpenOptions): Promise<string>;
}

export interface OpenOptions {
  readonly port: number;
  /** The port was given by the user: no other is tried. */
  readonly isChosen: boolean;
  readonly subscriber: Subscriber;
  embedded(): EmbeddedBroker | undefined;
  print(line: string): void;
}

export function preparePage(units: readonly Unit[]): PageRun {
  const models = units.map((unit) => new DeviceModel(unit.chip.mac, () => factsOf(unit)));
  const unitOf = (id: string): Unit | undefined => units.find(({ chip }) => chip.mac === id);
  const later = (id: string, key: string, value: string | undefined): void => {
    const settings = unitOf(id)?.configuration.later;
    if (settings === undefined) return;
    if (value === undefined) delete settings[key];
    else settings[key] = value;
  };
  return {
    models,
    async open({ port, isChosen, subscriber, embedded, print }) {
      const page = new Page({
        models,
        subscriber,
        embedded,
        address: () => addressOf(units[0]),
        print,
        setPace: (id, seconds) => later(id, "interval", seconds === undefined ? undefined : String(seconds)),
        setSleep: (id, on) => later(id, "sleep", on ? "on" : "off"),
      });
      try {
        const { url, whyOther } = await page.open(port, isChosen);
        return `page ${url}${whyOther === undefined ? "" : ` (${whyOther})`}`;
      } catch (error) {
        throw new UsageError(`--port ${port}: ${messageOf(error)}; name another, or --no-page`);
      }
    },
  };
}

function addressOf({ chip, configuration }: Unit): string {
  if (!chip.supply.isOn) return "";
  const { host, port } = configuration.broker();
  return `${host}:${port}`;
}

function factsOf({ configuration }: Unit): Facts {
  const settings = configuration.inForce();
  return {
    room: settings.get("room"),
    qos: settings.get("mqtt.qos"),
    payload: settings.get("payload"),
    intervalMs: settings.get("interval") * 1_000,
    sleeps: settings.get("sleep"),
  };
}
