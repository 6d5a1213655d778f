/*
 * The board of the Moddable simulator: the unchanged firmware under XS, with simulated parts on a simulated bus, its flash in
 * a file, the computer's TCP, and a panel with controls beside it.
 *
 *   block   0-  settings (simulated NVS)
 *   block   6-  outbox, 1 MiB
 *   block 262-  boot selection; a file of firmware without updates ends here, and is completed
 *   block 264-  slot 0 for firmware images, 256 KiB
 *   block 328-  slot 1
 */
import config from "mc/config";
import Timer from "timer";
import type { Board, Firmware, ResetCause } from "../../src/board.js";
import { printable } from "../../src/console/port/printable.js";
import type { WakeCause } from "../../src/power/io.js";
import { TLSSocket } from "../../src/tls/socket.js";
import { DeepSleep } from "../common/deep-sleep.js";
import { ImageBoot } from "../common/image-boot.js";
import { tlsEngine } from "../esp32/tls/native.js";
import { onAbort } from "../moddable/abort.js";
import { buildCredentials, buildDefaults, buildUpdateKey } from "../moddable/defaults.js";
import { timers } from "../moddable/timers.js";
import { Cells } from "../parts/cells.js";
import { I2CBus } from "../parts/i2c/i2c-bus.js";
import { SHT3xPart } from "../parts/i2c/sht3x.js";
import { TMP117Part } from "../parts/i2c/tmp117.js";
import { KeyValueOnFlash } from "../parts/key-value.js";
import { wander } from "../parts/wander.js";
import { WiFiLink } from "../parts/wifi-link.js";
import { BLOCK_LENGTH, Image } from "./image.js";
import { type Controls, listen, show } from "./panel.js";
import { Prompt } from "./prompt.js";
import { Names, TCP } from "./sockets.js";
import { hasTLS } from "./tls/library.js";
import { Watcher } from "./watcher.js";

const SETTINGS_BLOCKS = 6;
const OUTBOX_BLOCKS = 256;
const SELECTION_AT = SETTINGS_BLOCKS + OUTBOX_BLOCKS;
const SELECTION_BLOCKS = 2;
const SLOTS_AT = SELECTION_AT + SELECTION_BLOCKS;
const SLOT_BLOCKS = 64;
const NAME = "simulator";
const TMP117_ADDRESS = 0x48;
const SHT3X_ADDRESS = 0x44;
const MAC = "020000000001"; // locally administered
const NETWORK = "simulated"; // the only Wi-Fi network in the air, which is open, and the default of `wifi.ssid`
const CUT_WITHIN_BYTES = 40; // "In a write": about the length of a record
const SLOW_CLOCK_RATE = 1.02; // a chip's is off by a few percent
/** Two AA cells, for a device that sleeps. */
const CELLS = Object.freeze({ volts: 3.01 });
/** Defaults for a sleeping device that somebody watches, in minutes and seconds: a report each hour would be too rare. */
const WATCHED = Object.freeze({ report: "0.5", awake: "10" });

const startMs = Date.now();
const uptimeMs = (): number => Math.max(0, Date.now() - startMs);

const image = openImage(config.flash ?? `${config.file.root}home-thermometer.flash`);
const settingsFlash = image.partition(0, SETTINGS_BLOCKS);
const outboxFlash = image.partition(SETTINGS_BLOCKS, OUTBOX_BLOCKS);
const images = new ImageBoot({
  selection: image.partition(SELECTION_AT, SELECTION_BLOCKS),
  slots: [image.partition(SLOTS_AT, SLOT_BLOCKS), image.partition(SLOTS_AT + SLOT_BLOCKS, SLOT_BLOCKS)],
  timers,
  chip: NAME,
  key: buildUpdateKey(),
  onNoImage: () => noMachine("flash: no slot holds an image: it does not start"),
});
const bus = new I2CBus();
const emptyBus = new I2CBus();
const air = { uptimeMs, celsius: wander({ uptimeMs, random: Math.random }) }; // both chips are in it
const tmp117 = new TMP117Part(air);
const sht3x = new SHT3xPart(air);
bus.attach(TMP117_ADDRESS, tmp117);
bus.attach(SHT3X_ADDRESS, sht3x);
const wifi = new WiFiLink({ timers, accessPoints: [{ ssid: NETWORK, rssi: -58 }] });
const noWiFi = new WiFiLink({ timers, accessPoints: [] });
const watcher = new Watcher();
const chip = new DeepSleep({ timers, uptimeMs, rate: SLOW_CLOCK_RATE, onSleep: fellAsleep, onWake: woke });

