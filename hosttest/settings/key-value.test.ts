/*
 * The simulated NVS: atomic at every byte, through garbage collection, worn cells and cut erases.
 */
import { describe, expect, test } from "vitest";
import { generator, NorFlash, PowerCut } from "../../boards/parts/flash/nor-flash.js";
import { KeyValueOnFlash } from "../../boards/parts/key-value.js";

function bytes(text: string): ArrayBuffer {
  return Uint8Array.from(text, (character) => character.charCodeAt(0)).buffer;
}

function text(value: ArrayBuffer | undefined): string | undefined {
  return value === undefined ? undefined : String.fromCharCode(...new Uint8Array(value));
}

describe("values", () => {
  test("are read back, also after a boot; the newest counts; a deleted key is undefined", () => {
    const flash = new NorFlash({ blocks: 3 });
    const store = new KeyValueOnFlash(flash);
    store.write("a", bytes("one"));
    store.write("a", bytes("two"));
    store.write("empty", bytes(""));
    store.write("gone", bytes("x"));
    store.delete("gone");
    store.delete("never");
    const check = (one: KeyValueOnFlash): void => {
      expect(text(one.read("a"))).toBe("two");
      expect(text(one.read("empty"))).toBe("");
      expect(one.read("gone")).toBeUndefined();
      expect(one.keys()).toEqual(["a", "empty"]);
    };
    check(store);
    store.close();
    check(new KeyValueOnFlash(flash));
    expect(flash.violations).toBe(0);
  });

  test("4,000 bytes fit, one more does not; 15 characters of a key do, and count when it is read", () => {
    const store = new KeyValueOnFlash(new NorFlash({ blocks: 3 }));
    store.write("fifteen.letters", bytes("x".repeat(4_000)));
    expect(store.read("fifteen.letters and more")?.byteLength).toBe(4_000);
    expect(() => store.write("a", bytes("x".repeat(4_001)))).toThrow("value of 4001 bytes: 4000 at most");
    expect(() => store.write("sixteen.letters.", bytes("x"))).toThrow('key "sixteen.letters.": 1 to 15 characters');
  });

  test("more than fits: no space is an error, and what was there stays", () => {
    const flash = new NorFlash({ blocks: 3 });
    const store = new KeyValueOnFlash(flash);
    store.write("a", bytes("x".repeat(4_000)));
    store.write("b", bytes("y".repeat(4_000)));
    expect(() => store.write("c", bytes("z".repeat(4_000)))).toThrow("no space");
    store.close();
    expect(text(new KeyValueOnFlash(flash).read("b"))).toBe("y".repeat(4_000));
  });

  test("a thousand writes wear all blocks evenly", () => {
    const flash = new NorFlash({ blocks: 6 });
    const store = new KeyValueOnFlash(flash);
    for (let i = 0; i < 1_000; i++) store.write(`key${i % 5}`, bytes(`${i}`.repeat(50)));
    expect(Math.max(...flash.erases) - Math.min(...flash.erases)).toBeLessThanOrEqual(1);
    for (let i = 995; i < 1_000; i++) expect(text(store.read(`key${i % 5}`))).toBe(`${i}`.repeat(50));
  });

  test("too small a flash is refused", () => {
    expect(() => new KeyValueOnFlash(new NorFlash({ blocks: 2 }))).toThrow(
      "flash of 2 blocks: a key-value store needs 3",
    );
    expect(() => new KeyValueOnFlash(new NorFlash({ blocks: 8, blockLength: 1024 }))).toThrow(
      "blockLength 1024: too small",
    );
  });
});

describe("one store at a time", () => {
  test("a second one beside it is refused before it reads or writes: it would blank what the first one wrote", () => {
    const flash = new NorFlash({ blocks: 3 });
    const store = new KeyValueOnFlash(flash);
    store.write("room", bytes("one"));
    const { programs } = flash;
    expect(() => new KeyValueOnFlash(flash)).toThrow("a key-value store is open on this flash already");
    expect(flash.programs).toBe(programs);
    store.write("room", bytes("two"));
    store.close();
    expect(text(new KeyValueOnFlash(flash).read("room"))).toBe("two");
  });

  test("a closed one does nothing more, and one that a power cut left behind neither", () => {
    const flash = new NorFlash({ blocks: 3 });
    const closed = new KeyValueOnFlash(flash);
    closed.write("room", bytes("one"));
    closed.close();
    const left = new KeyValueOnFlash(flash);
    flash.powerOff();
    flash.powerOn();
    const store = new KeyValueOnFlash(flash);
    for (const old of [closed, left]) {
      old.close();
      expect(() => old.read("room")).toThrow("closed");
      expect(() => old.write("room", bytes("two"))).toThrow("closed");
      expect(() => old.delete("room")).toThrow("closed");
      expect(() => old.keys()).toThrow("closed");
    }
    expect(text(store.read("room"))).toBe("one");
  });

  test("one whose mount failed does not block others", () => {
    const flash = new NorFlash({ blocks: 3 });
    flash.faults = { program: () => "error" };
    expect(() => new KeyValueOnFlash(flash)).toThrow("write failed");
    flash.faults = {};
    expect(new KeyValueOnFlash(flash).keys()).toEqual([]);
  });
});

