/*
 * The drivers that a board has beyond the firmware's own. A board's manifest includes one by a line, say `../drivers/bmp280.json`,
 * which links it and names it in `config.drivers`; here it is imported by that name.
 */
import config from "mc/config";
import Modules from "modules";
import type { SensorDriver } from "../../src/sensor/drivers.js";

export function boardDrivers(): SensorDriver[] {
  return Object.keys(config.drivers ?? {}).map((name) => Modules.importNow(`boards/drivers/${name}`) as SensorDriver);
}
