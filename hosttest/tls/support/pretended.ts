/*
 * A fake TLS class on any TCP class, without encryption: for tests of how the product handles the results of TLS.
 */
import type { TCPConstructor, TCPOptions } from "../../../src/mqtt/wire/io.js";
import type { TLSDemand, TLSFacts, TLSRefusal } from "../../../src/tls/io.js";

/** How the handshake ends: with these facts, with this refusal, or never. */
export type Ending = TLSFacts | TLSRefusal | "never";

/** Makes the class. `ending`: called for each handshake, returns how it ends. `made`: called when a connection begins. */
export function pretendedTLS(
  tcp: TCPConstructor,
  ending: (demand: TLSDemand) => Ending,
  made: (demand: TLSDemand) => void = () => {},
): TCPConstructor {
  return class extends tcp {
    constructor(options: TCPOptions & { readonly demand?: TLSDemand }) {
      const { demand } = options;
      if (demand === undefined) throw new TypeError("demand: expected one");
      made(demand);
      let isSecured = false;
      super({
        ...options,
        onWritable: (bytes) => {
          if (isSecured) {
            options.onWritable(bytes);
            return;
          }
          demand.onHandshake();
          const end = ending(demand);
          if (end === "never") return;
          if ("kind" in end) {
            demand.onRefused(end);
            options.onError();
            return;
          }
          isSecured = true;
          demand.onSecured(end);
          options.onWritable(bytes);
        },
      });
    }
  };
}
