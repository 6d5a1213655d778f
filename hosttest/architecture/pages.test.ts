/* The pages: every link to a file or a heading has its target, every file and script in a command exists, and the README is short. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const TOP = fileURLToPath(new URL("../..", import.meta.url));
const FOLDERS = ["src", "boards", "hosttest", "findings"];
const MAX_README_WORDS = 1_500;
/** Inline links and pictures; of "path#heading" either part may be missing. */
const LINK = /\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g;
/** Words that the reader replaces by a value. */
const PLACEHOLDER = /[A-Z]{4}|[*<]/;

const pages: readonly string[] = [
  ...readdirSync(TOP).filter((name) => name.endsWith(".md")),
  ...FOLDERS.flatMap((folder) =>
    readdirSync(join(TOP, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".md"))
      .map((name) => join(folder, name)),
  ),
];

const read = (page: string): string => readFileSync(join(TOP, page), "utf8");

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): readonly string[] {
  const prose = read(page).replace(/^ *```[\s\S]*?^ *```/gm, "");
  return [...prose.matchAll(/^#+ +(.*)$/gm)].map(([, heading]) =>
    heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** A file, a folder, or the beginning of a test file's name, which is what Vitest filters by. */
const beginsName = (path: string): boolean =>
  existsSync(join(TOP, dirname(path))) &&
  readdirSync(join(TOP, dirname(path))).some((name) => join(dirname(path), name).startsWith(path.replace(/\/$/, "")));

test("every link leads to an existing file, and to a heading that it has", () => {
  const wrong: string[] = [];
  let count = 0;
  for (const page of pages) {
    for (const [link, path, anchor] of read(page).matchAll(LINK)) {
      count++;
      const target = path === "" ? page : join(dirname(page), path);
      if (!existsSync(join(TOP, target))) wrong.push(`${page}: ${link}`);
      else if (anchor !== undefined && !anchorsOf(target).includes(anchor)) wrong.push(`${page}: ${link}`);
    }
  }
  expect(count).toBeGreaterThan(80);
  expect(wrong).toEqual([]);
});

test("every npm script, test path and tool in a command of a page exists", () => {
  const { scripts } = JSON.parse(read("package.json"));
  const wrong: string[] = [];
  let count = 0;
  for (const page of pages) {
    for (const [command, script] of read(page).matchAll(/\bnpm run (?:-s )?([a-z][\w:-]*)/g)) {
      count++;
      if (!(script in scripts)) wrong.push(`${page}: ${command}`);
    }
    for (const [command, path] of read(page).matchAll(
      /(?:vitest run|run\.mjs|bash) (?!--)((?:hosttest|src|boards|findings)\S*?)["'`]?(?=[\s`)]|$)/gm,
    )) {
      count++;
      if (!PLACEHOLDER.test(path) && !beginsName(path)) wrong.push(`${page}: ${command}`);
    }
  }
  expect(count).toBeGreaterThan(50);
  expect(wrong).toEqual([]);
});

test(`the README has at most ${MAX_README_WORDS} words`, () => {
  expect(read("README.md").split(/\s+/).length).toBeLessThanOrEqual(MAX_README_WORDS);
});
