/* A new chip whose power or process ends within the first write of its slots: the next start completes it. */
import { expect, test } from "vitest";
import { ImageBoot } from "../../boards/common/image-boot.js";
import { makeImage } from "../../boards/parts/flash/image.js";
import { type CutBits, generator, NorFlash, PowerCut } from "../../boards/parts/flash/nor-flash.js";
import { Region } from "../support/region.js";
import { SEED } from "../support/seed.js";
import { VirtualTime } from "../support/virtual-time.js";

const { timers } = new VirtualTime();
const BLOCK = 256;
const CHIP = "desktop";
const LENGTH = makeImage({ version: "", chip: CHIP }).length;

/** Starts the chip on `flash`. @returns the versions that started; "-": no slot has an image. @throws PowerCut */
function start(flash: NorFlash): string[] {
  const started: string[] = [];
  const regions = [new Region(flash, 0, 2), new Region(flash, 2, 2), new Region(flash, 4, 2)];
  const images = new ImageBoot({
    selection: regions[0],
    slots: [regions[1], regions[2]],
    timers,
    chip: CHIP,
    key: undefined,
    onNoImage: () => void started.push("-"),
  });
  images.boot(() => void started.push(images.version ?? "its own"));
  return started;
}

test.each(["none", "some", "all"] as const)(
  "the power is cut at each byte of it, of which %s bits are programmed",
  (bits: CutBits) => {
    let cuts = 0;
    for (let first = 0; first <= LENGTH + 16; first++) {
      const flash = new NorFlash({ blocks: 6, blockLength: BLOCK, random: generator(SEED + first) });
      const at = [first, Math.floor(first / 2)]; // and again while it is completed
      for (const steps of at) {
        flash.cutAfter(steps, bits);
        try {
          start(flash);
        } catch (error) {
          if (!(error instanceof PowerCut)) throw error;
          cuts++;
        }
        flash.powerOn();
      }
      expect(start(flash), `cut at ${at}, seed ${SEED}`).toEqual(["its own"]);
      expect(flash.violations).toBe(0);
    }
    expect(cuts).toBeGreaterThan(LENGTH);
  },
);

test("of a process: the file has its first bytes", () => {
  const image = makeImage({ version: "", chip: CHIP });
  for (let bytes = 0; bytes <= LENGTH; bytes++) {
    const flash = new NorFlash({ blocks: 6, blockLength: BLOCK });
    flash.bytes.set(image.subarray(0, bytes), 2 * BLOCK);
    expect(start(flash), `${bytes} bytes`).toEqual(["its own"]);
  }
});

test("by a program whose image was another: its bytes are erased", () => {
  const flash = new NorFlash({ blocks: 6, blockLength: BLOCK });
  flash.bytes.set(makeImage({ version: "0.0.1", chip: CHIP }).subarray(0, 40), 2 * BLOCK);
  expect(start(flash)).toEqual(["its own"]);
});

test("a chip that was updated does not get the program again: no image is its own", () => {
  for (const address of [0, 4 * BLOCK]) {
    const flash = new NorFlash({ blocks: 6, blockLength: BLOCK });
    flash.bytes[address] = 0; // boot selection, or the other slot
    expect(start(flash)).toEqual(["-"]);
  }
});

test("an image that is there stays", () => {
  const flash = new NorFlash({ blocks: 6, blockLength: BLOCK });
  flash.bytes.set(makeImage({ version: "0.1.0", chip: CHIP }, 500), 2 * BLOCK);
  expect(start(flash)).toEqual(["0.1.0"]);
  expect(flash.programs).toBe(0);
});
