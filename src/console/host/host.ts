/*
 * What the console needs of the product around it. Types only; the settings and the thermometer fit them by shape.
 * A part that a product does not have is left out, and its command says so. Nothing here may throw, except where stated.
 * Texts may hold any characters: the console prints those that control a terminal in escape notation.
 */

/** A setting as it is shown: secrets masked. */
export interface SettingState {
  readonly text: string;
  readonly unit: string;
  /** Where the text comes from: "override" wins for this run only. */
  readonly origin: "override" | "saved" | "board" | "default";
  /** Set and not saved. */
  readonly staged?: string;
  /** Saved, and in force at the next boot. */
  readonly atBoot?: string;
  /** Saved, and not in force in this run: the override is. */
  readonly hidden?: string;
}

/** What a setting is. */
export interface SettingDescription {
  readonly help: string;
  /** What it takes: reads on after "expected". */
  readonly expects: string;
  /** Never shown, asked for without echo. */
  readonly secret: boolean;
  /** `setup` asks for it. */
  readonly asked: boolean;
  readonly needsReboot: boolean;
  /** Takes several lines: see SettingsPort.paste. */
  readonly pasted: boolean;
  /** Texts worth offering. */
  readonly suggestions: readonly string[];
}

/** A value of several lines, on its way into a setting. */
export interface Pasting {
  /** Takes the next line; false: nothing more is to come. */
  take(line: string): boolean;
  /** What came up to now, for who watches: "12 lines". */
  readonly progress: string;
  /** Stages what came. Throws an Error with one clear line if that cannot be. */
  stage(): void;
  /** Overwrites what came. Also behind `stage`. */
  close(): void;
}

/** The settings. Methods with a key throw an Error with one clear line for a wrong key or text. */
export interface SettingsPort {
  readonly keys: readonly string[];
  describe(key: string): SettingDescription;
  state(key: string): SettingState;
  /** Whether `text` could be staged: throws as `set` does. */
  check(key: string, text: string): void;
  /** Stages an edit. */
  set(key: string, text: string): void;
  /** Begins to take a setting that is pasted. */
  paste(key: string): Pasting;
  staged(): readonly string[];
  revert(): void;
  /** Keeps the staged edits, all or those of `keys`. Throws if that fails. */
  save(keys?: readonly string[]): void;
}

/** A Wi-Fi network that was heard. */
export interface Network {
  readonly ssid: string;
  readonly rssi: number;
  readonly secured: boolean;
}

/** How a request ended: `lines` to show, or one line that says why it failed. */
export type Answer = { readonly lines: readonly string[] } | { readonly failed: string };

/** The readings that wait. */
export interface QueuePort {
  count(): number;
  /** The number that the next reading will have; all waiting ones have lower numbers. */
  end(): number;
  /** Gives one line an entry at each call, the oldest first, and undefined behind the last. */
  peek(): () => string | undefined;
  /**
   * Throws away those that wait still and have a number below `end`, a part a turn. `report` is called from later turns with the
   * number that are gone and whether that was all, and returns whether to go on.
   */
  drop(end: number, report: (dropped: number, isOver: boolean) => boolean): void;
}

/** What Improv needs of the product: a browser's way to the Wi-Fi settings. Takes effect, and is kept, at once. */
export interface ImprovPort {
  readonly firmware: string;
  readonly version: string;
  /** Chip and board. */
  readonly hardware: string;
  /** There is a radio to join a network with. Without one, `join` throws. */
  readonly hasWiFi: boolean;
  /** The network can be reached. */
  isOnline(): boolean;
  /** Joins this network from now on. Calls `done` once, later, with the result. Throws if it cannot be tried. */
  join(ssid: string, password: string, done: (joined: boolean) => void): void;
  deviceName(): string;
  /** Throws if the name cannot be. */
  setDeviceName(name: string): void;
  hostname(): string;
  /** Throws if the name cannot be. */
  setHostname(name: string): void;
  /** Where the device's own page is, if it has one. */
  url?(): string;
}

/** The product. A callback is called once, from a later turn or at once. */
export interface ConsoleHost {
  /** A byte has come in. */
  onInput?(): void;
  /** Name, version and board, one line. */
  readonly version: string;
  /** What `status` shows, in this order. */
  status(): readonly (readonly [label: string, value: string])[];
  reboot(): void;
  /** Erases settings and readings, and reboots. Calls `onStuck`, later, if it cannot finish: the device stays up. @throws Error if it cannot begin */
  factoryReset(onStuck: () => void): void;
  /** What factoryReset would erase, reads on after "erases"; default: "all settings". */
  factoryResetErases?(): string;
  /** Shows which device this is; returns how, one line. */
  identify?(): string;
  /** Makes the device known at the broker once more; false: there is no connection. */
  announce?(): boolean;
  /** Takes a reading now. */
  sampleNow?(done: (answer: Answer) => void): void;
  /** Looks what answers on the sensor's bus. */
  sensors?(done: (answer: Answer) => void): void;
  /** Looks for Wi-Fi networks. */
  scan?(done: (networks: readonly Network[] | { readonly failed: string }) => void): void;
  readonly queue?: QueuePort;
  /** Absent: frames of Improv are bytes like any other. */
  readonly improv?: ImprovPort;
  /** Spelling help: which of `names` was probably meant. */
  nearest?(name: string, names: readonly string[]): string | undefined;
}
