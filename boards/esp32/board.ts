/*
 * The board of every ESP32: the SDK's io classes, the flash partition, NVS, Wi-Fi, the prompt's UART.
 * Differences between boards (name, pins) are in `config.board` of each manifest.
 * Runs when it is imported, on the device: it must not be preloaded.
 */

import Analog from "embedded:io/analog";
import Digital from "embedded:io/digital";
import SMBus from "embedded:io/smbus";
import WiFi from "embedded:network/interface/wifi";
import FlashStorage from "embedded:storage/flash";
import KeyValueStorage from "embedded:storage/key-value";
import config from "mc/config";
import type { Board, Firmware } from "../../src/board.js";
import type { WiFiConstructor } from "../../src/network/io.js";
import type { Flash } from "../../src/outbox/flash/flash.js";
import type { AnalogConstructor, BatteryWiring } from "../../src/power/battery.js";
import type { DigitalConstructor, SMBusConstructor } from "../../src/sensor/io.js";
import type { KeyValueStore } from "../../src/settings/store.js";
import { TLSSocket } from "../../src/tls/socket.js";
import { onAbort } from "../moddable/abort.js";
import { TickClock } from "../moddable/clock.js";
import { buildCredentials, buildDefaults, buildUpdateKey } from "../moddable/defaults.js";
import { boardDrivers } from "../moddable/drivers.js";
import { Names } from "../moddable/names.js";
import { ntp } from "../moddable/ntp.js";
import { tcp } from "../moddable/sockets.js";
import { timers } from "../moddable/timers.js";
import { ImageSlots } from "./image-slots.js";
import { isSigned } from "./native/ed25519.js";
import { macAddress } from "./native/mac-address.js";
import { Prompt, promptUARTs, type UART } from "./prompt.js";
import { resetCause } from "./reset-cause.js";
import { Sleeper } from "./sleeper.js";
import { tlsEngine } from "./tls/native.js";

/** `config.board` in a board's manifest. */
interface Wiring {
  readonly name: string;
  /** `port`: the processor's I2C unit; absent: any. */
  readonly sensor: { readonly data: number; readonly clock: number; readonly port?: number };
  /** The UARTs of the prompt, the preferred first. */
  readonly prompt: readonly UART[];
  /** A pin that wakes the chip from deep sleep when it is low: that of the board's button, if it can wake the chip. */
  readonly button: number;
  /** The partition table has two application slots; absent: it has one, and the board takes no updates. */
  readonly hasTwoSlots?: boolean;
  /** The divider between the cells and a pin of the ADC; absent: there is none. */
  readonly battery?: BatteryWiring;
}

/** As in the partition table. */
const OUTBOX_PARTITION = "outbox";
const SETTINGS_PARTITION = "nvs";
/** Voltage of the ADC's highest value, at the SDK's default attenuation (modules/io/analog/esp32/_analog.c, kAttenuationTable). */
const ADC_VOLTS = 2.45;
/** NVS accepts names of up to 15 characters. */
const SETTINGS_NAMESPACE = "thermometer";

const wiring: Wiring = config.board;
const clock = new TickClock();

/** Expensive parts are created on first use: a wake that samples and sleeps needs few of them. */
export const board: Board = {
  name: wiring.name,
  get mac() {
    return macAddress();
  },
  timers,
  clock,
  random: () => Math.random(), // the chip's noise: xsHost.h gives XS esp_random()
  setUtc: (utcMs) => clock.setUtc(utcMs),
  openFlash: () => FlashStorage.open({ path: OUTBOX_PARTITION }) as Flash,
  openSettings: () => KeyValueStorage.open({ path: SETTINGS_NAMESPACE }) as KeyValueStore,
  // NVS keeps deleted values until it needs the page. The partition has no other data of ours, and none of Wi-Fi (wifi-esp32.c: nvs_enable 0).
  openSettingsFlash: () => FlashStorage.open({ path: SETTINGS_PARTITION }) as Flash,
  // The SDK's typings are wrong: I2C's parameters are a tuple there, not an object, and `timeout` and the `close` of I2C and Analog are missing.
  sensor: {
    io: SMBus as unknown as SMBusConstructor,
    digital: Digital as unknown as DigitalConstructor,
    ...wiring.sensor,
  },
  get drivers() {
    return boardDrivers();
  },
  tcp,
  tls: { io: TLSSocket, hasPublicCAs: false, socket: tcp, engine: tlsEngine, timers },
  dns: { io: Names },
  wifi: { io: WiFi as unknown as WiFiConstructor },
  sleep: { io: Sleeper, button: wiring.button },
  battery: wiring.battery && { io: Analog as unknown as AnalogConstructor, fullVolts: ADC_VOLTS, ...wiring.battery },
  // An image is for one board, not for every board with this chip: other boards have other pins.
  update: wiring.hasTwoSlots
    ? {
        io: ImageSlots,
        chip: wiring.name,
        isSigned: (message, signature, key) => isSigned(message, signature, key) === 1,
        get key() {
          return buildUpdateKey();
        },
      }
    : undefined,
  ntp,
  serial: { io: Prompt, uarts: promptUARTs(config.prompt, wiring.prompt) },
  get defaults() {
    return buildDefaults();
  },
  get credentials() {
    return buildCredentials();
  },
  boot: (start: () => Firmware) => {
    start();
  },
  restart: (reason) => {
    trace(`restart: ${reason}\n`);
    System.restart();
  },
  resetCause: resetCause(),
  onUncaught: onAbort,
  trace: (line) => trace(`${line}\n`),
};
