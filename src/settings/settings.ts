/*
 * The settings of a running thermometer. Four layers, the upper one wins: overrides (command line, for this run, never
 * stored), what was saved, the board's defaults (mcconfig's key=value), the schema's defaults.
 * An edit is staged by `set` and takes effect by `save`: at once, or at the next boot where the schema says so. What is
 * in force therefore changes in `save` alone.
 * No I/O but the key-value store's; no clock. Nothing here shows a secret.
 */
import { expectation, formatValue, parseSetting, requireSetting, SettingError, suggestions } from "./parse.js";
import { findSetting, type Key, type Setting, schema, type Value, type Values } from "./schema.js";
import { GenerationStore, type KeyValueStore, type Stored } from "./store.js";

export interface SettingsOptions {
  /** Where the settings lie. Stays the caller's: `Settings` does not close it. */
  readonly store: KeyValueStore;
  /** The board's defaults, as texts by key; a wrong one is reported and passed over. */
  readonly defaults?: Readonly<Record<string, string>>;
  /** Texts by key that win for this run. A wrong one throws: whoever typed it is still there. */
  readonly overrides?: Readonly<Record<string, string>>;
  /** Told what is wrong with the settings found, one line each; they are passed over. */
  onProblem?(text: string): void;
  /** Told the keys whose values in force `save` has just changed, those that wait for a boot left out. */
  onChange?(keys: readonly Key[]): void;
}

/** Where the value in force comes from. */
export type Origin = "override" | "saved" | "board" | "default";

/** A setting as it can be shown: texts, secrets masked. */
export interface SettingState {
  readonly key: string;
  readonly text: string;
  readonly unit: string;
  readonly origin: Origin;
  /** Set and not saved yet. */
  readonly staged?: string;
  /** Saved, and in force at the next boot. */
  readonly atBoot?: string;
}

/** What a setting is. */
export interface SettingDescription {
  readonly help: string;
  /** What it takes: reads on after "expected". */
  readonly expects: string;
  readonly unit: string;
  readonly secret: boolean;
  readonly asked: boolean;
  readonly needsReboot: boolean;
  /** Texts worth offering. */
  readonly suggestions: readonly string[];
}

const MASK = "********";

export class Settings {
  private readonly generations: GenerationStore;
  private readonly onProblem: ((text: string) => void) | undefined;
  private readonly onChange: ((keys: readonly Key[]) => void) | undefined;
  private readonly defaults = new Map<string, Value>();
  private readonly overrides = new Map<string, Value>();
  private readonly saved = new Map<string, Value>();
  private readonly inForce = new Map<string, Value>();
  private readonly _staged = new Map<string, Value>();
  private stored: Stored;

  /** Loads what was saved. @throws SettingError for a wrong override; damage on flash is reported, never thrown */
  constructor({ store, defaults = {}, overrides = {}, onProblem, onChange }: SettingsOptions) {
    this.onProblem = onProblem;
    this.onChange = onChange;
    for (const [key, text] of Object.entries(overrides)) this.overrides.set(key, parseSetting(key, text));
    for (const [key, text] of Object.entries(defaults)) this.take(this.defaults, key, text, "board default");
    this.generations = new GenerationStore(store);
    const loaded = this.generations.load();
    if (loaded.problem !== undefined) onProblem?.(loaded.problem);
    this.stored = loaded.settings;
    for (const { key } of schema) {
      const text = this.stored[key];
      if (typeof text === "string") this.take(this.saved, key, text, "saved");
    }
    for (const setting of schema) this.inForce.set(setting.key, this.effective(setting));
  }

  /** All keys, in the order of the schema. */
  get keys(): readonly string[] {
    return schema.map((setting) => setting.key);
  }

  /** The value in force. */
  get<K extends Key>(key: K): Values[K] {
    return this.inForce.get(key) as Values[K];
  }

  /** The value in force as text, a secret masked. @throws SettingError if there is no such key */
  text(key: string): string {
    return shown(requireSetting(key), this.inForce.get(key)!);
  }

