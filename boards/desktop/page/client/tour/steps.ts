/*
 * The steps of the tour: six, each with a sentence, about a minute in all. A step ends when its time is over and its condition
 * is true.
 */
import type { DeviceAction, FromPage } from "../../protocol.js";
import type { DeviceLive } from "../device-live.js";

/** A station of the chain. */
export type Place = "sensor" | "power" | "wifi" | "broker" | "subscriber";

/** Actions and questions of a step. */
export interface Stage {
  readonly device: DeviceLive;
  readonly isOwnBroker: boolean;
  act(action: DeviceAction): void;
  broker(action: Extract<FromPage, { type: "broker" }>["action"]): void;
  /** Seconds of the tour. */
  pause(seconds: number): Promise<void>;
  /** The condition for its end. */
  until(condition: () => boolean): Promise<void>;
}

export interface Step {
  readonly place: Place;
  readonly says: string;
  run(stage: Stage): Promise<void>;
}

const SLOWEST_MS = 1_000;

export const steps: readonly Step[] = [
  {
    place: "sensor",
    says: "Normal operation: each reading is written to flash first, then sent, and leaves the queue when the broker has acknowledged it.",
    async run({ device, act, pause, until }) {
      await until(() => device.state.power === "on" && isQuiet(device));
      if (device.state.intervalMs > SLOWEST_MS) act({ do: "pace", seconds: SLOWEST_MS / 1_000 });
      await until(() => device.state.intervalMs <= SLOWEST_MS && device.state.power === "on");
      await pause(9);
      await until(() => isQuiet(device) && device.counts.delivered > 0);
    },
  },
  {
    place: "wifi",
    says: "The Wi-Fi is cut: readings continue, and wait in flash.",
    async run({ device, act, pause, until }) {
      const before = device.counts.delivered;
      await until(() => device.counts.delivered > before && isQuiet(device));
      act({ do: "network", on: false, quietly: true });
      await until(() => !device.state.hasNetwork);
      await pause(9);
      await until(() => device.counts.waiting >= 3);
    },
  },
  {
    place: "power",
    says: "The power fails during a write to flash, and returns: all readings written before are still there.",
    async run({ device, act, pause, until }) {
      act({ do: "cut", when: "nextWrite" });
      await until(() => device.state.power === "off");
      await pause(5);
      const { boots } = device.state;
      act({ do: "powerOn" });
      await until(() => device.state.power === "on" && device.state.boots > boots);
      await pause(5);
    },
  },
  {
    place: "broker",
    says: "The broker is killed and loses all its sessions; the Wi-Fi is back, but no broker answers.",
    async run({ isOwnBroker, device, act, broker, pause, until }) {
      if (isOwnBroker) broker("kill");
      await pause(3);
      act({ do: "network", on: true });
      await until(() => device.state.hasNetwork);
      await pause(6);
    },
  },
  {
    place: "subscriber",
    says: "The broker runs again: the backlog drains, oldest first, each with the time at which it was taken.",
    async run({ device, isOwnBroker, broker, pause, until }) {
      if (isOwnBroker) broker("start");
      await until(() => device.counts.waiting === 0);
      await pause(9);
    },
  },
  {
    place: "subscriber",
    says: "No reading was lost, and none arrived twice: check it yourself, or download the CSV.",
    async run({ device, pause, until }) {
      await until(() => isQuiet(device));
      await pause(8);
    },
  },
];

/** Nothing is in flight: a cut now falls between two readings. */
function isQuiet(device: DeviceLive): boolean {
  const { waiting, inTransit } = device.counts;
  return waiting === 0 && inTransit === 0 && device.flash.inFlight.length === 0;
}
