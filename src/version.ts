/**
 * The firmware's version, semantic versioning; here and nowhere else (package.json is held to it by a test). Before a release it is that
 * release's with `-dev`, which comes before it.
 */
export const VERSION = "0.2.0-dev";
