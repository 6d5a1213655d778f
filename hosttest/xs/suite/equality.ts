/*
 * Equality of values as the suites need it: deep, by own enumerable properties; typed arrays and sets by content; an undefined
 * property equals a missing one. Matchers such as `stringMatching` decide themselves.
 */

/** Takes the place of a value in an expectation. */
export interface Matcher {
  matches(actual: unknown): boolean;
  readonly description: string;
}

type Plain = Record<PropertyKey, unknown>;

export function isMatcher(value: unknown): value is Matcher {
  return typeof value === "object" && value !== null && "matches" in value && "description" in value;
}

/** Whether two values are equal, including all nested values. */
export function equals(actual: unknown, expected: unknown): boolean {
  return compare(actual, expected, "whole");
}

/** Whether `actual` has all properties of `expected`, with equal values; arrays must have the same length. */
export function includes(actual: unknown, expected: unknown): boolean {
  return compare(actual, expected, "part");
}

function compare(actual: unknown, expected: unknown, extent: "whole" | "part"): boolean {
  if (isMatcher(expected)) return expected.matches(actual);
  if (Object.is(actual, expected)) return true;
  if (typeof actual !== "object" || typeof expected !== "object" || actual === null || expected === null) return false;
  if (extent === "part" && isPlain(expected)) return compareProperties(actual as Plain, expected as Plain, extent);
  if (kind(actual) !== kind(expected)) return false;
  if (expected instanceof Error) return (actual as Error).message === expected.message;
  if (expected instanceof Date) return (actual as Date).getTime() === expected.getTime();
  if (expected instanceof RegExp) return String(actual) === String(expected);
  if (expected instanceof Map || expected instanceof Set) {
    return compare([...(actual as Set<unknown>)], [...expected], "whole");
  }
  if (expected instanceof ArrayBuffer)
    return compare(new Uint8Array(actual as ArrayBuffer), new Uint8Array(expected), extent);
  if (ArrayBuffer.isView(expected) || Array.isArray(expected)) {
    return compareItems(actual as ArrayLike<unknown>, expected as unknown as ArrayLike<unknown>, extent);
  }
  return compareProperties(actual as Plain, expected as Plain, extent);
}

function isPlain(value: object): boolean {
  return Object.getPrototypeOf(value) === Object.prototype;
}

function kind(value: object): string {
  return Object.prototype.toString.call(value);
}

function compareItems(actual: ArrayLike<unknown>, expected: ArrayLike<unknown>, extent: "whole" | "part"): boolean {
  if (actual.length !== expected.length) return false;
  for (let i = 0; i < expected.length; i++) if (!compare(actual[i], expected[i], extent)) return false;
  return true;
}

function compareProperties(actual: Plain, expected: Plain, extent: "whole" | "part"): boolean {
  for (const key of Object.keys(expected)) if (!compare(actual[key], expected[key], extent)) return false;
  if (extent === "part") return true;
  return Object.keys(actual).every((key) => actual[key] === undefined || key in expected);
}

/** A value as text for a message: short, one line, never throws. */
export function show(value: unknown): string {
  const text = shown(value, 0);
  return text.length > 400 ? `${text.slice(0, 400)}...` : text;
}

function shown(value: unknown, depth: number): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return `function ${value.name}`;
  if (typeof value !== "object" || value === null) return Object.is(value, -0) ? "-0" : String(value);
  if (isMatcher(value)) return value.description;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (value instanceof RegExp) return String(value);
  if (depth > 4) return "...";
  if (Array.isArray(value)) return `[${value.map((item) => shown(item, depth + 1)).join(", ")}]`;
  if (ArrayBuffer.isView(value)) return `${kind(value).slice(8, -1)} [${(value as Uint8Array).join(" ")}]`;
  const pairs = Object.entries(value).map(([key, item]) => `${key}: ${shown(item, depth + 1)}`);
  return `{${pairs.join(", ")}}`;
}
