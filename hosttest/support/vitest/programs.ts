/*
 * Test files that run other programs (brokers, XS, a browser, the product as a process), wait in real time, or compile and bundle. All
 * other test files need only Node and run on virtual time: `npm test` runs these, in three minutes. `npm run test:all` runs everything, as
 * CI does.
 * A file that starts a program and is not in this list fails in `npm test` (no-programs.ts).
 */
export const PROGRAMS: readonly string[] = [
  "xs/",
  "bench/",
  "desktop/",
  "page/",
  "companions/",
  "peers/",
  "tls/",
  "chaos/",
  "recipes/",
  "fleet/",
  "boards/",
  "architecture/",
  "battery/program",
  "channels/new-channel",
  "console/browser/",
  "console/sdk",
  "console/terminfo",
  "mqtt/peers",
  "mqtt-client/",
  "support/",
  "thermometer/broker/boundaries",
  "thermometer/broker/mosquitto",
  "thermometer/humidity",
  "thermometer/prompt/terminal",
  "update/processes",
].map((part) => (part.endsWith("/") ? `hosttest/${part}**/*.test.ts` : `hosttest/${part}.test.ts`));

/** Test files that `npm run check` runs, on Node alone. */
export const GATES: readonly string[] = ["hosttest/architecture/docstrings.test.ts"];
