/*
 * The layers of a setting, edits that are staged, saved or discarded, and the values after a boot.
 */
import { describe, expect, test } from "vitest";
import { SettingError } from "../../src/settings/parse.js";
import { Settings, type SettingsOptions } from "../../src/settings/settings.js";
import { GENERATION_KEYS, GenerationStore, MAX_VALUE } from "../../src/settings/store.js";
import { BrokenStore, MemoryStore } from "./memory-store.js";

function boot(store: MemoryStore, options: Partial<SettingsOptions> = {}): Settings {
  return new Settings({ store, ...options });
}

describe("the four layers", () => {
  test("nothing saved: the schema's default, the board's default above it, an override above both", () => {
    const settings = boot(new MemoryStore(), {
      defaults: { room: "hall", interval: "5" },
      overrides: { interval: "0.05" },
    });
    expect(settings.get("mqtt.port")).toBe(0);
    expect(settings.get("room")).toBe("hall");
    expect(settings.get("interval")).toBe(0.05);
    expect(["mqtt.port", "room", "interval"].map((key) => settings.state(key).origin)).toEqual([
      "default",
      "board",
      "override",
    ]);
  });

  test("an override wins over what was saved, and save never stores it", () => {
    const store = new MemoryStore();
    const run = boot(store, { overrides: { room: "kitchen" } });
    run.set("mqtt.qos", "2");
    run.save();
    expect(boot(store).get("room")).toBe("livingroom");
    expect(boot(store).get("mqtt.qos")).toBe(2);
  });

  test("an edit of an overridden key is saved, and takes effect without the override", () => {
    const store = new MemoryStore();
    const run = boot(store, { overrides: { interval: "1" } });
    expect(run.state("interval")).toMatchObject({ text: "1", origin: "override", hidden: undefined });
    run.set("interval", "5");
    run.save();
    expect(run.get("interval")).toBe(1);
    expect(run.state("interval")).toMatchObject({ text: "1", origin: "override", hidden: "5" });
    expect(boot(store).get("interval")).toBe(5);
  });

  test("an edit back to what is in force, where something else is saved for the next boot, is an edit like any other", () => {
    const store = new MemoryStore();
    const run = boot(store);
    run.set("room", "attic"); // in force at the next boot
    run.save();
    expect(run.get("room")).toBe("livingroom");
    run.set("room", "livingroom");
    expect(run.staged()).toEqual(["room"]);
    run.save();
    expect(boot(store).get("room")).toBe("livingroom");
  });

  test("what the owner refuses is not staged, and its reason is the error's; what it does not refuse is", () => {
    const asked: unknown[] = [];
    const run = boot(new MemoryStore(), {
      refuse: (key, value) => {
        asked.push([key, value]);
        return key === "mqtt.tls" && value === true ? "no TLS here" : undefined;
      },
    });
    expect(() => run.set("mqtt.tls", "on")).toThrow(new SettingError("mqtt.tls", "no TLS here"));
    expect(run.staged()).toEqual([]);
    run.set("room", "attic");
    expect(run.staged()).toEqual(["room"]);
    expect(asked).toEqual([
      ["mqtt.tls", true],
      ["room", "attic"],
    ]);
  });

  test("a wrong board default is reported and passed over; a wrong override throws", () => {
    const problems: string[] = [];
    const settings = boot(new MemoryStore(), {
      defaults: { room: "a/b", rom: "x" },
      onProblem: (line) => problems.push(line),
    });
    expect(settings.get("room")).toBe("livingroom");
    expect(problems).toEqual([
      'board default: room: got "a/b", expected one topic level: 1 to 64 bytes, without / + # and control characters',
      "board default: rom: no such setting, did you mean room?",
    ]);
    expect(() => boot(new MemoryStore(), { overrides: { room: "+" } })).toThrow(SettingError);
  });
});

