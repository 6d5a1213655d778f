/*
 * `expect` inside XS: the matchers that the suites use, with vitest's names and meaning. An unknown matcher is a
 * TypeError, so that a suite cannot pass because something is missing here.
 */
import { equals, includes, isMatcher, type Matcher, show } from "./equality.js";

type Constructor = abstract new (...args: never[]) => unknown;
type Thrown = string | RegExp | Constructor | Error | Matcher | undefined;

export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/** One expectation. `wanted`: false after `not`. */
class Expectation {
  readonly #actual: unknown;
  readonly #wanted: boolean;
  readonly #note: string;

  constructor(actual: unknown, wanted: boolean, note: string) {
    this.#actual = actual;
    this.#wanted = wanted;
    this.#note = note;
  }

  get not(): Expectation {
    return new Expectation(this.#actual, !this.#wanted, this.#note);
  }

  get resolves(): Promised {
    return promised(async () => new Expectation(await this.#actual, this.#wanted, this.#note));
  }

  get rejects(): Promised {
    return promised(async () => {
      const actual = typeof this.#actual === "function" ? this.#actual() : this.#actual;
      const outcome = await Promise.resolve(actual).then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      );
      if ("value" in outcome) throw new AssertionError(`resolved with ${show(outcome.value)}, expected a rejection`);
      const rethrow = (): never => {
        throw outcome.error;
      };
      return new Rejection(outcome.error, rethrow, this.#wanted, this.#note);
    });
  }

  toBe(expected: unknown): void {
    this.#check(Object.is(this.#actual, expected), "to be", expected);
  }
  toEqual(expected: unknown): void {
    this.#check(equals(this.#actual, expected), "to equal", expected);
  }
  toStrictEqual(expected: unknown): void {
    this.#check(equals(this.#actual, expected), "to equal", expected);
  }
  toMatchObject(expected: object): void {
    this.#check(includes(this.#actual, expected), "to match", expected);
  }
  toBeUndefined(): void {
    this.#check(this.#actual === undefined, "to be", undefined);
  }
  toBeDefined(): void {
    this.#check(this.#actual !== undefined, "to be defined, not", undefined);
  }
  toBeNull(): void {
    this.#check(this.#actual === null, "to be", null);
  }
  toBeNaN(): void {
    this.#check(Number.isNaN(this.#actual), "to be", Number.NaN);
  }
  toBeTruthy(): void {
    this.#check(Boolean(this.#actual), "to be like", true);
  }
  toBeFalsy(): void {
    this.#check(!this.#actual, "to be like", false);
  }
  toBeGreaterThan(limit: number): void {
    this.#check((this.#actual as number) > limit, "to be above", limit);
  }
  toBeGreaterThanOrEqual(limit: number): void {
    this.#check((this.#actual as number) >= limit, "to be at least", limit);
  }
  toBeLessThan(limit: number): void {
    this.#check((this.#actual as number) < limit, "to be below", limit);
  }
  toBeLessThanOrEqual(limit: number): void {
    this.#check((this.#actual as number) <= limit, "to be at most", limit);
  }
  toBeCloseTo(expected: number, digits = 2): void {
    this.#check(Math.abs((this.#actual as number) - expected) < 10 ** -digits / 2, "to be close to", expected);
  }
  toBeTypeOf(expected: string): void {
    const type: string = typeof this.#actual;
    this.#check(type === expected, "to be of type", expected);
  }
  toBeInstanceOf(expected: Constructor): void {
    this.#check(this.#actual instanceof expected, "to be a", expected);
  }
  toHaveLength(expected: number): void {
    this.#check((this.#actual as ArrayLike<unknown>).length === expected, "to have the length", expected);
  }
  toHaveProperty(key: string, ...value: unknown[]): void {
    const holder = Object(this.#actual) as Record<string, unknown>;
    this.#check(key in holder && (value.length === 0 || equals(holder[key], value[0])), "to have the property", key);
  }
  toContain(expected: unknown): void {
    const holder = this.#actual;
    const found =
      typeof holder === "string"
        ? holder.includes(String(expected))
        : [...(holder as Iterable<unknown>)].includes(expected);
    this.#check(found, "to contain", expected);
  }
  toContainEqual(expected: unknown): void {
    this.#check(
      [...(this.#actual as Iterable<unknown>)].some((item) => equals(item, expected)),
      "to contain",
      expected,
    );
  }
  toMatch(expected: string | RegExp): void {
    const text = String(this.#actual);
    this.#check(typeof expected === "string" ? text.includes(expected) : expected.test(text), "to match", expected);
  }
  toSatisfy(accepts: (actual: unknown) => boolean): void {
    this.#check(accepts(this.#actual), "to satisfy", accepts);
  }

  toThrow(expected?: Thrown): void {
    let thrown: unknown;
    let threw = false;
    try {
      (this.#actual as () => unknown)();
    } catch (error) {
      threw = true;
      thrown = error;
    }
    this.#checkThrown(threw, thrown, expected);
  }
  toThrowError(expected?: Thrown): void {
    this.toThrow(expected);
  }

  #checkThrown(threw: boolean, thrown: unknown, expected: Thrown): void {
    if (threw && isThrown(thrown, expected) === this.#wanted) return;
    if (!threw && !this.#wanted) return;
    const what = threw ? `threw ${show(thrown)}` : "did not throw";
    throw new AssertionError(`${this.#note}${what}, expected ${this.#wanted ? "" : "not "}${show(expected)}`);
  }

  #check(holds: boolean, relation: string, expected: unknown): void {
    if (holds === this.#wanted) return;
    throw new AssertionError(
      `${this.#note}expected ${show(this.#actual)} ${this.#wanted ? "" : "not "}${relation} ${show(expected)}`,
    );
  }
}

/** The expectation after `rejects`: about the error as a value, and for `toThrow` as an exception. */
class Rejection extends Expectation {
  readonly #asThrown: Expectation;
  constructor(error: unknown, rethrow: () => never, wanted: boolean, note: string) {
    super(error, wanted, note);
    this.#asThrown = new Expectation(rethrow, wanted, note);
  }
  override toThrow(expected?: Thrown): void {
    this.#asThrown.toThrow(expected);
  }
}

type Promised = Record<string, (...args: unknown[]) => Promise<void>>;

/** Each matcher as a function that waits for the value first. */
function promised(settled: () => Promise<Expectation>): Promised {
  return new Proxy({} as Promised, {
    get: (_, name) =>
      name === "not"
        ? promised(async () => (await settled()).not)
        : async (...args: unknown[]) => {
            const expectation = (await settled()) as unknown as Record<PropertyKey, (...args: unknown[]) => void>;
            expectation[name](...args);
          },
  });
}

function isThrown(thrown: unknown, expected: Thrown): boolean {
  if (expected === undefined) return true;
  if (isMatcher(expected)) return expected.matches(thrown);
  if (typeof expected === "function") return thrown instanceof expected;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (expected instanceof RegExp) return expected.test(message);
  return expected instanceof Error ? message === expected.message : message.includes(expected);
}

function matcher(description: string, matches: (actual: unknown) => boolean): Matcher {
  return { description, matches };
}

export function expect(actual: unknown, note = ""): Expectation {
  return new Expectation(actual, true, note === "" ? "" : `${note}: `);
}

expect.fail = (message = "failed"): never => {
  throw new AssertionError(message);
};
expect.anything = () => matcher("anything", (actual) => actual !== undefined && actual !== null);
expect.any = (type: Constructor) =>
  matcher(
    `any ${type.name}`,
    (actual) => actual instanceof type || (Object(actual) instanceof type && actual !== undefined),
  );
expect.stringContaining = (part: string) =>
  matcher(`a string with ${show(part)}`, (actual) => typeof actual === "string" && actual.includes(part));
expect.stringMatching = (pattern: RegExp | string) =>
  matcher(`a string like ${pattern}`, (actual) => typeof actual === "string" && new RegExp(pattern).test(actual));
expect.objectContaining = (part: object) => matcher(`an object with ${show(part)}`, (actual) => includes(actual, part));
expect.arrayContaining = (items: unknown[]) =>
  matcher(
    `an array with ${show(items)}`,
    (actual) => Array.isArray(actual) && items.every((item) => actual.some((candidate) => equals(candidate, item))),
  );
expect.closeTo = (expected: number, digits = 2) =>
  matcher(
    `about ${expected}`,
    (actual) => typeof actual === "number" && Math.abs(actual - expected) < 10 ** -digits / 2,
  );
