/*
 * Improv's view of the thermometer: a browser connects it to a Wi-Fi network and names it. These settings are saved at once;
 * others that were changed at the prompt and not saved are not. The link reports whether the network accepted the device.
 * Keeps one pending attempt, and no password.
 */
import type { ImprovPort } from "../../console/host/host.js";
import { parseSetting } from "../../settings/parse.js";
import { VERSION } from "../../version.js";
import type { Product } from "./product.js";

/** Improv's view of the device. */
export class Provisioning implements ImprovPort {
  private readonly thermometer: Product;
  private attempt: ((joined: boolean) => void) | undefined;

  constructor(thermometer: Product) {
    this.thermometer = thermometer;
  }

  get firmware(): string {
    return "home-thermometer";
  }

  get version(): string {
    return VERSION;
  }

  get hardware(): string {
    return this.thermometer.board.name;
  }

  get hasWiFi(): boolean {
    return this.thermometer.board.wifi !== undefined;
  }

  isOnline(): boolean {
    return this.hasWiFi ? this.thermometer.link?.up === true : true;
  }

  /** @throws Error without Wi-Fi, for an invalid name or password, and if the command line overrides these settings */
  join(ssid: string, password: string, done: (joined: boolean) => void): void {
    const { link, settings } = this.thermometer;
    if (link === undefined || ssid === "") throw new Error("no Wi-Fi");
    parseSetting("wifi.ssid", ssid); // both are checked before either is changed
    parseSetting("wifi.password", password);
    this.keep({ "wifi.ssid": ssid, "wifi.password": password });
    if (settings.get("wifi.ssid") !== ssid || settings.get("wifi.password") !== password) throw new Error("overridden");
    this.attempt = done;
    link.setCredentials(ssid, password); // these may be the current ones: then it tries them at once
    if (link.up) this.linkChanged();
  }

  /** The link came up, or another attempt failed. */
  linkChanged(): void {
    const link = this.thermometer.link;
    const attempt = this.attempt;
    // Down without a problem: it is still leaving the previous network.
    if (attempt === undefined || link === undefined || (!link.up && link.status().trouble === undefined)) return;
    this.attempt = undefined;
    attempt(link.up);
  }

  /** The room, which Improv's clients show as the device's name. */
  deviceName(): string {
    return this.saved("room");
  }

  setDeviceName(name: string): void {
    this.keep({ room: name });
  }

  hostname(): string {
    return this.saved("hostname") || this.thermometer.id;
  }

  setHostname(name: string): void {
    this.keep({ hostname: name });
  }

  private saved(key: string): string {
    const { atBoot, text } = this.thermometer.settings.state(key);
    return atBoot ?? text;
  }

  private keep(texts: Readonly<Record<string, string>>): void {
    const settings = this.thermometer.settings;
    const keys = Object.keys(texts);
    keys.forEach((key) => settings.set(key, texts[key]));
    settings.save(keys);
  }
}
