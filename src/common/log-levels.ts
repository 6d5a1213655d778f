/* Log levels. src/console, a library without imports from the product, has the same list for its own callers. */

/** Each level includes those before it. */
export const LOG_LEVELS = Object.freeze(["off", "error", "warn", "info", "debug"] as const);

/** The level of lines shown: the setting `log`. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The level of one line. */
export type LineLevel = Exclude<LogLevel, "off">;
