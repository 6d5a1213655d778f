/* Certificates and keys among the settings: pasting them, and their state in flash after any power cut. */
import { describe, expect, test } from "vitest";
import { generator, NorFlash, PowerCut } from "../../boards/parts/flash/nor-flash.js";
import { KeyValueOnFlash } from "../../boards/parts/key-value.js";
import { MAX_LONG_VALUE, referenceTo } from "../../src/settings/long-values.js";
import { Settings } from "../../src/settings/settings.js";
import type { KeyValueStore } from "../../src/settings/store.js";
import { MemoryStore } from "./memory-store.js";
import { derOf, pemOf } from "./pem.js";

const CA = "mqtt.ca";
const KEY = "mqtt.key";

/** Enters the lines of `text`; returns how many were accepted. */
function paste(settings: Settings, key: string, text: string): number {
  const pasting = settings.paste(key);
  const lines = text.split("\n");
  const last = lines.findIndex((line) => !pasting.take(line));
  pasting.stage();
  pasting.close();
  return last < 0 ? lines.length : last + 1;
}

const open = (store: KeyValueStore): Settings => new Settings({ store });

describe("a paste", () => {
  test("of a chain ends with an empty line, of a key with its END; text around the blocks is passed over", () => {
    const settings = open(new MemoryStore());
    const [one, two] = [derOf(700, 1), derOf(800, 2)];
    const text = `subject=CN = one\n${pemOf("CERTIFICATE", one)}# the next\r\n${pemOf("CERTIFICATE", two)}\nsave\n`;
    expect(paste(settings, CA, text)).toBe(text.split("\n").length - 2);
    settings.save();
    expect(settings.bytes(CA)).toEqual(Uint8Array.from([...one, ...two]));
    const parameters = pemOf("EC PARAMETERS", derOf(300, 4));
    const key = parameters + pemOf("EC PRIVATE KEY", derOf(320, 5));
    expect(paste(settings, KEY, `${key}save\n`)).toBe(key.split("\n").length - 1);
    settings.save();
    expect(settings.bytes(KEY)).toEqual(derOf(320, 5));
  });

  test("is shown by its length and digest alone, and cleared by an empty text", () => {
    const store = new MemoryStore();
    const settings = open(store);
    const bytes = derOf(912, 3);
    paste(settings, KEY, pemOf("PRIVATE KEY", bytes));
    const digest = "c7353b5275a71547";
    expect(settings.state(KEY)).toMatchObject({ text: "", staged: `912 bytes, sha256 ${digest}` });
    settings.save();
    expect(settings.state(KEY).text).toBe(`912 bytes, sha256 ${digest}`);
    settings.set(KEY, "");
    settings.save();
    expect(settings.bytes(KEY)).toBeUndefined();
    expect([...store.values.keys()].filter((key) => key.startsWith(KEY))).toEqual([]);
  });

  test("that is none is refused with one line, and nothing is staged", () => {
    const refused = (key: string, text: string): string => {
      const settings = open(new MemoryStore());
      let message = "taken";
      try {
        paste(settings, key, text);
      } catch (error) {
        message = (error as Error).message;
      }
      expect(settings.staged()).toEqual([]);
      return message;
    };
    const key = pemOf("PRIVATE KEY", derOf(600, 1));
    expect(refused(CA, `${key}\n`)).toBe(
      'mqtt.ca: got PRIVATE KEY, expected PEM: a block "-----BEGIN CERTIFICATE-----"',
    );
    expect(refused(KEY, "\n")).toBe('mqtt.key: expected PEM: a block "-----BEGIN PRIVATE KEY-----"');
    expect(refused(KEY, key.replace("\n", "\n*"))).toBe("mqtt.key: the PEM block is not valid Base64");
    expect(refused(KEY, key.replace(/\n.{64}\n/, "\n"))).toBe("mqtt.key: the PEM block is damaged");
    expect(refused(KEY, pemOf("PRIVATE KEY", derOf(MAX_LONG_VALUE + 1, 1)))).toBe(
      `mqtt.key: longer than ${MAX_LONG_VALUE} bytes, the limit`,
    );
    expect(refused(KEY, pemOf("ENCRYPTED PRIVATE KEY", derOf(600, 1)))).toMatch(/the key is encrypted/);
    const settings = open(new MemoryStore());
    expect(() => settings.set(CA, "700 bytes, sha256 0123456789abcdef")).toThrow('mqtt.ca: is pasted: enter "set');
    expect(() => settings.set(KEY, "MIISECRET")).toThrow(/^mqtt.key: got 9 bytes, expected PEM/);
    expect(() => settings.paste("room")).toThrow("room: cannot be pasted");
  });

  test("that is discarded leaves no trace, and the saved one in force", () => {
    const store = new MemoryStore();
    const settings = open(store);
    paste(settings, CA, pemOf("CERTIFICATE", derOf(500, 1)));
    settings.save();
    const before = [...store.values.keys()];
    paste(settings, CA, pemOf("CERTIFICATE", derOf(500, 2)));
    settings.revert();
    settings.save();
    expect([...store.values.keys()]).toEqual(before);
    expect(settings.bytes(CA)).toEqual(derOf(500, 1));
  });

  test("whose save fails stays staged, and the saved one stays in force", () => {
    const store = new MemoryStore();
    const settings = open(store);
    paste(settings, CA, pemOf("CERTIFICATE", derOf(500, 1)));
    settings.save();
    paste(settings, CA, pemOf("CERTIFICATE", derOf(500, 2)));
    const write = store.write.bind(store);
    store.write = (key, value) => {
      if (key.startsWith("settings")) throw new Error("full");
      write(key, value);
    };
    expect(() => settings.save()).toThrow("full");
    expect(open(store).bytes(CA)).toEqual(derOf(500, 1));
    store.write = write;
    settings.save();
    expect(settings.bytes(CA)).toEqual(derOf(500, 2));
    expect(open(store).bytes(CA)).toEqual(derOf(500, 2));
  });

  test("whose bytes are missing in flash is an error, not an empty setting", () => {
    const store = new MemoryStore();
    const settings = open(store);
    paste(settings, CA, pemOf("CERTIFICATE", derOf(500, 1)));
    settings.save();
    store.values.delete("mqtt.ca.a");
    expect(() => open(store).bytes(CA)).toThrow("mqtt.ca: what was saved is not on flash any more: set it again");
  });

  test("what the start was given wins, and is not stored", () => {
    const store = new MemoryStore();
    const given = derOf(640, 9);
    const settings = new Settings({ store, overrides: { [CA]: referenceTo(given) }, given: () => given });
    expect(settings.bytes(CA)).toBe(given);
    expect(settings.state(CA).origin).toBe("override");
    expect(store.writes).toBe(0);
  });
});

