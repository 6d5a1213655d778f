/*
 * What several folders need has one home. Files that may not import it (an independent library, a simulated part) repeat it, and are listed
 * here with the reason. A repetition that is not listed fails, and so does a row that no longer applies.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const TOP = fileURLToPath(new URL("../..", import.meta.url));

const LIBRARY = "a library that imports nothing of the product: the shape is part of its interface";
const PART = "a simulated part, which knows nothing of src";

interface Shape {
  readonly what: string;
  /** Finds the declaration in a module's text, by any name. */
  readonly pattern: RegExp;
  readonly home: string;
  /** The files that repeat it, and why. */
  readonly repeats: Readonly<Record<string, string>>;
}

const SHAPES: readonly Shape[] = [
  {
    what: "timers",
    pattern: /\bset\(callback: \(\) => void, \w+: number\): [^;{]+;/,
    home: "src/common/timers.ts",
    repeats: {
      "src/mqtt": LIBRARY,
      "src/console": LIBRARY,
      "boards/parts": PART,
      "boards/common": "the platform's own timers, with ids of their own type",
    },
  },
  {
    what: "log levels",
    pattern: /"error"\s*[,|]\s*"warn"/,
    home: "src/common/log-levels.ts",
    repeats: { "src/console": LIBRARY },
  },
  {
    what: "the text of what was thrown",
    pattern: /instanceof Error \? \w+\.message : /,
    home: "src/common/message-of.ts",
    repeats: { "src/mqtt": LIBRARY, "src/console": LIBRARY },
  },
];

const OTHER = "two things that have the same name in their own subject";

/** Names that more than one module of src exports, and why. */
const SAME_NAMES: Readonly<Record<string, string>> = {
  CONNECTED: "a state of the MQTT connection, and one of the SDK's Wi-Fi class",
  Timers: LIBRARY,
  TimerId: LIBRARY,
  LOG_LEVELS: LIBRARY,
  LogLevel: LIBRARY,
  LineLevel: LIBRARY,
  messageOf: LIBRARY,
  Resolver: LIBRARY,
  ResolverConstructor: LIBRARY,
  SettingState: LIBRARY,
  SettingDescription: LIBRARY,
  Network: LIBRARY,
  Pasting: LIBRARY,
  Thermometer: OTHER,
  Outcome: OTHER,
  Refusal: OTHER,
  Words: OTHER,
  Key: OTHER,
};

interface Source {
  readonly path: string;
  readonly text: string;
}

const sources: readonly Source[] = ["src", "boards"].flatMap((place) =>
  readdirSync(join(TOP, place), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => ({ path: join(place, name), text: readFileSync(join(TOP, place, name), "utf8") })),
);

const folderOf = (path: string): string => path.split("/").slice(0, 2).join("/");

/** The files that declare the shape although their row of the table does not allow it. */
function complaints({ pattern, home, repeats }: Shape, files: readonly Source[]): string[] {
  const declaring = files.filter(({ text }) => pattern.test(text)).map(({ path }) => path);
  const allowed = new Set<string>();
  const surplus = declaring.filter((path) => {
    const folder = folderOf(path);
    if (path === home) return false;
    const isFirst = folder in repeats && !allowed.has(folder);
    allowed.add(folder);
    return !isFirst;
  });
  return [
    ...(declaring.includes(home) ? [] : [`${home}: does not declare it any more`]),
    ...surplus.map((path) => `${path}: take it from ${home}`),
    ...Object.keys(repeats)
      .filter((folder) => !allowed.has(folder))
      .map((folder) => `${folder}: repeats it no longer, take its row out`),
  ];
}

test.each(SHAPES)("$what: one home", (shape) => {
  expect(complaints(shape, sources)).toEqual([]);
});

test.each(SHAPES)("$what: a repeat is found", (shape) => {
  const { text } = sources.find(({ path }) => path === shape.home)!;
  const again = { path: "src/network/again.ts", text };
  expect(complaints(shape, [...sources, again])).toEqual([`src/network/again.ts: take it from ${shape.home}`]);
  const twice = { path: "src/console/zz.ts", text };
  expect(complaints(shape, [...sources, twice])).toEqual([`src/console/zz.ts: take it from ${shape.home}`]);
  const without = sources.filter(({ path }) => path !== shape.home);
  expect(complaints(shape, without)).toEqual([`${shape.home}: does not declare it any more`]);
});

/** Names that are exported more than once, with the modules that export them. */
function exportedTwice(files: readonly Source[]): Map<string, string[]> {
  const modules = new Map<string, string[]>();
  for (const { path, text } of files.filter((file) => file.path.startsWith("src/"))) {
    const names = text.matchAll(/^export (?:abstract )?(?:interface|type|class|function|const) (\w+)/gm);
    for (const name of new Set([...names].map(([, found]) => found)))
      modules.set(name, [...(modules.get(name) ?? []), path]);
  }
  return new Map([...modules].filter(([, paths]) => paths.length > 1));
}

test("a name that two modules of src export is on the list, with the reason", () => {
  const found = exportedTwice(sources);
  const unlisted = [...found].filter(([name]) => !(name in SAME_NAMES)).map(([name, paths]) => `${name}: ${paths}`);
  expect(unlisted, "import it from its home, or give the reason in SAME_NAMES").toEqual([]);
  expect(Object.keys(SAME_NAMES).filter((name) => !found.has(name))).toEqual([]);
});