describe("staged edits", () => {
  test("set stages; what is in force changes in save, and for a key that needs a boot, at the boot", () => {
    const store = new MemoryStore();
    const changes: (readonly string[])[] = [];
    const settings = boot(store, { onChange: (keys) => changes.push(keys) });
    settings.set("interval", "5");
    settings.set("room", "attic");
    expect(settings.staged()).toEqual(["room", "interval"]);
    expect([settings.get("interval"), settings.get("room")]).toEqual([60, "livingroom"]);
    expect(settings.state("room")).toMatchObject({ text: "livingroom", staged: "attic", origin: "default" });
    settings.save();
    expect(settings.staged()).toEqual([]);
    expect([settings.get("interval"), settings.get("room")]).toEqual([5, "livingroom"]);
    expect(settings.state("room")).toMatchObject({ text: "livingroom", atBoot: "attic", origin: "saved" });
    expect(changes).toEqual([["interval"]]);
    expect(boot(store).get("room")).toBe("attic");
  });

  test("revert takes them back; setting the saved value again stages nothing", () => {
    const store = new MemoryStore();
    const settings = boot(store);
    settings.set("room", "attic");
    settings.revert();
    settings.set("interval", "60");
    expect(settings.staged()).toEqual([]);
    settings.save();
    expect(store.writes).toBe(0);
  });

  test("a wrong text stages nothing and keeps what was staged before", () => {
    const settings = boot(new MemoryStore());
    settings.set("room", "attic");
    expect(() => settings.set("room", "a/b")).toThrow(SettingError);
    expect(settings.state("room").staged).toBe("attic");
  });

  test("save of some keys leaves the others staged", () => {
    const store = new MemoryStore();
    const settings = boot(store);
    settings.set("room", "attic");
    settings.set("wifi.ssid", "home");
    settings.save(["wifi.ssid"]);
    expect(settings.staged()).toEqual(["room"]);
    expect(boot(store).get("wifi.ssid")).toBe("home");
    expect(boot(store).get("room")).toBe("livingroom");
  });

  test("a store that cannot keep them: save throws, they stay staged, nothing in force changes", () => {
    const settings = new Settings({ store: new BrokenStore() });
    settings.set("interval", "5");
    expect(() => settings.save()).toThrow("no space");
    expect(settings.staged()).toEqual(["interval"]);
    expect(settings.get("interval")).toBe(60);
  });

  test("a store that cannot be read while they are saved: save throws, and what was saved is in force at the next boot", () => {
    const store = new MemoryStore();
    const settings = boot(store);
    for (const room of ["attic", "cellar", "kitchen"]) {
      settings.set("room", room);
      settings.save();
    }
    const read = store.read.bind(store);
    let failures = 2; // both generations
    store.read = (key) => {
      if (failures-- > 0) throw new Error("mismatch");
      return read(key);
    };
    settings.set("room", "hall");
    expect(() => settings.save()).toThrow("do not read back");
    expect(settings.staged()).toEqual(["room"]);
    expect(boot(store).get("room")).toBe("kitchen");
    settings.save();
    expect(boot(store).get("room")).toBe("hall");
  });

  test("secrets are masked wherever they can be shown, and their presence is not", () => {
    const settings = boot(new MemoryStore());
    settings.set("wifi.password", "correct horse");
    expect(settings.text("wifi.password")).toBe("");
    expect(settings.state("wifi.password").staged).toBe("********");
    settings.save();
    expect(settings.text("wifi.password")).toBe("********");
    expect(settings.get("wifi.password")).toBe("correct horse");
  });
});

