/*
 * How much is logged. src/console, a library that imports nothing of the product, has the same list for its own callers.
 */

/** Each level includes those before it. */
export const LOG_LEVELS = Object.freeze(["off", "error", "warn", "info", "debug"] as const);

/** What is shown: the setting `log`. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** How serious one line is. */
export type LineLevel = Exclude<LogLevel, "off">;
