/*
 * `vitest` inside XS: the suites import this under that name. Tests are collected while the bundle runs; Node asks for their names
 * and runs them one by one (../run-suites.ts), so that each is reported with all others.
 */
import "./frozen.js";

export { AssertionError, expect } from "./expect.js";

type Body = (...args: never[]) => unknown;
type Options = { readonly timeout?: number } | number;
type Hook = () => unknown;

class Group {
  readonly parent: Group | undefined;
  readonly name: string;
  readonly before: Hook[] = [];
  readonly after: Hook[] = [];
  readonly beforeAll: Hook[] = [];
  readonly afterAll: Hook[] = [];
  begun = false;

  constructor(name: string, parent: Group | undefined) {
    this.name = name;
    this.parent = parent;
  }

  get path(): Group[] {
    return [...(this.parent?.path ?? []), this];
  }
}

interface Test {
  readonly name: string;
  readonly group: Group;
  readonly body: () => unknown;
  readonly run: boolean;
}

const top = new Group("", undefined);
let current = top;
const tests: Test[] = [];
let outcome = "";

function add(name: string, body: () => unknown, run: boolean): void {
  tests.push({
    name: [...current.path.slice(1).map((group) => group.name), name].join(" > "),
    group: current,
    body,
    run,
  });
}

function bodyOf(first: Options | Body | undefined, second: Options | Body | undefined): () => unknown {
  const body = typeof first === "function" ? first : second;
  if (typeof body !== "function") throw new TypeError("test: no function");
  return body as () => unknown;
}

/** printf-like names of `test.each`: %s, %i, %d, %j, %o, %#, and $property. */
function nameOf(pattern: string, row: readonly unknown[], index: number): string {
  let next = 0;
  return pattern
    .replaceAll(/%([sdifjo#%])/g, (_, kind: string) => {
      if (kind === "%") return "%";
      if (kind === "#") return String(index);
      const value = row[next++];
      return typeof value === "object" ? JSON.stringify(value) : String(value);
    })
    .replaceAll(/\$([A-Za-z_]\w*)/g, (whole, key: string) => {
      const holder = row[0];
      return typeof holder === "object" && holder !== null && key in holder
        ? String((holder as Record<string, unknown>)[key])
        : whole;
    });
}

function each(define: (name: string, body: () => unknown) => void) {
  return (rows: readonly unknown[]) => (pattern: string, first: Options | Body, second?: Options | Body) => {
    rows.forEach((row, index) => {
      const args = Array.isArray(row) ? row : [row];
      const body = bodyOf(first, second) as unknown as (...args: unknown[]) => unknown;
      define(nameOf(pattern, args, index), () => body(...args));
    });
  };
}

export function test(name: string, first: Options | Body, second?: Options | Body): void {
  add(name, bodyOf(first, second), true);
}
test.each = each((name, body) => add(name, body, true));
test.runIf = (run: boolean) => (name: string, first: Options | Body, second?: Options | Body) =>
  add(name, bodyOf(first, second), run);
test.skipIf = (skip: boolean) => test.runIf(!skip);
export const it = test;

export function describe(name: string, first: Options | Body, second?: Options | Body): void {
  const outer = current;
  current = new Group(name, outer);
  try {
    bodyOf(first, second)();
  } finally {
    current = outer;
  }
}
describe.each = each((name, body) => describe(name, body));

export function beforeEach(hook: Hook): void {
  current.before.push(hook);
}
export function afterEach(hook: Hook): void {
  current.after.push(hook);
}
export function beforeAll(hook: Hook): void {
  current.beforeAll.push(hook);
}
export function afterAll(hook: Hook): void {
  current.afterAll.push(hook);
}

async function runTest(test: Test): Promise<void> {
  const path = test.group.path;
  for (const group of path) {
    if (group.begun) continue;
    group.begun = true;
    for (const hook of group.beforeAll) await hook();
  }
  try {
    for (const group of path) for (const hook of group.before) await hook();
    await test.body();
  } finally {
    for (const group of path.reverse()) for (const hook of [...group.after].reverse()) await hook();
  }
}

/** An error with its cause, as text. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return `threw ${String(error)}`;
  const cause = error.cause === undefined ? "" : `\ncaused by ${textOf(error.cause)}`;
  return `${error.name}: ${error.message}\n${error.stack ?? ""}${cause}`;
}

/** The functions that Node calls by scripts. */
const suite = {
  /** JSON: `[{name, run}]`. */
  list: () => JSON.stringify(tests.map(({ name, run }) => ({ name, run }))),
  /** Starts test `index`; its end is shown by `outcome` when no job is left. */
  run(index: number): void {
    outcome = "waits for something that never comes: there is no real time in here";
    runTest(tests[index]).then(
      () => {
        outcome = "passed";
      },
      (error: unknown) => {
        outcome = textOf(error);
      },
    );
  },
  outcome: () => outcome,
  /** Runs the `afterAll` hooks of groups that had begun. */
  async end(): Promise<void> {
    const groups = new Set(tests.flatMap((test) => test.group.path));
    for (const group of [...groups].reverse()) {
      if (group.begun) for (const hook of group.afterAll) await hook();
    }
  },
};
Object.assign(globalThis, { suite });
