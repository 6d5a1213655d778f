import { expect, test } from "vitest";
import { startPeer } from "./peer.js";
import { aedes } from "./registries.js";
import { isKept, plainTable, type Row, updatedPage } from "./table.js";
import { type Outcome, runTrial } from "./trial.js";

const GOOD: Outcome = {
  spoken: ["5"],
  wireQos: 1,
  taken: 200,
  seen: 200,
  lost: 0,
  waiting: 0,
  doubled: 0,
  disordered: 0,
  lostByBroker: 0,
  disorderedByBroker: 0,
  repeated: 1,
  sessionsLost: 0,
  codes: [],
  exitCode: 0,
  lastLine: "",
};
const row = (peer: string, more: Partial<Row> = {}): Row => ({
  peer,
  version: "1.0",
  qos: 1,
  event: "kill",
  outcome: GOOD,
  date: "2026-01-02",
  ...more,
});
const ORDER = ["first", "second", "third"];
const PAGE = "# Brokers\n\n<!-- npm run peers -->\n<!-- end -->\n\nMore.\n";

test("a run's rows are in the page in the catalogue's order, and replace only those of the same brokers", () => {
  const page = updatedPage(PAGE, [row("third"), row("first"), row("first", { event: "restart" })], ORDER);
  expect(page.match(/^\| \w+ /gm)).toEqual(["| broker ", "| first ", "| first ", "| third "]);
  const again = updatedPage(page, [row("second"), row("first", { date: "2026-01-03" })], ORDER);
  const lines = again.split("\n").filter((text) => /^\| (first|second|third) /.test(text));
  expect(lines.map((text) => `${text.split(" ")[1]} ${text.split(" | ").at(-1)}`)).toEqual([
    "first 2026-01-03 |",
    "second 2026-01-02 |",
    "third 2026-01-02 |",
  ]);
  expect(again.startsWith("# Brokers\n")).toBe(true);
  expect(again.endsWith("<!-- end -->\n\nMore.\n")).toBe(true);
});

test("a page without the table's markers is an error that names them", () => {
  expect(() => updatedPage("# Brokers\n", [row("first")], ORDER)).toThrow("<!-- npm run peers -->");
});

test.each([
  ["lost", { lost: 1 }],
  ["doubled", { doubled: 1 }],
  ["out of order", { disordered: 1 }],
  ["not settled in the end", { exitCode: undefined }],
])("a row with a reading %s is not kept", (_what, fault) => {
  expect(isKept({ ...GOOD, ...fault })).toBe(false);
  expect(isKept(GOOD)).toBe(true);
});

test("the QoS that a broker uses instead of 2, and readings that it acknowledged and lost, are in the row", () => {
  const text = plainTable([row("first", { qos: 2, outcome: { ...GOOD, lostByBroker: 3, seen: 197 } })]);
  expect(text).toMatch(/2, taken as 1 .* 200 +197 +0 \/ 0 \/ 0 +3 \/ 0/);
});

test("a trial: the device with a real broker that is restarted", async () => {
  const program = await aedes.find({ roots: [], fetched: "" });
  if (program === undefined) throw new Error("aedes is a dependency");
  const broker = await startPeer("aedes", program);
  const outcome = await runTrial(broker, { qos: 1, event: "restart", count: 20 }, () => {});
  await broker.close();
  expect(outcome).toMatchObject({ spoken: ["3.1.1"], wireQos: 1, taken: 20, lost: 0, disordered: 0, exitCode: 0 });
  expect(outcome.seen + outcome.lostByBroker).toBe(20);
});
