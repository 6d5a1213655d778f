/*
 * The SDK's driver for the AHT10 (Aosong), as an entry of the driver table. Its datasheet: 0.01 °C resolution, -40 to 85 °C
 * (table 2). The driver waits 75 ms in each sample. The chip has no id: any chip that acknowledges at 0x38 is treated as an AHT10.
 */
import AHT10 from "embedded:sensor/Humidity-Temperature/AHT10";
import { adapt } from "../../src/sensor/adapt.js";
import { measureOf } from "../../src/sensor/measure.js";

export default adapt("AHT10", AHT10, {
  addresses: [0x38],
  identity: "none",
  measures: [
    measureOf("temperature", { accuracy: 0.3, lowest: -40, highest: 85 }),
    measureOf("humidity", { accuracy: 2 }),
  ],
});
