/*
 * The settings of a running thermometer. Four layers, the upper one wins: overrides (command line, for this run, never
 * stored), what was saved, the board's defaults (mcconfig's key=value), the schema's defaults.
 * An edit is staged by `set` and takes effect by `save`: at once, or at the next boot where the schema says so. What is
 * in force therefore changes in `save` alone.
 * Each layer holds its own values alone and inherits the others from the layer below it, the schema's defaults (in flash)
 * at the bottom: a value takes RAM only if it was set.
 * No I/O but the key-value store's; no clock. Nothing here shows a secret.
 */
import type { PastedKey } from "./broker-settings.js";
import { readLong } from "./long-values.js";
import { expectation, formatValue, parseSetting, requireSetting, SettingError, suggestions } from "./parse.js";
import { kindPasted, PastedValues, type Pasting, pasting } from "./pasted.js";
import { defaultValues, findSetting, type Key, keys, type Setting, type Value, type Values } from "./schema.js";
import { GenerationStore, type KeyValueStore, type Stored } from "./store.js";

/** Kept: the two callbacks are called on it. */
export interface SettingsOptions {
  /** Where the settings lie. Stays the caller's: `Settings` does not close it. */
  readonly store: KeyValueStore;
  /** The board's defaults, as texts by key; a wrong one is reported and passed over. */
  readonly defaults?: Readonly<Record<string, string>>;
  /** Texts by key that override the saved values in this run. A wrong one throws, so that it can be corrected at once. */
  readonly overrides?: Readonly<Record<string, string>>;
  /** The bytes of a pasted setting whose text came with `defaults` or `overrides`. */
  given?(key: PastedKey): Uint8Array | undefined;
  /** Why an edit cannot be had on this device, reads on after the key; undefined: it can. */
  refuse?(key: Key, value: Value): string | undefined;
  /** Reports what is wrong with the settings found, one line each; they are passed over. */
  onProblem?(text: string): void;
  /** Called with the keys whose values in force `save` has just changed, those that wait for a boot left out. */
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
  /** Saved, and not in force in this run: the override is. */
  readonly hidden?: string;
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
  /** Takes several lines: see `paste`. */
  readonly pasted: boolean;
  /** Texts worth offering. */
  readonly suggestions: readonly string[];
}

const MASK = "********";

/** Values by key, own or inherited. Keys have been looked up in the schema before they come here. */
type Layer = { [key: string]: Value };

/**
 * The settings in force, edits that are staged, and what will be in force at the next boot. `set` throws an error with the
 * line to show.
 */
export class Settings {
  private readonly options: SettingsOptions;
  private readonly board: Layer = Object.create(defaultValues);
  private readonly saved: Layer = Object.create(this.board);
  /** Each value as it is at the next boot. Its own: the overrides. */
  private readonly effective: Layer = Object.create(this.saved);
  /** Each value in force. Its own: those that stay as they are until the next boot. */
  private readonly inForce: Layer = Object.create(this.effective);
  private readonly edits: Layer = Object.create(null);
  private _pasted: PastedValues | undefined;

  /**
   * Loads what was saved. `isBrief`: only what is in force is looked at, not whether what was saved before it is damaged.
   * @throws SettingError for a wrong override; damage on flash is reported, never thrown
   */
  constructor(options: SettingsOptions, isBrief = false) {
    const { defaults = {}, overrides = {} } = options;
    this.options = options;
    Object.keys(overrides).forEach((key) => put(this.effective, key, parseSetting(key, overrides[key])));
    Object.keys(defaults).forEach((key) => this.take(this.board, key, defaults[key], "board default"));
    const { settings, problem } = this.generations().load(isBrief);
    if (problem !== undefined) options.onProblem?.(problem);
    Object.keys(settings).forEach((key) => {
      const text = settings[key];
      if (typeof text === "string" && findSetting(key) !== undefined) this.take(this.saved, key, text, "saved");
    });
  }

  /** All keys, in the order of the schema. */
  get keys(): readonly string[] {
    return keys;
  }

  /** The value in force. */
  get<K extends Key>(key: K): Values[K] {
    return this.inForce[key] as Values[K];
  }

  /** The value in force as text, a secret masked. @throws SettingError if there is no such key */
  text(key: string): string {
    return shown(requireSetting(key), this.inForce[key]);
  }

  /** The value that `text` would be. @throws SettingError, as `set` does */
  check(key: string, text: string): Value {
    const value = parseSetting(key, text);
    if (value !== "" && kindPasted(key) !== undefined)
      throw new SettingError(key, `is pasted: enter "set ${key}" alone`);
    const refusal = this.options.refuse?.(key as Key, value);
    if (refusal !== undefined) throw new SettingError(key, refusal);
    return value;
  }

  /** Stages `text`. @throws SettingError, one line that says what is wrong; nothing is staged then */
  set(key: string, text: string): void {
    const value = this.check(key, text);
    this._pasted?.discard(key);
    this.stage(key, value);
  }

  /** Begins to take a setting that is pasted. @throws SettingError if this is none, or it cannot be had on this device */
  paste(key: string): Pasting {
    const kind = kindPasted(key);
    if (kind === undefined) throw new SettingError(key, "cannot be pasted");
    const refusal = this.options.refuse?.(key as Key, "pasted");
    if (refusal !== undefined) throw new SettingError(key, refusal);
    return pasting(kind, (reader) => this.stage(key, this.pasted().stage(key, reader)));
  }

  /**
   * The bytes that a pasted setting refers to; undefined if it is empty.
   * @throws SettingError if they are not there
   */
  bytes(key: PastedKey): Uint8Array | undefined {
    const reference = this.get(key);
    if (reference === "") return undefined;
    const isSaved = this.origin(key) === "saved";
    const bytes = isSaved ? readLong(this.options.store, key, reference) : this.options.given?.(key);
    if (bytes === undefined) throw new SettingError(key, "what was saved is not on flash any more: set it again");
    return bytes;
  }

