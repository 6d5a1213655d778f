/* Both sides of the tests with real servers: the servers, and the TLS classes on Node and on XS. They live as long as the tests of a file. */
import { afterAll, beforeAll } from "vitest";
import { hasTLSOnXS, startTLSOnXS, type TLSOnXS } from "../xs/socket.js";
import type { TLSClass } from "./attempt.js";
import { Servers } from "./servers.js";

/** The engines on which there is a TLS class. */
export const PLACES: readonly ("Node" | "XS")[] = hasTLSOnXS ? ["Node", "XS"] : ["Node"];

export interface Parties {
  readonly servers: Servers;
  /** The TLS class of an engine; undefined: Node's. */
  ioOn(place: string): TLSClass | undefined;
  /** Exceptions of XS, and the reason why it ended. */
  readonly troubles: readonly string[];
}

/** Call it at the top of a test file: it installs hooks that start and end both sides. */
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
