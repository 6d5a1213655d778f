/**
 * The firmware's version (semantic versioning), defined only here; a test compares package.json with it. Before a release it is
 * that release's number with `-dev`, which sorts before it.
 */
export const VERSION = "0.2.0";