  /** Keys that are set and not saved, in the order of the schema. */
  staged(): readonly string[] {
    return keys.filter((key) => key in this.edits);
  }

  /** Takes all staged edits back. */
  revert(): void {
    for (const key of this.staged()) {
      this._pasted?.discard(key);
      delete this.edits[key];
    }
  }

  /**
   * Saves the staged edits, or those `chosen` alone: all of them or none. Writes nothing if there are none.
   * @throws Error if the store cannot keep them; they stay staged, and what was saved stays
   */
  save(chosen: readonly string[] = this.staged()): void {
    const saving = chosen.filter((key) => key in this.edits);
    if (saving.length === 0) return;
    const generations = this.generations();
    const pasted = saving.filter((key) => kindPasted(key) !== undefined);
    try {
      pasted.forEach((key) => this.pasted().write(key, this.savedText(key)));
      generations.save(this.texts(generations.load().settings, saving));
    } catch (error) {
      pasted.forEach((key) => this.keepSaved(key));
      throw error;
    }
    const changed = saving.filter((key) => this.accept(key)) as Key[];
    pasted.forEach((key) => {
      this.pasted().discard(key);
      this.keepSaved(key);
    });
    if (changed.length > 0) this.options.onChange?.(changed);
  }

  /** Forgets what was saved or staged. What is in force stays so until the next boot. */
  factoryReset(): void {
    const generations = this.generations();
    generations.load();
    generations.erase();
    Object.keys(this.saved).forEach((key) => {
      put(this.inForce, key, this.inForce[key]);
      delete this.saved[key];
    });
    this.revert();
    keys.forEach((key) => kindPasted(key) && this.keepSaved(key));
  }

  /** What can be shown of a setting. @throws SettingError if there is no such key */
  state(key: string): SettingState {
    const setting = requireSetting(key);
    const inForce = this.inForce[key];
    const staged: Value | undefined = this.edits[key];
    const next = this.effective[key];
    return {
      key,
      text: shown(setting, inForce),
      unit: unitOf(setting),
      origin: this.origin(key),
      staged: staged === undefined ? undefined : shown(setting, staged),
      atBoot: next === inForce ? undefined : shown(setting, next),
      hidden: this.isHidden(key) ? shown(setting, this.saved[key]) : undefined,
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
      pasted: kindPasted(key) !== undefined,
      suggestions: suggestions(setting.type),
    };
  }

  private stage(key: string, value: Value): void {
    if (value === this.saved[key]) delete this.edits[key];
    else put(this.edits, key, value);
  }

  /** Made when needed: few devices have them, and they are seldom set. */
  private pasted(): PastedValues {
    this._pasted ??= new PastedValues(this.options.store);
    return this._pasted;
  }

  /** Deletes what is on flash of a pasted setting and not in force. */
  private keepSaved(key: string): void {
    this.pasted().keep(key, this.savedText(key), (text) => this.options.onProblem?.(text));
  }

  /** What lies on flash; empty: nothing. */
  private savedText(key: string): string {
    return Object.hasOwn(this.saved, key) ? String(this.saved[key]) : "";
  }

  /** Saved, and an override wins. */
  private isHidden(key: string): boolean {
    return this.origin(key) === "override" && Object.hasOwn(this.saved, key);
  }

  private origin(key: string): Origin {
    if (Object.hasOwn(this.effective, key)) return "override";
    if (Object.hasOwn(this.saved, key)) return "saved";
    return Object.hasOwn(this.board, key) ? "board" : "default";
  }

  /** Made when needed: settings are seldom saved. */
  private generations(): GenerationStore {
    return new GenerationStore(this.options.store);
  }

  /** All that is to lie on flash: what lies there, with what is saved and being saved. Keys of a newer firmware stay. */
  private texts(stored: Stored, saving: readonly string[]): Stored {
    const texts = { ...stored };
    const put = (key: string, value: Value): void => {
      texts[key] = formatValue(value);
    };
    Object.keys(this.saved).forEach((key) => put(key, this.saved[key]));
    saving.forEach((key) => put(key, this.edits[key]));
    return texts;
  }

  /** An edit has been saved. Returns whether that changed the value in force. */
  private accept(key: string): boolean {
    const before = this.inForce[key];
    put(this.saved, key, this.edits[key]);
    delete this.edits[key];
    delete this.inForce[key];
    if (this.effective[key] === before) return false;
    if (requireSetting(key).inForce === "saved") return true;
    put(this.inForce, key, before);
    return false;
  }

  /** A layer that cannot be corrected now: a wrong text is reported and passed over. */
  private take(layer: Layer, key: string, text: string, source: string): void {
    try {
      put(layer, key, parseSetting(key, String(text)));
    } catch (error) {
      if (!(error instanceof SettingError)) throw error;
      this.options.onProblem?.(`${source}: ${error.message}`);
    }
  }
}

/** Gives the layer a value of its own. An assignment would be refused: the defaults that it inherits are frozen. */
function put(layer: Layer, key: string, value: Value): void {
  Object.defineProperty(layer, key, { value, writable: true, enumerable: true, configurable: true });
}

function unitOf(setting: Setting): string {
  return setting.type.kind === "number" ? setting.type.unit : "";
}

function shown(setting: Setting, value: Value): string {
  const text = formatValue(value);
  if (setting.type.kind === "text" && setting.type.pasted !== undefined) return text; // says nothing of what it refers to
  return setting.secret && text !== "" ? MASK : text;
}
