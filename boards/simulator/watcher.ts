/*
 * Observes the thermometer for the panel and the trace.
 */
import Timer from "timer";
import type { Firmware, Observer, Outcome } from "../../src/board.js";
import { channels, TEMPERATURE } from "../../src/channels/channels.js";
import { type Sample, sampleText } from "../../src/channels/sample.js";
import { printable } from "../../src/console/port/printable.js";
import type { Thermometer } from "../../src/thermometer.js";
import { show } from "./panel.js";

const LOOK_MS = 500;
const HUMIDITY = channels.findIndex(({ name }) => name === "humidity");

export class Watcher implements Observer {
  private thermometer: Thermometer | undefined;
  private shown = "";
  private timer: Timer | undefined;
  private kept = 0; // readings in flash when the thermometer last ran, and those of short wakes since
  private readonly samples = new Map<number, string>(); // as text by sequence number, for those in flight

  started(firmware: Firmware): void {
    this.thermometer = firmware as Thermometer; // main.ts starts no other
    show({ asleep: 0 });
    this.timer ??= Timer.repeat(() => this.look(), LOOK_MS);
  }

  /** The firmware does not run. */
  slept(ms: number): void {
    this.thermometer = undefined;
    this.shown = "";
    show({ asleep: ms, waiting: this.kept });
  }

  reading(sample: Sample, sequence: number | undefined): void {
    const text = sampleText(sample);
    trace(`reading ${sequence ?? "without a number"}: ${text}\n`);
    show({ taken: sample.values[TEMPERATURE], humidity: sample.values[HUMIDITY] });
    if (sequence === undefined) return;
    this.samples.set(sequence, text);
    if (this.thermometer === undefined) this.kept++;
  }

  settled(sequence: number, outcome: Outcome): void {
    trace(`settled ${sequence}: ${outcome}\n`);
    const text = this.samples.get(sequence);
    this.samples.delete(sequence);
    if (outcome !== "delivered") return;
    show({ published: `${text ?? "an earlier run's"} (seq ${sequence})` });
  }

  private look(): void {
    const thermometer = this.thermometer;
    if (thermometer === undefined) return;
    this.kept = thermometer.unsettled;
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

/** The state, and the reason for it. */
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
