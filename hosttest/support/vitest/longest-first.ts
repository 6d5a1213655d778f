/*
 * The order of the test files: those that take longest begin first, so that none of them runs alone at the end while the other
 * workers have nothing to do. A clean clone has no cache by which vitest would know.
 */
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Parts of paths below hosttest, the longest first: half of the suite's time. */
const LONG = [
  "simulation/swarm",
  "xs/suites-store",
  "thermometer/broker/mosquitto",
  "xs/suites-device",
  "xs/suites-network",
  "bench/",
  "browser/",
  "thermometer/prompt/terminal",
  "tls/",
  "desktop/",
  "outbox/campaign",
  "companions/",
  "mqtt/delivery/span",
];

function rank({ moduleId }: TestSpecification): number {
  const at = LONG.findIndex((part) => moduleId.includes(`/${part}`));
  return at < 0 ? LONG.length : at;
}

export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
