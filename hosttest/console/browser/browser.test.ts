/*
 * A person with a browser: the published Improv button, clicked in Chromium, and its dialog up to "Provisioned!". At the other end of the
 * cable is the whole firmware, with its prompt on the same port.
 */
import type { Page } from "playwright-core";
import { afterAll, afterEach, describe, expect } from "vitest";
import type { Values } from "../../../src/settings/schema.js";
import { VERSION } from "../../../src/version.js";
import { SimulatedDevice } from "../../support/device-board.js";
import { browserTest as test } from "../../support/processes/chromium.js";
import { Desk } from "./browser.js";

const TICK_MS = 5;
const HASTE = 4; // the device's time to the browser's: scans and joins take seconds
const AIR = [
  { ssid: "home", password: "correct horse", rssi: -58 },
  { ssid: "Küche", password: "Pferdestärke", rssi: -71 },
  { ssid: "café", rssi: -80 },
];

/** A new device, plugged into the computer. */
class Visit {
  readonly device: SimulatedDevice;
  page!: Page;
  readonly #clock: NodeJS.Timeout;
  #fromDevice = (_bytes: Uint8Array): void => {};

  constructor() {
    const onWritten = (bytes: Uint8Array): void => this.#fromDevice(bytes);
    this.device = new SimulatedDevice({ defaults: { "wifi.ssid": "", "wifi.password": "" }, serial: { onWritten } });
    this.device.wifi.setAir(AIR);
    this.device.powerOn();
    this.#clock = setInterval(() => this.device.house.time.advance(HASTE * TICK_MS), TICK_MS);
  }

  /** The dialog, after a click on the button. */
  async open(desk: Desk): Promise<void> {
    const { page, fromDevice } = await desk.plug((bytes) => this.device.port.send(bytes));
    this.#fromDevice = fromDevice;
    this.page = page;
    await page.getByRole("button", { name: "Connect device to Wi-Fi" }).click();
  }

  /** Clicks until it is chosen: the dialog goes on scanning, and a new list may move under the pointer. */
  async choose(network: string): Promise<void> {
    const list = this.page.locator("md-outlined-select");
    const chosen = (): Promise<string> =>
      list.evaluate((element: unknown) => {
        const { selectedOptions } = element as { selectedOptions: readonly { textContent: string | null }[] };
        return selectedOptions[0]?.textContent ?? "";
      });
    await expect
      .poll(
        async () => {
          const before = await chosen();
          if (before.includes(network)) return before;
          await list.click();
          await this.page.locator("md-select-option").filter({ hasText: network }).click();
          return chosen();
        },
        { timeout: 20_000, interval: 300 },
      )
      .toContain(network);
  }

  async password(text: string): Promise<void> {
    await this.page.locator("md-outlined-text-field[name=password] input").fill(text);
  }

  async press(button: string): Promise<void> {
    await this.page.getByRole("button", { name: button, exact: true }).click();
  }

  async sees(text: string): Promise<void> {
    try {
      await this.page.getByText(text).waitFor();
    } catch (cause) {
      const shown = await this.page.locator("md-dialog, ewt-page-message, .error").allInnerTexts();
      throw new Error(`no "${text}", but: ${shown.join(" | ")}; ${this.device.port.written.slice(-200)}`, { cause });
    }
  }

  /** Settings in force after a power cut. */
  afterPowerCut(...keys: readonly (keyof Values)[]): unknown[] {
    this.device.cut();
    this.device.powerOn();
    return keys.map((key) => this.device.firmware.settings.get(key));
  }

  unplug(): void {
    clearInterval(this.#clock);
    expect(this.device.crashes).toEqual([]);
  }
}

describe("the Improv button in Chromium", () => {
  let desk: Desk | undefined;
  let visit: Visit | undefined;

  afterEach(async () => {
    visit?.unplug();
    expect(desk?.troubles).toEqual([]);
    await desk?.clear();
  });
  afterAll(() => desk?.close());

  /** A device with something typed at its prompt, and the dialog. */
  async function plugIn(typed = ""): Promise<Visit> {
    visit = new Visit();
    visit.device.port.send(typed);
    desk ??= await Desk.open();
    await visit.open(desk);
    await visit.sees("Enter credentials");
    return visit;
  }

  test("the strongest network, a wrong password, the right one: provisioned, kept, and readings arrive", async () => {
    const it = await plugIn();
    const info = await it.page.locator(".device-info").innerText();
    expect(info.split(/\n+/).slice(1)).toEqual([
      ...["Name", "kitchen", "Firmware", "home-thermometer", "Version", VERSION, "Chip", "simulated"],
    ]);
    await it.password("wrong horse");
    await it.press("Connect");
    await it.sees("Unable to connect");
    await it.password("correct horse");
    await it.press("Connect");
    await it.sees("Provisioned!");
    expect(it.device.port.written).not.toMatch(/(wrong|correct) horse/);
    expect(it.afterPowerCut("wifi.ssid", "wifi.password")).toEqual(["home", "correct horse"]);
    it.device.house.time.advance(30_000);
    expect(it.device.house.readings().length).toBeGreaterThan(0);
  });

  test("another network of the list, its name and password beyond ASCII", async () => {
    const it = await plugIn();
    await it.choose("Küche");
    await it.password("Pferdestärke");
    await it.press("Connect");
    await it.sees("Provisioned!");
    expect(it.device.port.written).not.toContain("Pferdestärke");
    expect(it.afterPowerCut("wifi.ssid", "wifi.password")).toEqual(["Küche", "Pferdestärke"]);
  });

  test("an open network asks for no password", async () => {
    const it = await plugIn();
    await it.choose("café");
    await expect.poll(() => it.page.locator("md-outlined-text-field").count()).toBe(0);
    await it.press("Connect");
    await it.sees("Provisioned!");
    expect(it.afterPowerCut("wifi.ssid", "wifi.password")).toEqual(["café", ""]);
  });

  test("a half typed line is still at the prompt when the dialog is closed", async () => {
    const it = await plugIn("set room at");
    await it.password("correct horse");
    await it.press("Connect");
    await it.sees("Provisioned!");
    await it.press("Close");
    await it.page.locator("md-dialog").waitFor({ state: "detached" });
    it.device.port.send("tic\rsave\r");
    expect(it.afterPowerCut("room", "wifi.ssid")).toEqual(["attic", "home"]);
  });
});
