/*
 * Updates on the simulator's board, on Node: its two slots, and what starts from them; the whole firmware on it, updated over a real mosquitto.
 */
import { afterAll, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { TCP } from "../../../boards/desktop/network/tcp.js";
import { type ImageFault, makeImage } from "../../../boards/parts/flash/image.js";
import type { Board, Firmware } from "../../../src/board.js";
import { startFirmware } from "../../../src/firmware.js";
import type { Slots, UpdatePort } from "../../../src/update/io.js";
import { UpdateLink } from "../../companions/update/link.js";
import { Mosquitto } from "../../support/processes/mosquitto.js";
import { keyPair, offerOf } from "../../update/support/keys.js";
import { Hardware, load } from "../sdk.js";

const PATH = "/tmp/thermometer.flash";
const KEY = Buffer.from(keyPair(1).publicKey).toString("hex");

// The simulator's side of the panel, which the board looks at as long as it lives.
vi.stubGlobal("screen", { postMessage() {} });
beforeEach(() => {
  onTestFinished(() => void vi.useRealTimers());
});
afterAll(() => {
  vi.clearAllTimers();
});

function imageOf(version: string, fault?: ImageFault): Uint8Array {
  return makeImage({ version, chip: "simulator", fault }, 20_000);
}

async function boardOn(hardware: Hardware, config: Record<string, string> = {}): Promise<Board> {
  hardware.config = { flash: PATH, updatekey: KEY, ...config };
  return (await load<{ board: Board }>("boards/simulator/board.ts", hardware)).board;
}

/** A board whose firmware does nothing; `boot(image)` has that started, on trial. */
async function idle(hardware = new Hardware()) {
  vi.useFakeTimers();
  const board = await boardOn(hardware);
  let starts = 0;
  board.boot(() => {
    starts++;
    return { close: () => {} } as Firmware;
  });
  const slots = (): Slots => new (board.update as UpdatePort).io(board.update as UpdatePort);
  const boot = async (image: Uint8Array): Promise<void> => {
    const flash = slots().open();
    flash.eraseBlock(0, flash.status().size / flash.status().blockLength);
    flash.write(image, 0);
    slots().select();
    board.restart("update");
    await vi.advanceTimersByTimeAsync(10);
  };
  return { board, slots, boot, starts: () => starts };
}

test("a new chip runs the program itself; an image that is selected starts on trial, and stays once it is confirmed", async () => {
  const hardware = new Hardware();
  const { board, slots, boot } = await idle(hardware);
  expect([board.version, slots().running, slots().isTrial]).toEqual([undefined, 0, false]);
  await boot(imageOf("9.0.0"));
  expect([board.version, slots().running, slots().isTrial]).toEqual(["9.0.0", 1, true]);
  slots().confirm();
  const { board: after, slots: slotsAfter, boot: bootAfter } = await idle(hardware); // the power was gone
  expect([after.version, slotsAfter().isTrial]).toEqual(["9.0.0", false]);
  await bootAfter(imageOf("9.1.0")); // where the program itself was
  slotsAfter().confirm();
  expect((await idle(hardware)).board.version).toBe("9.1.0");
});

test.each([
  ["crash", "crash", 200],
  ["hang", "watchdog", 10_000],
] as const)("an image that ends by a %s: the one before it is back, and knows why", async (fault, cause, ms) => {
  const { board, boot, starts } = await idle();
  await boot(imageOf("9.0.0", fault));
  await vi.advanceTimersByTimeAsync(ms - 20);
  expect([board.version, starts()]).toEqual(["9.0.0", 1]);
  await vi.advanceTimersByTimeAsync(20);
  expect([board.version, starts(), board.resetCause]).toEqual([undefined, 2, cause]);
});

test("an image that is blind finds no sensor, one that is deaf no network", async () => {
  const { board, boot } = await idle();
  const hears = async (): Promise<boolean> => {
    let isHeard = false;
    const wifi = new (board.wifi as NonNullable<Board["wifi"]>).io({ onChanged: () => {} });
    wifi.scan?.({ onFound: () => (isHeard = true), onComplete: () => {} });
    await vi.advanceTimersByTimeAsync(10_000);
    wifi.close();
    return isHeard;
  };
  const sees = (): boolean => {
    const { io, ...wiring } = board.sensor;
    const bus = new io({ ...wiring, address: 0x48, hz: 100_000 } as ConstructorParameters<typeof io>[0]);
    try {
      return bus.readUint16(0x0f, true) === 0x0117;
    } catch {
      return false;
    } finally {
      bus.close();
    }
  };
  expect([await hears(), sees()]).toEqual([true, true]);
  await boot(imageOf("9.0.0", "blind"));
  expect([await hears(), sees()]).toEqual([true, false]);
  board.restart("back");
  await vi.advanceTimersByTimeAsync(10);
  await boot(imageOf("9.1.0", "deaf"));
  expect([await hears(), sees()]).toEqual([false, true]);
});

test("without a key at build time, or with what is none, updates are off", async () => {
  const hardware = new Hardware();
  expect((await boardOn(hardware, { updatekey: "" })).update?.key).toBeUndefined();
  expect(hardware.traced).toEqual([]);
  expect((await boardOn(hardware, { updatekey: "a".repeat(63) })).update?.key).toBeUndefined();
  expect(hardware.traced).toEqual(["updatekey: expected 64 hexadecimal digits: updates are off\n"]);
});

test("the whole firmware: announced, written, on trial, confirmed over mosquitto", async () => {
  const broker = await Mosquitto.start();
  const hardware = new Hardware();
  hardware.TCP = TCP;
  const options = { "mqtt.host": "127.0.0.1", "mqtt.port": String(broker.port), room: "study", interval: "0.1" };
  const board = await boardOn(hardware, options);
  const lives: Firmware[] = [];
  board.boot(() => {
    const firmware = startFirmware(board);
    lives.push(firmware);
    return firmware;
  });
  const link = new UpdateLink({ host: "127.0.0.1", port: broker.port }, undefined, () => {});
  while (link.devices.size === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  const [device] = link.devices.values();
  const image = imageOf("9.0.0");
  const offer = offerOf(image, { version: "9.0.0", chip: "simulator" });
  expect(await link.update(device, offer, image, () => {})).toBe("confirmed");
  const states = hardware.traced.map((line) => /update: 9\.0\.0 (.*)\n$/.exec(line)?.[1]).filter(Boolean);
  expect(states).toEqual(["is being received", "is verified", "is started", "is on trial", "is confirmed"]);
  expect(board.version).toBe("9.0.0");
  expect(new (board.update as UpdatePort).io(board.update as UpdatePort).isTrial).toBe(false);
  expect(lives.length).toBe(2);
  lives[1].close();
  await link.close();
  await broker.close();
});
