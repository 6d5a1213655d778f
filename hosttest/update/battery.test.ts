/* Low cells: an update could end in a half-written slot, or in a trial without power. */
import { expect, test } from "vitest";
import { Cells } from "../../boards/parts/cells.js";
import { makeImage } from "../../boards/parts/flash/image.js";
import { SimulatedDevice } from "../support/device-board.js";
import { SimulatedHost } from "./support/host.js";
import { keyPair, offerOf } from "./support/keys.js";

const MINUTE = 60_000;
const ID = "thermometer020000000001";

test("an update is refused while the cells are low, and accepted when they are not", () => {
  const cells = new Cells({ volts: 2.2, low: 2.4 });
  const old = makeImage({ version: "0.2.0", chip: "test" }, 9_000);
  const image = makeImage({ version: "0.3.0", chip: "test" }, 9_000);
  const slots = { image: old, blocks: 6, key: keyPair(1).publicKey };
  const device = new SimulatedDevice({ slots, battery: cells.port }).powerOn();
  const { house } = device;
  house.time.advance(30_000);
  const topic = `home/kitchen/${ID}/update`;
  const refused = new SimulatedHost(device, topic, offerOf(image), image);
  house.time.advance(MINUTE);
  expect(JSON.parse(house.retained.get(`${topic}/state`) ?? "null")).toMatchObject({
    state: "refused",
    reason: "the battery is low",
  });
  refused.close();
  cells.volts = 2.9;
  const taken = new SimulatedHost(device, topic, offerOf(image, { id: "00000002" }), image);
  house.time.advance(2 * MINUTE);
  expect(taken.sender.outcome).toBe("confirmed");
  taken.close();
});
