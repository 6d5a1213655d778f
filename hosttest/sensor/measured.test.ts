/* What a driver's sample says beside the temperature. */
import { expect, test } from "vitest";
import { Sample } from "../../src/channels/sample.js";
import { addOthers } from "../../src/sensor/measured.js";

function measured(driverSample: object): (number | undefined)[] {
  const sample = new Sample();
  addOthers(driverSample, sample);
  return [1, 2].map((channel) => ((sample.mask & (1 << channel)) === 0 ? undefined : sample.values[channel]));
}

test.each([
  ["as ECMA-419 has it", { thermometer: { temperature: 20 }, hygrometer: { humidity: 45.2 } }, [45.2, undefined]],
  ["flat, as some drivers of the SDK", { temperature: 20, humidity: 45.2 }, [45.2, undefined]],
  ["in pascals", { barometer: { pressure: 101_325 } }, [undefined, 1013.25]],
  ["pressure flat", { temperature: 20, pressure: 98_000 }, [undefined, 980]],
  ["nothing else", { temperature: 20 }, [undefined, undefined]],
  ["out of range", { hygrometer: { humidity: 100.1 }, barometer: { pressure: 10 } }, [undefined, undefined]],
  ["no number", { hygrometer: { humidity: "45" }, barometer: { pressure: Number.NaN } }, [undefined, undefined]],
  ["an empty sensor", { hygrometer: {}, barometer: null }, [undefined, undefined]],
])("%s", (_name, sample, values) => {
  expect(measured(sample)).toEqual(values);
});