describe("generations", () => {
  test("every save overwrites the older one; a damaged newer one leaves the previous one", () => {
    const store = new MemoryStore();
    const settings = boot(store);
    for (const room of ["one", "two", "three"]) {
      settings.set("room", room);
      settings.save();
    }
    expect([...store.values.keys()].sort()).toEqual([...GENERATION_KEYS]);
    expect(boot(store).get("room")).toBe("three");
    store.values.get("settings.a")![20] ^= 1;
    const problems: string[] = [];
    expect(boot(store, { onProblem: (line) => problems.push(line) }).get("room")).toBe("two");
    expect(problems).toEqual(["settings on flash are damaged: the previous ones apply"]);
  });

  test("any single byte changed in either value is noticed", () => {
    const store = new MemoryStore();
    for (const room of ["one", "two"]) {
      const settings = boot(store);
      settings.set("room", room);
      settings.save();
    }
    for (const [key, other] of [
      ["settings.a", "two"],
      ["settings.b", "one"],
    ]) {
      const bytes = store.values.get(key)!;
      for (let i = 0; i < bytes.length; i++) {
        bytes[i] ^= 0x10;
        expect(boot(store).get("room"), `${key} byte ${i}`).toBe(other);
        bytes[i] ^= 0x10;
      }
    }
  });

  test("both damaged: the defaults, and a line that reports it", () => {
    const store = new MemoryStore();
    for (const key of GENERATION_KEYS) store.values.set(key, Uint8Array.of(1, 2, 3));
    const problems: string[] = [];
    expect(boot(store, { onProblem: (line) => problems.push(line) }).get("room")).toBe("livingroom");
    expect(problems).toEqual(["settings on flash are damaged: defaults apply"]);
  });

  test("a store that throws on reading is a damaged one", () => {
    expect(new Settings({ store: new BrokenStore() }).get("room")).toBe("livingroom");
  });

  test("settings of a newer format stay where they are, and the previous ones apply", () => {
    const store = new MemoryStore();
    const settings = boot(store);
    settings.set("room", "one");
    settings.save();
    store.values.set("settings.b", newerFormat(store.values.get("settings.a")!));
    const problems: string[] = [];
    expect(boot(store, { onProblem: (line) => problems.push(line) }).get("room")).toBe("one");
    expect(problems).toEqual(["settings of a newer firmware (format 2) cannot be read: the previous ones apply"]);
  });

  test("only a newer format: the defaults apply, and the first save is written beside it", () => {
    const store = new MemoryStore();
    boot(store);
    const older = new MemoryStore();
    new GenerationStore(older).save({ room: "one" });
    store.values.set("settings.a", newerFormat(older.values.get("settings.b")!));
    const settings = boot(store);
    settings.set("room", "two");
    settings.save();
    expect(boot(store).get("room")).toBe("two");
    expect(store.values.get("settings.a")![0]).toBe(2);
  });

  test("keys of a newer firmware survive a boot and a save, with any values", () => {
    const store = new MemoryStore();
    const newer = {
      "display.colour": "teal",
      schedule: [1, { at: "7:00" }],
      room: "attic",
      interval: "0.001",
      部屋: "😀",
    };
    new GenerationStore(store).save(newer);
    const problems: string[] = [];
    const settings = boot(store, { onProblem: (line) => problems.push(line) });
    expect(settings.get("room")).toBe("attic");
    expect(settings.get("interval")).toBe(60); // a range that the newer firmware widened
    expect(problems).toEqual(['saved: interval: got "0.001", expected a number from 0.01 to 86400 (s)']);
    settings.set("mqtt.qos", "0");
    settings.save();
    expect(new GenerationStore(store).load().settings).toEqual({ ...newer, "mqtt.qos": "0" });
  });

  test("any UTF-8 in credentials is read back", () => {
    const store = new MemoryStore();
    const settings = boot(store);
    settings.set("wifi.ssid", 'Ünïcode "😀"');
    settings.set("wifi.password", "пароль\t\\\n");
    settings.save();
    expect(boot(store).get("wifi.ssid")).toBe('Ünïcode "😀"');
    expect(boot(store).get("wifi.password")).toBe("пароль\t\\\n");
  });

  test("the longest texts of every setting fit one value of NVS", () => {
    const store = new MemoryStore();
    const settings = boot(store);
    const longest: Record<string, string> = { id: "a".repeat(23), sensor: "a".repeat(15), hostname: "a".repeat(32) };
    for (const key of ["mqtt.host", "ntp"]) longest[key] = "a".repeat(128);
    for (const [key, bytes] of [
      ["room", 64],
      ["wifi.ssid", 32],
      ["wifi.password", 62],
      ["mqtt.user", 64],
      ["mqtt.password", 128],
    ] as const) {
      longest[key] = "é".repeat(bytes / 2); // escaped, two bytes take six
    }
    for (const [key, text] of Object.entries(longest)) settings.set(key, text);
    settings.save();
    expect(boot(store).text("room")).toBe(longest.room);
    expect(store.values.get("settings.a")!.length).toBeLessThan(MAX_VALUE / 2);
  });

  test("settings of a newer firmware too long to be saved again: reported, and nothing is lost", () => {
    const store = new MemoryStore();
    new GenerationStore(store).save({ extra: "x".repeat(MAX_VALUE - 40) });
    const settings = boot(store);
    settings.set("mqtt.host", "broker.example.org");
    expect(() => settings.save()).toThrow(/settings take \d+ bytes, 4000 fit/);
    expect(settings.staged()).toEqual(["mqtt.host"]);
  });
});

describe("factory reset", () => {
  test("forgets everything at the next boot, and the saved texts are removed from the store", () => {
    const store = new MemoryStore();
    const settings = boot(store, { defaults: { room: "hall" } });
    for (const room of ["one", "two"]) {
      settings.set("room", room);
      settings.save();
    }
    settings.set("interval", "5");
    settings.factoryReset();
    expect(store.values.size).toBe(0);
    expect(settings.staged()).toEqual([]);
    expect(boot(store, { defaults: { room: "hall" } }).get("room")).toBe("hall");
  });
});

/** The same value as a newer firmware would write it: format 2, a CRC that fits. */
function newerFormat(value: Uint8Array): Uint8Array {
  const bytes = value.slice();
  bytes[0] = 2;
  const view = new DataView(bytes.buffer);
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) {
    if (i >= 8 && i < 12) continue;
    crc ^= bytes[i];
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  view.setUint32(8, ~crc >>> 0, true);
  return bytes;
}

describe("texts that an older firmware took and this one does not", () => {
  test.each([
    ["room", "a\ufdd0", "livingroom"],
    ["mqtt.host", "fe80::1", ""],
    ["mqtt.user", "a\u0001", ""],
  ])("%s: the default applies, a line says why, and another text can be saved", (key, text, standard) => {
    const store = new MemoryStore();
    new GenerationStore(store).save({ [key]: text, interval: "7" });
    const problems: string[] = [];
    const settings = new Settings({ store, onProblem: (problem) => problems.push(problem) });
    expect(settings.text(key)).toBe(standard);
    expect(settings.get("interval")).toBe(7);
    expect(problems).toEqual([expect.stringMatching(new RegExp(`^saved: ${key}: got .*, expected .*: `))]);
    settings.set(key, "attic");
    settings.save();
    expect(new Settings({ store }).text(key)).toBe("attic");
  });
});