let begin: () => Firmware;
let firmware: Firmware | undefined;
let settings: KeyValueOnFlash | undefined;
let resetCause: ResetCause = "power";
let bootedMs = 0; // in uptimeMs, which continues over resets, as the parts do

export const board: Board = {
  name: NAME,
  mac: MAC,
  timers,
  clock: { uptimeMs: () => uptimeMs() - bootedMs, utcMs: () => Date.now() },
  random: () => Math.random(),
  setUtc: () => {}, // the computer's clock is right
  openFlash: () => outboxFlash,
  openSettings: () => {
    settings = new KeyValueOnFlash(settingsFlash);
    return settings;
  },
  openSettingsFlash: () => settingsFlash,
  get sensor() {
    const { SMBus: io, Digital: digital, data, clock } = images.fault === "blind" ? emptyBus : bus;
    return { io, digital, data, clock };
  },
  tcp: { io: TCP },
  tls: hasTLS() ? { io: TLSSocket, hasPublicCAs: false, socket: { io: TCP }, engine: tlsEngine, timers } : undefined,
  dns: { io: Names },
  get wifi() {
    return images.fault === "deaf" ? noWiFi : wifi;
  },
  update: images.port,
  get version() {
    return images.version;
  },
  sleep: { io: chip.io },
  battery: config.sleep === "on" ? new Cells(CELLS).port : undefined,
  serial: config.prompt === undefined ? undefined : { io: Prompt, device: config.prompt },
  defaults: { "wifi.ssid": NETWORK, ...WATCHED, ...buildDefaults() },
  credentials: buildCredentials(),
  observer: watcher,
  trace: (line) => trace(`${line}\n`),
  boot,
  restart,
  get resetCause() {
    return resetCause;
  },
  onUncaught: (record) =>
    onAbort((line) => {
      trace(`${line}\n`);
      record(line);
    }),
};

/** Opens the flash file. If it cannot be used, the panel shows why, and does not start the machine again. @throws Error with one line */
function openImage(path: string): Image {
  try {
    return new Image(path, (SLOTS_AT + 2 * SLOT_BLOCKS) * BLOCK_LENGTH, SELECTION_AT * BLOCK_LENGTH);
  } catch (error) {
    return noMachine(`flash: ${(error as Error).message}`);
  }
}

function noMachine(why: string): never {
  const message = printable(why);
  trace(`${message}\n`);
  show({ fault: message });
  throw new Error(message);
}

function boot(start: () => Firmware): void {
  begin = start;
  trace(`flash: ${image.path}\n`);
  if (board.tls === undefined) trace("tls: none: built without mbedTLS (Debian: libmbedtls-dev)\n");
  listen(turn);
  show({ started: true });
  powerOn();
}

function powerOn(): void {
  images.boot((cause = resetCause) => {
    resetCause = cause;
    bootedMs = uptimeMs();
    firmware = begin();
  });
}

/** As the reset button does: only flash survives. */
function restart(reason: string): void {
  trace(`restart: ${reason}\n`);
  firmware?.close();
  chip.reset();
  startAnew("restart");
}

/** Deep sleep: the firmware does not run until `woke`. */
function fellAsleep(ms: number): void {
  trace(`asleep ms=${ms}\n`);
  watcher.slept(ms);
}

function woke(cause: WakeCause): void {
  trace(`awake: ${cause}\n`);
  startAnew("sleep");
}

function startAnew(cause: ResetCause): void {
  settings?.close();
  wifi.powerCycle();
  resetCause = cause;
  Timer.set(powerOn, 0);
}

/** A control on the panel was moved. */
function turn({ celsius, percent, wifi: onAir, sensor, cut, button }: Controls): void {
  if (button) chip.press();
  if (celsius !== undefined) for (const part of [tmp117, sht3x]) part.celsius = celsius;
  if (percent !== undefined) sht3x.humidity = percent;
  if (onAir !== undefined) onAir ? wifi.up() : wifi.down();
  if (sensor !== undefined) {
    for (const address of [TMP117_ADDRESS, SHT3X_ADDRESS]) sensor ? bus.plug(address) : bus.unplug(address);
  }
  if (cut === "now") show({ off: true });
  if (cut === "write") image.cutAfter(Math.floor(Math.random() * CUT_WITHIN_BYTES), () => show({ off: true }));
}