test("cut at any byte of a save: the bytes and the settings beside them are both old, or both new; the last save leaves one value", () => {
  const BLOCKS = 4;
  const change = (settings: Settings, generation: number): void => {
    paste(settings, CA, pemOf("CERTIFICATE", derOf(600, generation)));
    settings.set("mqtt.name", `name${generation}`);
    settings.save();
  };
  const on = <T>(flash: NorFlash, action: (store: KeyValueOnFlash) => T): T => {
    flash.powerOn();
    const store = new KeyValueOnFlash(flash);
    try {
      return action(store);
    } finally {
      store.close();
    }
  };
  const first = new NorFlash({ blocks: BLOCKS });
  for (let generation = 1; generation < 4; generation++) on(first, (store) => change(open(store), generation));
  const seen = new Set<number>();
  let isOver = false;
  for (let step = 0; !isOver; step += 7) {
    const flash = new NorFlash({ blocks: BLOCKS, bytes: first.bytes.slice(), random: generator(step + 1) });
    on(flash, (store) => {
      const settings = open(store);
      flash.cutAfter(step, (["none", "some", "all"] as const)[step % 3]);
      try {
        change(settings, 4);
        isOver = !flash.isOff;
      } catch (error) {
        if (!(error instanceof PowerCut)) throw error;
      }
    });
    flash.cutAfter(Number.POSITIVE_INFINITY);
    on(flash, (store) => {
      const after = open(store);
      const generation = Number(after.get("mqtt.name").slice(4));
      expect(after.bytes(CA), `cut after ${step}`).toEqual(derOf(600, generation));
      seen.add(generation);
      change(after, 5);
      expect(open(store).bytes(CA)).toEqual(derOf(600, 5));
      expect(["mqtt.ca.a", "mqtt.ca.b"].filter((key) => store.read(key) !== undefined)).toHaveLength(1);
    });
  }
  expect(seen).toEqual(new Set([3, 4]));
});
