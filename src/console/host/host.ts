/*
 * What the console needs of the product, as types. A part that a product does not have is left out, and its command then shows
 * that. Nothing here may throw, except where stated. Texts may contain any characters: the console prints control characters in
 * escape notation.
 */

/** A setting for display: secrets masked. */
export interface SettingState {
  readonly text: string;
  readonly unit: string;
  /** Where the text comes from: "override" takes precedence, for this run only. */
  readonly origin: "override" | "saved" | "board" | "default";
  /** Set, but not saved. */
  readonly staged?: string;
  /** Saved, and in force after the next boot. */
  readonly atBoot?: string;
  /** Saved, but overridden in this run. */
  readonly hidden?: string;
}

/** Description of a setting. */
export interface SettingDescription {
  readonly help: string;
  /** The accepted values: continues after "expected". */
  readonly expects: string;
  /** Never shown, asked for without echo. */
  readonly secret: boolean;
  /** `setup` asks for it. */
  readonly asked: boolean;
  readonly needsReboot: boolean;
  /** Needs several lines: see SettingsPort.paste. */
  readonly pasted: boolean;
  /** Texts to suggest. */
  readonly suggestions: readonly string[];
}

/** A value of several lines that is being pasted into a setting. */
export interface Pasting {
  /** Takes the next line; false: the value is complete. */
  take(line: string): boolean;
  /** The progress so far, for display: "12 lines". */
  readonly progress: string;
  /** Stages the pasted value. Throws an Error with one clear line if it is invalid. */
  stage(): void;
  /** Overwrites the pasted value. Also call it after `stage`. */
  close(): void;
}

/** The settings. Methods with a key throw an Error with one clear line for a wrong key or text. */
export interface SettingsPort {
  readonly keys: readonly string[];
  describe(key: string): SettingDescription;
  state(key: string): SettingState;
  /** Checks whether `text` could be staged: throws as `set` does. */
  check(key: string, text: string): void;
  /** Stages an edit. */
  set(key: string, text: string): void;
  /** Begins to paste a setting. */
  paste(key: string): Pasting;
  staged(): readonly string[];
  revert(): void;
  /** Saves the staged edits, all or those of `keys`. Throws if that fails. */
  save(keys?: readonly string[]): void;
}

/** A Wi-Fi network that was found. */
export interface Network {
  /** Empty: a hidden network. */
  readonly ssid: string;
  /** Signal strength in dBm. */
  readonly rssi: number;
  /** It asks for a password. */
  readonly secured: boolean;
}

/** The result of a request: `lines` to show, or one line with the reason why it failed. */
export type Answer = { readonly lines: readonly string[] } | { readonly failed: string };

/** The waiting readings. */
export interface QueuePort {
  count(): number;
  /** The number of the next reading; all waiting ones have lower numbers. */
  end(): number;
  /** Returns one line per entry at each call, oldest first, and undefined after the last. */
  peek(): () => string | undefined;
  /**
   * Discards entries that still wait and have a number below `end`, a part per turn. `report` is called in later turns with the
   * number discarded and whether that was all, and returns whether to continue.
   */
  drop(end: number, report: (dropped: number, isOver: boolean) => boolean): void;
}

/** What Improv needs of the product: Wi-Fi settings from a browser. They take effect, and are saved, at once. */
export interface ImprovPort {
  readonly firmware: string;
  readonly version: string;
  /** Chip and board. */
  readonly hardware: string;
  /** The device has Wi-Fi. Without it, `join` throws. */
  readonly hasWiFi: boolean;
  /** The network can be reached. */
  isOnline(): boolean;
  /** Joins this network from now on. Calls `done` once, later, with the result. Throws if it cannot be tried. */
  join(ssid: string, password: string, done: (joined: boolean) => void): void;
  deviceName(): string;
  /** Throws if the name is invalid. */
  setDeviceName(name: string): void;
  hostname(): string;
  /** Throws if the name is invalid. */
  setHostname(name: string): void;
  /** Address of the device's own page, if it has one. */
  url?(): string;
}

/** The product. A callback is called once, at once or in a later turn. */
export interface ConsoleHost {
  /** A byte was received. */
  onInput?(): void;
  /** Name, version and board, one line. */
  readonly version: string;
  /** The rows of `status`, in order. */
  status(): readonly (readonly [label: string, value: string])[];
  reboot(): void;
  /**
   * Erases settings and readings, and reboots. Calls `onStuck`, later, if it cannot finish: the device stays up. @throws Error
   * if it cannot begin
   */
  factoryReset(onStuck: () => void): void;
  /** What factoryReset erases, continues after "erases"; default: "all settings". */
  factoryResetErases?(): string;
  /** Shows which device this is; returns how, one line. */
  identify?(): string;
  /** Announces the device at the broker again; false: there is no connection. */
  announce?(): boolean;
  /** Takes a reading now. */
  sampleNow?(done: (answer: Answer) => void): void;
  /** Lists what answers on the sensor's bus. */
  sensors?(done: (answer: Answer) => void): void;
  /** Searches for Wi-Fi networks. */
  scan?(done: (networks: readonly Network[] | { readonly failed: string }) => void): void;
  readonly queue?: QueuePort;
  /** Absent: Improv frames are treated as ordinary bytes. */
  readonly improv?: ImprovPort;
  /** Spelling help: the one of `names` that was probably meant. */
  nearest?(name: string, names: readonly string[]): string | undefined;
}