/** The allowed content of a store: by key, the values that it may have. */
type Model = Map<string, Set<string | undefined>>;

describe("power cuts", () => {
  const SEEDS = 60;
  test(`${SEEDS} lives of writes and deletes, cut anywhere, mounting included: each key has its last value or the one being written`, () => {
    for (let seed = 1; seed <= SEEDS; seed++) live(seed);
  });
});

test("the write that empties a block, cut at every byte: what only that block held is never lost", () => {
  const { image, round } = beforeEmptying();
  let cuts = 0;
  for (let draw = 0; draw < 18; draw++) {
    const bits = draw === 0 ? "none" : draw === 1 ? "all" : "some"; // only the last depends on random numbers
    for (let step = 0; ; step++) {
      const flash = new NorFlash({ blocks: 3, bytes: image.slice(), random: generator(1_000 * draw + step) });
      const store = new KeyValueOnFlash(flash);
      flash.cutAfter(step, bits);
      try {
        store.write("churn", bytes(`${round}`.repeat(20)));
        break;
      } catch (error) {
        if (!(error instanceof PowerCut)) throw error;
      }
      cuts += 1;
      const model: Model = new Map([
        ["kept", new Set(["precious"])],
        ["churn", new Set([`${round - 1}`.repeat(20), `${round}`.repeat(20)])],
      ]);
      for (let boot = 0; boot < 3; boot++) {
        flash.powerOn();
        mount(flash, model, step);
      }
    }
  }
  expect(cuts).toBeGreaterThan(18 * 100);
});

/** A flash on which the next write of "churn" frees the block of "kept". */
function beforeEmptying(): { image: Uint8Array; round: number } {
  const flash = new NorFlash({ blocks: 3 });
  const store = new KeyValueOnFlash(flash);
  store.write("kept", bytes("precious"));
  for (let round = 100; ; round++) {
    const image = flash.bytes.slice();
    const erases = flash.erases[2];
    store.write("churn", bytes(`${round}`.repeat(20)));
    if (flash.erases[2] > erases) return { image, round };
  }
}

/** One life: power is cut in the middle of operations, again and again. */
function live(seed: number): void {
  const random = generator(seed);
  const flash = new NorFlash({ blocks: 3 + (seed % 3), random });
  const model: Model = new Map();
  let store: KeyValueOnFlash | undefined;
  for (let step = 0; step < 400; step++) {
    if (random() < 0.15) flash.cutAfter(Math.floor(random() * 1_500), random() < 0.5 ? "some" : "all");
    try {
      store ??= mount(flash, model, seed);
      change(store, model, random);
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
      store = undefined;
      flash.powerOn();
    }
  }
  flash.powerOn();
  mount(flash, model, seed);
}

function change(store: KeyValueOnFlash, model: Model, random: () => number): void {
  const key = `key${Math.floor(random() * 4)}`;
  const isDelete = random() < 0.2;
  const value = isDelete ? undefined : String(random()).repeat(1 + Math.floor(random() * 40));
  const before = model.get(key) ?? new Set([undefined]);
  model.set(key, new Set([...before, value]));
  if (value === undefined) store.delete(key);
  else store.write(key, bytes(value));
  model.set(key, new Set([value]));
}

/** A value read once after a cut stays the same from then on. */
function mount(flash: NorFlash, model: Model, seed: number): KeyValueOnFlash {
  const store = new KeyValueOnFlash(flash);
  for (const [key, possible] of model) {
    const value = text(store.read(key));
    if (!possible.has(value)) throw new Error(`seed ${seed}, ${key}: ${value}, expected one of ${[...possible]}`);
    model.set(key, new Set([value]));
  }
  return store;
}
