/* Log levels above the prompt, for this library's callers. */

/** Each level includes those before it. */
export const LOG_LEVELS = Object.freeze(["off", "error", "warn", "info", "debug"] as const);

/** The level of lines shown. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The level of one line. */
export type LineLevel = Exclude<LogLevel, "off">;
