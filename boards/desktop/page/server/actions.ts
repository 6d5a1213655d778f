/*
 * Executes the page's actions on the device.
 */
import type { DeviceAction } from "../protocol.js";
import type { DeviceModel } from "./device-model.js";

export interface RunSettings {
  setPace(id: string, seconds: number | undefined): void;
  setSleep(id: string, on: boolean): void;
}

export function perform(action: DeviceAction, model: DeviceModel, settings: RunSettings): void {
  const { device, id } = model;
  const setNetwork = (on: boolean): void => {
    device.hasNetwork = on;
  };
  switch (action.do) {
    case "network":
      if (action.quietly) model.whenQuiet(() => setNetwork(action.on));
      else setNetwork(action.on);
      break;
    case "sensor":
      device.isSensorThere = action.on;
      break;
    case "timeServer":
      device.hasTimeServer = action.on;
      break;
    case "cut":
      if (action.when === "now") device.cut();
      else device.cutInNextWrite();
      break;
    case "powerOn":
      device.powerOn();
      break;
    case "wake":
      if (device.sleeping.isAsleep) device.sleeping.press();
      break;
    case "reset":
      device.reset();
      break;
    case "sleep":
      settings.setSleep(id, action.on);
      device.reset();
      break;
    case "pace":
      settings.setPace(id, action.seconds);
      model.whenQuiet(() => device.reset());
      break;
    case "hold":
      device.air.hold(action.quantity, action.value);
      model.sendState();
      break;
    case "keys":
      if (device.sleeping.isAsleep) device.sleeping.press();
      else model.line.type(action.text);
      break;
    default:
      action satisfies never;
  }
}
