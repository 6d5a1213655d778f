/* The example on the outbox's page runs unchanged, with simulated flash. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { transformSync } from "esbuild";
import { expect, test } from "vitest";
import { NorFlash } from "../../boards/parts/flash/nor-flash.js";
import { Outbox } from "../../src/outbox/outbox.js";

test("the example appends an entry, sends it, settles it", () => {
  const page = readFileSync(fileURLToPath(new URL("../../src/outbox/README.md", import.meta.url)), "utf8");
  const example = /```ts\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
  const lines = example.split("\n");
  expect(lines.filter((line) => line.trim() !== "").length).toBeLessThanOrEqual(15);
  const body = lines.filter((line) => !line.startsWith("import ")).join("\n");
  const { code } = transformSync(body, { loader: "ts" });
  const flash = new NorFlash({ blocks: 4 });
  const sent: [number, number[]][] = [];
  new Function("storage", "Outbox", "trace", "send", code)(
    { open: () => flash },
    Outbox,
    () => {},
    (sequence: number, payload: Uint8Array) => sent.push([sequence, [...payload]]),
  );
  expect(sent).toEqual([[0, [1, 2, 3]]]);
  flash.powerOn();
  expect(new Outbox({ flash }).seek(0)).toBeUndefined();
});
