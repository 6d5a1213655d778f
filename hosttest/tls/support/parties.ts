/* Both sides of the tests with real servers: the servers, and the classes that meet them, on Node and on XS, as long as a file's tests run. */
import { afterAll, beforeAll } from "vitest";
import { hasTLSOnXS, startTLSOnXS, type TLSOnXS } from "../xs/socket.js";
import type { TLSClass } from "./attempt.js";
import { Servers } from "./servers.js";

/** Where there is a class. */
export const PLACES: readonly ("Node" | "XS")[] = hasTLSOnXS ? ["Node", "XS"] : ["Node"];

export interface Parties {
  readonly servers: Servers;
  /** The class of a place; undefined: Node's own. */
  ioOn(place: string): TLSClass | undefined;
  /** What XS threw, or died of. */
  readonly troubles: readonly string[];
}

/** To be called at the top of a test file. */
export function meetingParties(): Parties {
  let servers: Servers;
  let xs: TLSOnXS | undefined;
  beforeAll(async () => {
    servers = await new Servers().start();
    if (hasTLSOnXS) xs = await startTLSOnXS();
  });
  afterAll(async () => {
    await xs?.end();
    await servers?.close();
  });
  return {
    get servers() {
      return servers;
    },
    ioOn: (place) => (place === "XS" ? xs?.io : undefined),
    get troubles() {
      return xs?.troubles ?? [];
    },
  };
}
