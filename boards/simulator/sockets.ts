/*
 * TCP and names on the simulator's computer.
 * The SDK's sockets there call `onWritable`, `onReadable` and `onError` one after the other, without checking whether the first of them
 * closed the socket; on the device no callback is called after `close`. This class ensures the same.
 */
import SDKTCP from "embedded:io/socket/tcp";
// biome-ignore lint/style/useNodejsImportProtocol: the SDK has a module of that name
import Net from "net";
import Timer from "timer";
import type { ResolveOptions, TCPConstructor, TCPOptions } from "../../src/mqtt/wire/io.js";

export class TCP extends (SDKTCP as unknown as TCPConstructor) {
  private closed = false;

  constructor(options: TCPOptions) {
    super({
      ...options,
      onReadable: (bytes) => {
        if (!this.closed) options.onReadable(bytes);
      },
      onWritable: (bytes) => {
        if (!this.closed) options.onWritable(bytes);
      },
      onError: () => {
        if (!this.closed) options.onError();
      },
    });
  }

  override close(): void {
    this.closed = true;
    super.close();
  }
}

/** The computer's resolver. It accepts no addresses, and what it finds first may be IPv6: addresses and `localhost` are answered here. */
export class Names {
  private question = 0;

  resolve({ host, onResolved, onError }: ResolveOptions): void {
    const question = ++this.question;
    const answer = (address: string | undefined): void => {
      if (question !== this.question) return;
      if (address === undefined) onError();
      else onResolved(host, address);
    };
    const known = host === "localhost" ? "127.0.0.1" : isAddress(host) ? host : undefined;
    if (known === undefined) Net.resolve(host, (_host, address) => answer(address));
    else Timer.set(() => answer(known), 0);
  }

  close(): void {
    this.question++;
  }
}

function isAddress(host: string): boolean {
  const parts = host.split(".");
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part));
}
