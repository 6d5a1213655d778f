/*
 * Trouble: why the link is not up, as a value, and the lines that report it.
 */

/** Why the link is not up. */
export type Trouble =
  /** A scan did not hear it: another name, out of reach, switched off, hidden, or on a band the chip does not have. */
  | { readonly kind: "noSuchNetwork" }
  /** A scan heard it, yet it did not let us in. Mostly that is the password; at the edge of its reach it may be the distance. */
  | { readonly kind: "wrongPassword" }
  /** Let in, but given no address in time (DHCP). */
  | { readonly kind: "noAddress" }
  /** It was up. */
  | { readonly kind: "lost" }
  /** The driver threw. */
  | { readonly kind: "driver"; readonly message: string };

/** One line for a person. `ssid`: the network that was tried. */
export function troubleText(trouble: Trouble, ssid: string): string {
  switch (trouble.kind) {
    case "noSuchNetwork":
      return `no network "${ssid}" in reach`;
    case "wrongPassword":
      return `"${ssid}" refuses the connection: wrong password?`;
    case "noAddress":
      return `"${ssid}" assigns no address`;
    case "lost":
      return `lost "${ssid}"`;
    case "driver":
      return `driver: ${trouble.message}`;
    default:
      throw new TypeError(`trouble: ${trouble satisfies never}`);
  }
}