  /** Stages `text`. @throws SettingError, one line that says what is wrong; nothing is staged then */
  set(key: string, text: string): void {
    const value = parseSetting(key, text);
    const setting = requireSetting(key);
    if (value === this.kept(setting)) this._staged.delete(key);
    else this._staged.set(key, value);
  }

  /** Keys that are set and not saved, in the order of the schema. */
  staged(): readonly string[] {
    return this.keys.filter((key) => this._staged.has(key));
  }

  /** Takes all staged edits back. */
  revert(): void {
    this._staged.clear();
  }

  /**
   * Saves the staged edits, or those of `keys` alone: all of them or none. Writes nothing if there are none.
   * @throws Error if the store cannot keep them; they stay staged, and what was saved stays
   */
  save(keys: readonly string[] = this.staged()): void {
    const saving = keys.filter((key) => this._staged.has(key));
    if (saving.length === 0) return;
    const next = { ...this.stored };
    for (const key of saving) next[key] = formatValue(this._staged.get(key)!);
    this.generations.save(next);
    this.stored = next;
    for (const key of saving) {
      this.saved.set(key, this._staged.get(key)!);
      this._staged.delete(key);
    }
    this.enforce(saving);
  }

  /** Forgets what was saved or staged. What is in force stays so until the next boot. */
  factoryReset(): void {
    this.generations.erase();
    this.stored = {};
    this.saved.clear();
    this._staged.clear();
  }

  /** What can be shown of a setting. @throws SettingError if there is no such key */
  state(key: string): SettingState {
    const setting = requireSetting(key);
    const inForce = this.inForce.get(key)!;
    const staged = this._staged.get(key);
    const next = this.effective(setting);
    return {
      key,
      text: shown(setting, inForce),
      unit: unitOf(setting),
      origin: this.origin(setting),
      staged: staged === undefined ? undefined : shown(setting, staged),
      atBoot: next === inForce ? undefined : shown(setting, next),
    };
  }

  /** What a setting is. @throws SettingError if there is no such key */
  describe(key: string): SettingDescription {
    const setting = requireSetting(key);
    return {
      help: setting.help,
      expects: expectation(setting.type),
      unit: unitOf(setting),
      secret: setting.secret === true,
      asked: setting.asked === true,
      needsReboot: setting.inForce === "rebooted",
      suggestions: suggestions(setting.type),
    };
  }

  private origin(setting: Setting): Origin {
    if (this.overrides.has(setting.key)) return "override";
    if (this.saved.has(setting.key)) return "saved";
    return this.defaults.has(setting.key) ? "board" : "default";
  }

  /** The value at the next boot. */
  private effective(setting: Setting): Value {
    return this.overrides.get(setting.key) ?? this.kept(setting);
  }

  /** The value without the overrides: what was saved, or a default. */
  private kept(setting: Setting): Value {
    return this.saved.get(setting.key) ?? this.defaults.get(setting.key) ?? setting.default;
  }

  /** A layer that nobody is there to correct: a wrong text is reported and passed over. */
  private take(layer: Map<string, Value>, key: string, text: string, source: string): void {
    try {
      layer.set(key, parseSetting(key, String(text)));
    } catch (error) {
      if (!(error instanceof SettingError)) throw error;
      this.onProblem?.(`${source}: ${error.message}`);
    }
  }

  private enforce(saved: readonly string[]): void {
    const changed: Key[] = [];
    for (const key of saved) {
      const setting = findSetting(key)!;
      if (setting.inForce !== "saved") continue;
      const next = this.effective(setting);
      if (next === this.inForce.get(key)) continue;
      this.inForce.set(key, next);
      changed.push(setting.key);
    }
    if (changed.length > 0) this.onChange?.(changed);
  }
}

function unitOf(setting: Setting): string {
  return setting.type.kind === "number" ? setting.type.unit : "";
}

function shown(setting: Setting, value: Value): string {
  const text = formatValue(value);
  return setting.secret && text !== "" ? MASK : text;
}
