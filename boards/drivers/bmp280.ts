/*
 * The SDK's driver for the BMP280 (Bosch), as an entry of the driver table. Its datasheet: 1 Pa and 0.01 °C resolution,
 * -40 to 85 °C (BST-BMP280-DS001, table 2). The driver lets the chip measure continuously, so that a sample does not wait.
 */
import BMP280 from "embedded:sensor/Barometer-Temperature/BMP280";
import { adapt } from "../../src/sensor/adapt.js";
import { measureOf } from "../../src/sensor/measure.js";

export default adapt("BMP280", BMP280, {
  addresses: [0x76, 0x77],
  measures: [
    measureOf("temperature", { accuracy: 1, lowest: -40, highest: 85 }),
    measureOf("pressure", { accuracy: 1, lowest: 300, highest: 1100 }),
  ],
});
