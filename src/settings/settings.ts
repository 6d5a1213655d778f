/*
 * The settings of a running device, in four layers, in order of precedence: overrides (command line, for this run, never
 * stored), saved values, the board's defaults (mcconfig's key=value), the schema's defaults. An edit is staged by `set` and
 * takes effect with `save`: at once, or after the next boot where the schema requires it. Values in force therefore change only
 * in `save`. Each layer contains only its own values and inherits the others from the layer below, down to the schema's
 * defaults in flash: a value needs RAM only if it was set. No I/O except the key-value store; no clock. Secrets are never
 * shown.
 */
import type { PastedKey } from "./broker-settings.js";
import { readLong } from "./long-values.js";
import { expectation, formatValue, parseSetting, requireSetting, SettingError, suggestions } from "./parse.js";
import { kindPasted, PastedValues, type Pasting, pasting } from "./pasted.js";
import { defaultValues, findSetting, type Key, keys, type Setting, type Value, type Values } from "./schema.js";
import { GenerationStore, type KeyValueStore, type Stored } from "./store.js";

/** The object is kept, and its two callbacks are called on it. */
export interface SettingsOptions {
  /** The store of the settings. It belongs to the caller: `Settings` does not close it. */
  readonly store: KeyValueStore;
  /** The board's defaults, as texts by key; invalid ones are reported and ignored. */
  readonly defaults?: Readonly<Record<string, string>>;
  /** Texts by key that override the saved values in this run. An invalid one throws, so that it can be corrected at once. */
  readonly overrides?: Readonly<Record<string, string>>;
  /** The bytes of a pasted setting whose reference came with `defaults` or `overrides`. */
  given?(key: PastedKey): Uint8Array | undefined;
  /** Why this device refuses a valid value; continues after the key; undefined: it accepts it. */
  refuse?(key: Key, value: Value): string | undefined;
  /** Reports invalid settings, one line each; they are ignored. */
  onProblem?(text: string): void;
  /** Called with the keys whose values in force `save` has just changed, without those that wait for a boot. */
  onChange?(keys: readonly Key[]): void;
}

/** Where the value in force comes from. */
export type Origin = "override" | "saved" | "board" | "default";

/** A setting for display: texts, secrets masked. */
export interface SettingState {
  readonly key: string;
  readonly text: string;
  readonly unit: string;
  readonly origin: Origin;
  /** Set and not saved yet. */
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
  readonly unit: string;
  readonly secret: boolean;
  readonly asked: boolean;
  readonly needsReboot: boolean;
  /** Needs several lines: see `paste`. */
  readonly pasted: boolean;
  /** Texts to suggest. */
  readonly suggestions: readonly string[];
}

const MASK = "********";

/** Values by key, own or inherited. Keys must be looked up in the schema first. */
type Layer = { [key: string]: Value };

/** The settings in force, staged edits, and the values after the next boot. `set` throws an error with the line to show. */
export class Settings {
  private readonly options: SettingsOptions;
  private readonly board: Layer = Object.create(defaultValues);
  private readonly saved: Layer = Object.create(this.board);
  /** Each value after the next boot. Own values: the overrides. */
  private readonly effective: Layer = Object.create(this.saved);
  /** Each value in force. Own values: those that stay until the next boot. */
  private readonly inForce: Layer = Object.create(this.effective);
  private readonly edits: Layer = Object.create(null);
  private _pasted: PastedValues | undefined;

  /**
   * Loads the saved settings. `isBrief`: reads only the generation in force, and does not check the other one for damage.
   * @throws SettingError for an invalid override; damage on flash is reported, never thrown
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

  /** The value for `text`. @throws SettingError, as `set` does */
  check(key: string, text: string): Value {
    const value = parseSetting(key, text);
    if (value !== "" && kindPasted(key) !== undefined)
      throw new SettingError(key, `is pasted: enter "set ${key}" alone`);
    const refusal = this.options.refuse?.(key as Key, value);
    if (refusal !== undefined) throw new SettingError(key, refusal);
    return value;
  }

  /** Stages `text`. @throws SettingError, one line with the fault; then nothing is staged */
  set(key: string, text: string): void {
    const value = this.check(key, text);
    this._pasted?.discard(key);
    this.stage(key, value);
  }

  /** Begins to paste a setting. @throws SettingError if it is not pasted, or this device refuses it */
  paste(key: string): Pasting {
    const kind = kindPasted(key);
    if (kind === undefined) throw new SettingError(key, "cannot be pasted");
    const refusal = this.options.refuse?.(key as Key, "pasted");
    if (refusal !== undefined) throw new SettingError(key, refusal);
    return pasting(kind, (reader) => this.stage(key, this.pasted().stage(key, reader)));
  }

  /**
   * The bytes to which a pasted setting refers; undefined if it is empty.
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

  /** Keys that are set but not saved, in the order of the schema. */
  staged(): readonly string[] {
    return keys.filter((key) => key in this.edits);
  }

  /** Discards all staged edits. */
  revert(): void {
    for (const key of this.staged()) {
      this._pasted?.discard(key);
      delete this.edits[key];
    }
  }

  /**
   * Saves the staged edits, or only those of `chosen`: all of them or none. Writes nothing if there are none.
   * @throws Error if the store fails; they stay staged, and the saved values stay
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

  /** Removes saved and staged values. The values in force stay until the next boot. */
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

  /** A setting for display. @throws SettingError if there is no such key */
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

  /** The description of a setting. @throws SettingError if there is no such key */
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

  /** Made when needed: few devices have pasted values, and they are seldom set. */
  private pasted(): PastedValues {
    this._pasted ??= new PastedValues(this.options.store);
    return this._pasted;
  }

  /** Deletes the values of a pasted setting that are not in force from flash. */
  private keepSaved(key: string): void {
    this.pasted().keep(key, this.savedText(key), (text) => this.options.onProblem?.(text));
  }

  /** The text on flash; empty: none. */
  private savedText(key: string): string {
    return Object.hasOwn(this.saved, key) ? String(this.saved[key]) : "";
  }

  /** Saved, but overridden. */
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

  /** All texts to be stored: the stored ones, with those being saved. Keys of a newer firmware are kept. */
  private texts(stored: Stored, saving: readonly string[]): Stored {
    const texts = { ...stored };
    const put = (key: string, value: Value): void => {
      texts[key] = formatValue(value);
    };
    Object.keys(this.saved).forEach((key) => put(key, this.saved[key]));
    saving.forEach((key) => put(key, this.edits[key]));
    return texts;
  }

  /** An edit was saved. Returns whether that changed the value in force. */
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

  /** For a layer that cannot be corrected now: an invalid text is reported and ignored. */
  private take(layer: Layer, key: string, text: string, source: string): void {
    try {
      put(layer, key, parseSetting(key, String(text)));
    } catch (error) {
      if (!(error instanceof SettingError)) throw error;
      this.options.onProblem?.(`${source}: ${error.message}`);
    }
  }
}

/** Gives the layer a value of its own. An assignment would be refused, because the inherited defaults are frozen. */
function put(layer: Layer, key: string, value: Value): void {
  Object.defineProperty(layer, key, { value, writable: true, enumerable: true, configurable: true });
}

function unitOf(setting: Setting): string {
  return setting.type.kind === "number" ? setting.type.unit : "";
}

function shown(setting: Setting, value: Value): string {
  const text = formatValue(value);
  if (setting.type.kind === "text" && setting.type.pasted !== undefined) return text; // a reference reveals nothing
  return setting.secret && text !== "" ? MASK : text;
}
