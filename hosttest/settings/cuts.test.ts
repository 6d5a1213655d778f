/*
 * Power cuts at every byte of a save, through the real settings, a simulated NVS and flash that leaves half-way cells:
 * all settings are the old ones, or all are the new ones, and they stay as they were first read.
 */
import { expect, test } from "vitest";
import { type CutBits, generator, NorFlash, PowerCut } from "../../boards/parts/flash/nor-flash.js";
import { KeyValueOnFlash } from "../../boards/parts/key-value.js";
import { Settings } from "../../src/settings/settings.js";

const BLOCKS = 3;
const KINDS: readonly CutBits[] = ["none", "some", "all"];
const LONG = "p".repeat(60);

/** Three settings that belong together: a mixture of two generations would show. */
function edit(settings: Settings, generation: number): void {
  settings.set("room", `room${generation}`);
  settings.set("mqtt.user", `user${generation}`);
  settings.set("mqtt.password", `${LONG}${generation}`);
}

/** The generation of the settings in flash. @throws Error if they are of several generations, or damaged */
function read(flash: NorFlash): number {
  const problems: string[] = [];
  const settings = new Settings({ store: new KeyValueOnFlash(flash), onProblem: (line) => problems.push(line) });
  const generation = Number(settings.get("room").slice("room".length));
  expect(settings.get("mqtt.user")).toBe(`user${generation}`);
  expect(settings.get("mqtt.password")).toBe(`${LONG}${generation}`);
  expect(problems).toEqual([]);
  return generation;
}

/** Flash images after 1, 2, ... saves, each made in its own boot, and the erases of the save after it. */
function history(saves: number): { image: Uint8Array; erases: number }[] {
  const flash = new NorFlash({ blocks: BLOCKS });
  const total = () => flash.erases.reduce((sum, count) => sum + count);
  const images: { image: Uint8Array; erases: number }[] = [];
  for (let generation = 1; generation <= saves + 1; generation++) {
    flash.powerOn();
    const before = total();
    const settings = new Settings({ store: new KeyValueOnFlash(flash) });
    edit(settings, generation);
    settings.save();
    if (generation > 1) images[generation - 2].erases = total() - before;
    images.push({ image: flash.bytes.slice(), erases: 0 });
  }
  return images;
}

const images = history(60);
const after = (saves: number): Uint8Array => images[saves - 1].image;
/** Saves after which the next one takes a new block into use, and may have to free an old one for it. */
const turning = images.flatMap(({ erases }, at) => (erases > 0 ? [at + 1] : []));

/** A boot with `image`, and a save of generation `next` in which power is cut after `step` bytes. */
function saveCutAt(image: Uint8Array, step: number, bits: CutBits, next: number): { flash: NorFlash; isDone: boolean } {
  const flash = new NorFlash({ blocks: BLOCKS, bytes: image.slice(), random: generator(step + 1) });
  const settings = new Settings({ store: new KeyValueOnFlash(flash) });
  edit(settings, next);
  flash.cutAfter(step, bits);
  let isDone = true;
  try {
    settings.save();
  } catch (error) {
    if (!(error instanceof PowerCut)) throw error;
    isDone = false;
  }
  flash.powerOn();
  return { flash, isDone };
}

test("some saves take a new block", () => expect(turning.length).toBeGreaterThanOrEqual(2));

test.each([2, ...turning])(
  "the save after %i others, cut at every byte: old or new, and the same ever after",
  (saves) => {
    const image = after(saves);
    let cuts = 0;
    for (const bits of KINDS) {
      for (let step = 0; ; step++) {
        const { flash, isDone } = saveCutAt(image, step, bits, saves + 1);
        if (isDone) break;
        cuts += 1;
        const generation = read(flash);
        expect([saves, saves + 1], `cut at ${step}, ${bits}`).toContain(generation);
        for (let boot = 0; boot < 2; boot++) {
          flash.powerOn();
          expect(read(flash), `cut at ${step}, ${bits}, a later boot`).toBe(generation);
        }
      }
    }
    expect(cuts).toBeGreaterThan(400);
  },
);

test("a save after a cut save is as good as the first: cut at every byte again", () => {
  const image = after(3);
  for (let first = 0; first < 400; first += 37) {
    const { flash: once } = saveCutAt(image, first, "some", 4);
    const before = read(once);
    for (let step = 0; ; step += 5) {
      const { flash, isDone } = saveCutAt(once.bytes, step, "some", 5);
      if (isDone) break;
      expect([before, 5]).toContain(read(flash));
    }
  }
});

test("a factory reset, cut at every byte: everything is unchanged, or everything is erased", () => {
  const image = after(6);
  const seen = new Set<string>();
  for (let step = 0; ; step++) {
    const flash = new NorFlash({ blocks: BLOCKS, bytes: image.slice(), random: generator(step + 1) });
    const settings = new Settings({ store: new KeyValueOnFlash(flash) });
    flash.cutAfter(step);
    try {
      settings.factoryReset();
      break;
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
    }
    flash.powerOn();
    const reset = new Settings({ store: new KeyValueOnFlash(flash) });
    expect(["room6", "livingroom"]).toContain(reset.get("room"));
    if (reset.get("room") === "room6") expect(reset.get("mqtt.user")).toBe("user6");
    else expect([reset.get("mqtt.user"), reset.get("mqtt.password")]).toEqual(["", ""]);
    seen.add(reset.get("room"));
  }
  expect(seen).toContain("room6");
});
