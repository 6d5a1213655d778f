/*
 * Applies a fault to the simulated devices, network or broker, and ends it.
 */
import type { Broker } from "../broker/broker.js";
import type { Device } from "../device/device.js";
import type { Network } from "../network.js";
import type { Random } from "../random.js";
import type { Trouble } from "./storm.js";

const HOUR = 3_600_000;

export interface Befallen {
  readonly network: Network;
  readonly broker: Broker;
  readonly devices: readonly Device[];
  later(delayMs: number, action: () => void): void;
  /** Connections were dropped. */
  onDrop(): void;
}

/** Applies a fault. */
export function befall(simulation: Befallen, trouble: Trouble, random: Random): void {
  const { network, broker, devices } = simulation;
  const { weather } = network;
  const { mood } = broker;
  const device = "device" in trouble ? devices[trouble.device] : devices[0];
  switch (trouble.kind) {
    case "cutInFlash":
      device.cutAfter(trouble.steps, trouble.offMs);
      return;
    case "cut":
      device.cut(trouble.offMs);
      return;
    case "brownouts":
      device.brownouts(trouble.times);
      return;
    case "wifiDown":
      simulation.onDrop();
      device.wifi(false);
      simulation.later(trouble.forMs, () => device.wifi(true));
      return;
    case "reset":
      simulation.onDrop();
      network.resetAll();
      return;
    case "halfOpen":
      simulation.onDrop();
      network.halfOpenAll(random);
      return;
    case "blackHole":
      simulation.onDrop();
      weather.blackHole = true;
      simulation.later(trouble.forMs, () => {
        weather.blackHole = false;
      });
      return;
    case "refusing":
      weather.refusing = true;
      simulation.later(trouble.forMs, () => {
        weather.refusing = false;
      });
      return;
    case "slow":
      weather.latencyMs = trouble.latencyMs;
      simulation.later(trouble.forMs, () => {
        weather.latencyMs = 20;
      });
      return;
    case "narrow":
      weather.roomBytes = trouble.roomBytes;
      simulation.later(trouble.forMs, () => {
        weather.roomBytes = 1460;
      });
      return;
    case "brokerRestart":
      simulation.onDrop();
      broker.stop(trouble.sessions);
      simulation.later(trouble.forMs, () => broker.start());
      return;
    case "brokerRefuses":
      mood.refusal = trouble.code;
      network.resetAll();
      simulation.later(trouble.forMs, () => {
        mood.refusal = 0;
      });
      return;
    case "brokerStalls":
      mood.stalled = true;
      simulation.later(trouble.forMs, () => {
        mood.stalled = false;
      });
      return;
    case "brokerLate":
      mood.lateMs = trouble.lateMs;
      simulation.later(trouble.forMs, () => {
        mood.lateMs = 0;
      });
      return;
    case "brokerCloses":
      mood.closing = trouble.probability;
      simulation.later(trouble.forMs, () => {
        mood.closing = 0;
      });
      return;
    case "sensorGone":
      device.sensor(false);
      simulation.later(trouble.forMs, () => device.sensor(true));
      return;
    case "clockJump":
      device.lie(trouble.byMs, trouble.how);
      simulation.later(6 * HOUR, () => device.lie(0));
      return;
    case "newSettings":
      device.change({ room: trouble.room, "mqtt.qos": String(trouble.qos) });
      return;
    case "newVersion":
      device.change({ "mqtt.version": trouble.version });
      return;
    case "brokerReplaced":
      simulation.onDrop();
      broker.stop("kept");
      simulation.later(trouble.forMs, () => broker.start(trouble.terms));
      return;
    case "brokerFull":
      mood.full = trouble.probability;
      simulation.later(trouble.forMs, () => {
        mood.full = 0;
      });
      return;
    case "brokerForbids":
      mood.forbidden = `home/${trouble.room}/`;
      simulation.later(trouble.forMs, () => {
        mood.forbidden = "";
      });
      return;
    case "brokerPicky":
      mood.picky = trouble.probability;
      simulation.later(trouble.forMs, () => {
        mood.picky = 0;
      });
      return;
    case "memory":
      device.sleeper?.damage(trouble.how);
      return;
    case "button":
      device.sleeper?.press();
      return;
    case "atReport":
      device.sleeper?.afterRadio(trouble.afterMs, () => befall(simulation, trouble.trouble, random));
      return;
    default:
      throw new TypeError(`trouble: ${JSON.stringify(trouble satisfies never)}`);
  }
}
