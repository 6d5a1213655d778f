/*
 * The drivers of a board in addition to the firmware's. A board's manifest includes one by a line, for example `../drivers/bmp280.json`,
 * which links it and names it in `config.drivers`; it is imported here by that name.
 */
import config from "mc/config";
import Modules from "modules";
import type { SensorDriver } from "../../src/sensor/drivers.js";

export function boardDrivers(): SensorDriver[] {
  return Object.keys(config.drivers ?? {}).map((name) => Modules.importNow(`boards/drivers/${name}`) as SensorDriver);
}
