/*
 * Host names to addresses, through the SDK's resolver. A resolver is created for each question: it asks the servers that DHCP
 * named by then, and keeps no socket afterwards. A cancelled question calls no callback.
 * Accepts dotted addresses, "localhost", names of the local network (mDNS) and of the internet; only IPv4.
 */
import Resolver from "embedded:network/dns/resolver/udp";
// biome-ignore lint/style/useNodejsImportProtocol: the SDK has a module of that name
import Net from "net";
import type { ResolveOptions } from "../../src/mqtt/wire/io.js";
import { LossyUDP } from "./sockets.js";

/** Used if DHCP names no server. No host answers there, so that a question times out: without any server it would never end. */
const NO_SERVERS: readonly string[] = Object.freeze(["0.0.0.0"]);

export class Names {
  private resolver: Resolver | undefined;

  /** One question at a time; a second one replaces the first, whose callbacks are then not called. */
  resolve({ host, onResolved, onError }: ResolveOptions): void {
    this.close();
    const resolver = new Resolver({ servers: servers(), socket: { io: LossyUDP } });
    this.resolver = resolver;
    const isOver = (): boolean => {
      if (this.resolver !== resolver) return false;
      this.close();
      return true;
    };
    resolver.resolve({
      host,
      onResolved: (name, address) => {
        if (isOver()) onResolved(name, address);
        return null; // required by the typings
      },
      onError: () => {
        if (isOver()) onError();
        return null;
      },
    });
  }

  close(): void {
    this.resolver?.close();
    this.resolver = undefined;
  }
}

function servers(): readonly string[] {
  const known: string[] | undefined = Net.get("DNS");
  const usable = (known ?? []).filter((address) => address.includes(".")); // the resolver supports IPv4 only
  return usable.length > 0 ? usable : NO_SERVERS;
}
