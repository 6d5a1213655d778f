/* Updates in Home Assistant: the entity, the state that it reads, and an image that waits for Install. */
import { describe, expect, test } from "vitest";
import { makeImage } from "../../boards/parts/flash/image.js";
import { generator } from "../../boards/parts/flash/nor-flash.js";
import { updateEntityMessage } from "../../src/homeassistant/update-entity.js";
import { SimulatedDevice } from "../support/device-board.js";
import { House } from "../support/house.js";
import { keyPair, offerOf } from "./support/keys.js";
import { drive, Setup } from "./support/setup.js";

const ID = "thermometer020000000001";
const CONFIG = `homeassistant/device/${ID}/update/config`;
const UPDATE = `home/kitchen/${ID}/update`;
const BLOCK = 4096;
const OLD = makeImage({ version: "0.2.0", chip: "test" }, 3_000);
const NEW = makeImage({ version: "0.3.0", chip: "test" }, 2 * BLOCK + 99);

function house(key: Uint8Array | undefined): House {
  const there = new House();
  const device = new SimulatedDevice({ house: there, slots: { image: OLD, blocks: 4, key } }).powerOn();
  there.time.advance(60_000);
  expect(device.crashes).toEqual([]);
  return there;
}

describe("the entity", () => {
  test("reads the device's state, and its button publishes on a topic beside it", () => {
    const { retained } = house(keyPair(1).publicKey);
    const { cmps, dev, stat_t, cmd_t, ...others } = JSON.parse(retained.get(CONFIG)!);
    expect(dev.ids).toEqual([ID]);
    expect(stat_t).toBe(`${UPDATE}/state`);
    expect(JSON.parse(retained.get(stat_t)!)).toEqual({ version: "0.2.0", state: "idle" });
    expect(cmd_t).toBe(`${UPDATE}/install`);
    expect(others).toEqual({ o: expect.anything() }); // no availability: in safe mode the device is offline, but can be updated
    const { val_tpl, ...firmware } = cmps.firmware;
    expect(firmware).toEqual({
      p: "update",
      tit: "home-thermometer",
      pl_inst: "install",
      dev_cla: "firmware",
      ent_cat: "config",
      uniq_id: `${ID}_firmware`,
    });
    // Each key that the template reads is in the device's state: see below.
    expect(new Set(val_tpl.match(/v\.\w+/g))).toEqual(
      new Set(["v.at", "v.size", "v.version", "v.available", "v.latest"]),
    );
  });

  test("is missing without a key in the build", () => {
    expect(house(undefined).retained.has(CONFIG)).toBe(false);
  });

  test("is removed by a build without a key, once, and returns with one", () => {
    const there = new House();
    const { publicKey } = keyPair(1);
    const device = new SimulatedDevice({ house: there, slots: { image: OLD, blocks: 4, key: publicKey } }).powerOn();
    const entities = (): string[] => there.payloads(CONFIG).map((payload) => (payload === "" ? "taken back" : "there"));
    there.time.advance(60_000);
    for (const key of [undefined, undefined, publicKey]) {
      device.key = key;
      device.reboot();
      there.time.advance(60_000);
    }
    expect(entities()).toEqual(["there", "taken back", "there"]);
    expect(device.crashes).toEqual([]);
  });

  test("is removed with the others when discovery is switched off", () => {
    const there = new House();
    const slots = { image: OLD, blocks: 4, key: keyPair(1).publicKey };
    const device = new SimulatedDevice({ house: there, slots }).powerOn();
    there.time.advance(60_000);
    expect(there.retained.has(CONFIG)).toBe(true);
    device.set({ discovery: "off" });
    there.time.advance(60_000);
    expect(there.retained.has(CONFIG)).toBe(false);
  });

  test("with the longest names its message fits the client's buffer of 1,024 bytes, including the packet's header", () => {
    const longest = { room: "r".repeat(64), id: "i".repeat(23), prefix: "p".repeat(64), version: "0.2.0-dev" };
    const { topic, payload } = updateEntityMessage(longest);
    expect(5 + 2 + topic.length + payload.length).toBeLessThanOrEqual(1_024);
  });
});

describe("an image that waits", () => {
  function build(key: Uint8Array | undefined = keyPair(1).publicKey): Setup {
    const setup = new Setup({ image: OLD, slotBlocks: 4, key, random: generator(1) });
    setup.boot();
    return setup;
  }
  const waiting = (terms: Parameters<typeof offerOf>[1] = {}) => ({ ...offerOf(NEW, terms), wait: true });

  test("is reported as available, once, and no part of it is requested", () => {
    const setup = build();
    setup.announce(waiting());
    setup.announce(waiting({ id: "00000002" }));
    expect(setup.states).toEqual([{ version: "0.2.0", state: "idle", available: "0.3.0" }]);
    setup.time.advance(60_000);
    expect(setup.wantsChunks).toBe(false);
    expect(setup.updates!.isBusy).toBe(false);
    expect(setup.flash.erases.some((count) => count > 0)).toBe(false);
  });

  test("until it is withdrawn", () => {
    const setup = build();
    setup.announce(waiting());
    const empty = { payload: new Uint8Array(0), offsetBytes: 0, totalBytes: 0, last: true };
    setup.updates!.announcement(empty);
    setup.updates!.announcement(empty);
    expect(setup.states.map(({ available }) => available)).toEqual(["0.3.0", undefined]);
  });

  test("until it is sent: `at` is its progress while it is being received", () => {
    const setup = build();
    setup.announce(waiting());
    expect(drive(setup, offerOf(NEW, { id: "00000002" }), NEW)).toMatchObject({
      state: "confirmed",
      version: "0.3.0",
    });
    const under = setup.states.filter(({ state }) =>
      ["receiving", "verifying", "switching", "trial"].includes(`${state}`),
    );
    expect(under.map(({ at }) => at)).toEqual(expect.arrayContaining([0, BLOCK, 2 * BLOCK, NEW.length]));
    for (const { at, size, latest, available } of under)
      expect({ at, size, latest, available }).toEqual({
        available: undefined,
        at: expect.any(Number),
        size: NEW.length,
        latest: "0.3.0",
      });
    expect(setup.state).not.toHaveProperty("at");
    expect(setup.state).not.toHaveProperty("available");
  });

  test("while another is on trial it is reported beside that one, which `at` marks as in progress", () => {
    const setup = build();
    setup.trouble.link = "no access point is in range";
    drive(setup, offerOf(NEW), NEW, 200);
    setup.announce({ ...offerOf(NEW, { id: "00000002", version: "0.4.0" }), wait: true });
    expect(setup.state).toMatchObject({ state: "trial", at: NEW.length, latest: "0.3.0", available: "0.4.0" });
  });

  test.each([
    ["for another board", { chip: "esp32" }, undefined],
    ["that is installed", { version: "0.2.0" }, undefined],
    ["that is older", { version: "0.1.0" }, undefined],
    ["that is older, and wanted at any rate", { version: "0.1.0", force: true }, "0.1.0"],
  ])("%s", (_, terms, available) => {
    const setup = build();
    setup.announce(waiting(terms));
    expect(setup.state.available).toBe(available);
    expect(setup.state.state).toBe("idle");
  });

  test("is not shown by a build that accepts none", () => {
    const setup = new Setup({ image: OLD, slotBlocks: 4, key: undefined, random: generator(1) });
    setup.boot();
    setup.announce(waiting());
    expect(setup.states).toEqual([]);
  });
});
