/* Native instructions show costs that computrons do not. If valgrind is not installed: reported as not run. */
import { expect, test as vitestTest } from "vitest";
import { xsAvailable } from "../xs/available.js";
import { costOf } from "./cost.js";
import { countInstructions, hasValgrind } from "./instructions.js";
import { loadWorker, MEASUREMENTS } from "./measurements.js";

const test = vitestTest.runIf(hasValgrind && xsAvailable);
const [publish] = MEASUREMENTS;
const LETTERS = 2_000;

test("reading the length of a string in each publish shows in instructions, but not in computrons", {
  timeout: 300_000,
}, async () => {
  const walking = (script: string): string => {
    if (!script.includes("wake() {")) throw new Error('the program has no "wake() {" any more: choose another place');
    return `globalThis.letters = "x".repeat(${LETTERS});${script.replaceAll("wake() {", "wake() { letters.length;")}`;
  };
  const before = await computrons();
  const after = await computrons(walking);
  expect(after - before).toBeLessThan(10);
  const plain = (await countInstructions([publish])).get(publish.name) ?? 0;
  const walked = (await countInstructions([publish], walking)).get(publish.name) ?? 0;
  expect(plain).toBeGreaterThan(before); // a byte code is more than one instruction
  expect(walked - plain).toBeGreaterThan(LETTERS / 4);
});

async function computrons(change: (script: string) => string = (script) => script): Promise<number> {
  const xs = await loadWorker({ change });
  try {
    return (await costOf(xs, publish)).computrons;
  } finally {
    await xs.close();
  }
}
