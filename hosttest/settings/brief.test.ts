/* Settings as read when a sleeper starts to report: only the newer generation, if that is complete. */
import { expect, test } from "vitest";
import { Settings } from "../../src/settings/settings.js";
import { GENERATION_KEYS } from "../../src/settings/store.js";
import { MemoryStore } from "./memory-store.js";

const REPORTED = [expect.stringMatching(/damaged: the previous ones apply$/)];

/** A store with `saves` saves, of rooms 1, 2, 3 and so on. */
function saved(saves: number): MemoryStore {
  const store = new MemoryStore();
  for (let n = 1; n <= saves; n++) {
    const settings = new Settings({ store });
    settings.set("room", `room${n}`);
    settings.save();
  }
  return store;
}

function room(store: MemoryStore, isBrief = true): { room: string; problems: string[] } {
  const problems: string[] = [];
  const settings = new Settings({ store, onProblem: (text) => problems.push(text) }, isBrief);
  return { room: settings.get("room"), problems };
}

/** Changes a byte of the text of a generation; 0 is the newest. */
function damage(store: MemoryStore, saves: number, age: number): void {
  const value = store.values.get(GENERATION_KEYS[(saves - 1 - age) % 2]) as Uint8Array;
  value[value.length - 2] ^= 1;
}

test.each([1, 2, 3, 4])("after %i saves it has what was saved last", (saves) => {
  expect(room(saved(saves))).toEqual({ room: `room${saves}`, problems: [] });
});

test("nothing saved: the defaults", () => {
  expect(room(new MemoryStore())).toEqual({ room: "livingroom", problems: [] });
});

test.each([2, 3])("after %i saves, the newest damaged: the previous ones apply, and it is reported", (saves) => {
  const store = saved(saves);
  damage(store, saves, 0);
  expect(room(store)).toEqual({ room: `room${saves - 1}`, problems: REPORTED });
});

test("damage of the older one is reported if there is time to check, and ignored if not", () => {
  const store = saved(3);
  damage(store, 3, 1);
  expect(room(store, false)).toEqual({ room: "room3", problems: REPORTED });
  expect(room(store)).toEqual({ room: "room3", problems: [] });
});

test("a value too short for a generation: the other one applies, and it is reported", () => {
  for (const which of [0, 1]) {
    const store = saved(3);
    store.values.set(GENERATION_KEYS[which], Uint8Array.of(1));
    expect(room(store).room).toBe(which === 0 ? "room2" : "room3");
    expect(room(store).problems).toEqual(REPORTED);
  }
});

test("the next save overwrites the older one", () => {
  const store = saved(2);
  const settings = new Settings({ store }, true);
  settings.set("room", "attic");
  settings.save();
  expect(room(store).room).toBe("attic");
  damage(store, 3, 0);
  expect(room(store).room).toBe("room2");
});
