/*
 * How much is logged above the prompt: the levels of this library's callers.
 */

/** Each level includes those before it. */
export const LOG_LEVELS = Object.freeze(["off", "error", "warn", "info", "debug"] as const);

/** What is shown. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** How serious one line is. */
export type LineLevel = Exclude<LogLevel, "off">;
