/*
 * The sensors that the desktop simulates, for `--sensor` and its help.
 */
import { BME280Part } from "../parts/i2c/bme280.js";
import { SHT3xPart } from "../parts/i2c/sht3x.js";
import { TMP117Part } from "../parts/i2c/tmp117.js";

export const simulatedParts = Object.freeze([
  { name: "TMP117", address: 0x48, Part: TMP117Part },
  { name: "SHT3x", address: 0x44, Part: SHT3xPart },
  { name: "BME280", address: 0x76, Part: BME280Part },
]);
