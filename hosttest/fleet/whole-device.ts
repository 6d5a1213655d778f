/*
 * A whole device, many of which live in one process: the unchanged firmware with its own flash, settings and sensor.
 */
import { TCP } from "../../boards/desktop/network/tcp.js";
import { timers, uptimeMs } from "../../boards/desktop/timers.js";
import { NorFlash } from "../../boards/parts/flash/nor-flash.js";
import { I2CBus } from "../../boards/parts/i2c/i2c-bus.js";
import { TMP117Part } from "../../boards/parts/i2c/tmp117.js";
import { KeyValueOnFlash } from "../../boards/parts/key-value.js";
import type { Board, Observer } from "../../src/board.js";
import { openedFlash } from "../support/opened-flash.js";

const BLOCKS = 8; // of the outbox; the settings have some more
const SETTINGS_BLOCKS = 3;

export interface DeviceOptions {
  readonly index: number;
  readonly host: string;
  readonly port: number;
  readonly intervalS: number;
  readonly observer: Observer;
  /** Further settings, as texts. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Its room is `room<index>`. */
export function deviceBoard({ index, host, port, intervalS, observer, settings: more }: DeviceOptions): {
  board: Board;
  imageBytes: number;
} {
  const bus = new I2CBus();
  bus.attach(0x48, new TMP117Part({ uptimeMs, celsius: 21.5 }));
  const outbox = new NorFlash({ blocks: BLOCKS });
  const settings = new NorFlash({ blocks: SETTINGS_BLOCKS });
  const board: Board = {
    name: "fleet",
    mac: index.toString(16).padStart(12, "0"),
    timers,
    clock: { uptimeMs, utcMs: () => Date.now() },
    random: Math.random,
    setUtc: () => {},
    openFlash: () => openedFlash(outbox, () => {}),
    openSettings: () => new KeyValueOnFlash(settings),
    sensor: { io: bus.SMBus, digital: bus.Digital, data: bus.data, clock: bus.clock },
    tcp: { io: TCP },
    defaults: { "mqtt.host": host, "mqtt.port": `${port}`, interval: `${intervalS}`, room: `room${index}`, ...more },
    boot: () => {},
    restart: () => {},
    observer,
  };
  return { board, imageBytes: outbox.bytes.length + settings.bytes.length };
}
