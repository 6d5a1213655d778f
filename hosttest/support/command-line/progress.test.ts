import { expect, test } from "vitest";
import { Progress } from "./progress.js";

/** A progress with its own clock, and all that it wrote. */
function made(isTTY: boolean) {
  const state = { nowMs: 0, written: "" };
  const screen = {
    isTTY,
    columns: 20,
    write: (text: string) => {
      state.written += text;
    },
  };
  return { state, progress: new Progress(screen, () => state.nowMs) };
}

test("into a pipe it writes a line every ten seconds", () => {
  const { state, progress } = made(false);
  for (let i = 0; i <= 250; i++) {
    state.nowMs = i * 100;
    progress.show(() => `${i} of 250`);
  }
  progress.end();
  expect(state.written).toBe("100 of 250\n200 of 250\n");
});

test("at a terminal one line is rewritten, no longer than the terminal is wide, and removed at the end", () => {
  const { state, progress } = made(true);
  progress.show(() => "one");
  progress.show(() => "too soon");
  state.nowMs = 200;
  progress.show(() => "a line that is longer than twenty columns");
  progress.line("stays");
  progress.end();
  expect(state.written).toBe("\r\x1b[Kone\r\x1b[Ka line that is long\r\x1b[Kstays\n");
});

test("the text is made only when it is shown", () => {
  const { progress } = made(false);
  progress.show(() => {
    throw new Error("made");
  });
});
