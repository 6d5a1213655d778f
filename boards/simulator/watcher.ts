/*
 * Watches the thermometer from outside, for the panel and the trace.
 */
import Timer from "timer";
import type { Firmware, Observer } from "../../src/board.js";
import { valueText } from "../../src/channels/rounding.js";
import { printable } from "../../src/console/port/printable.js";
import type { Thermometer } from "../../src/thermometer.js";
import { show } from "./panel.js";

const LOOK_MS = 500;

export class Watcher implements Observer {
  private thermometer: Thermometer | undefined;
  private shown = "";
  private timer: Timer | undefined;
  private readonly values = new Map<number, number>(); // °C by sequence number, for those on their way

  started(firmware: Firmware): void {
    this.thermometer = firmware as Thermometer; // main.ts starts no other
    this.timer ??= Timer.repeat(() => this.look(), LOOK_MS);
  }

  reading(celsius: number, sequence: number | undefined): void {
    trace(`reading ${sequence ?? "without a number"}: ${celsius}\n`);
    show({ taken: celsius });
    if (sequence !== undefined) this.values.set(sequence, celsius);
  }

  settled(sequence: number, outcome: "delivered" | "deadLetter"): void {
    trace(`settled ${sequence}: ${outcome}\n`);
    const celsius = this.values.get(sequence);
    this.values.delete(sequence);
    if (outcome !== "delivered") return;
    show({ published: `${celsius === undefined ? "an earlier run's" : valueText(celsius, 2)} (seq ${sequence})` });
  }

  private look(): void {
    const thermometer = this.thermometer;
    if (thermometer === undefined) return;
    const view = {
      room: thermometer.settings.get("room"),
      waiting: thermometer.unsettled,
      link: thermometer.link?.status().state,
      broker: brokerState(thermometer),
      sensor: sensorState(thermometer),
    };
    const text = JSON.stringify(view);
    if (text === this.shown) return;
    this.shown = text;
    show(view);
  }
}

/** The state, and what a person who waits wants to know: why. */
function brokerState({ uplink, uplinkTrouble }: Thermometer): string {
  if (uplink === undefined) return printable(uplinkTrouble ?? "none: set mqtt.host");
  const { state, retryMs, lastError } = uplink.status;
  if (state === "connected") return state;
  if (state === "waiting" && retryMs === undefined) return "waiting for Wi-Fi";
  return printable(lastError === undefined ? state : `${state}: ${lastError.message}`);
}

function sensorState({ sampling, health }: Thermometer): string {
  if (sampling === undefined) return health.safeMode ?? "no readings are taken";
  const { sensors, lastError } = sampling.status;
  const trouble = lastError ?? sensors.find((one) => one.lastError !== undefined)?.lastError;
  return printable(trouble?.message ?? "reads");
}
