/* Why the link is not up, as a value, and as text. */

/** Why the link is not up. */
export type Trouble =
  /** The scan did not find it: another name, out of reach, switched off, hidden, or on a band that the chip does not have. */
  | { readonly kind: "noSuchNetwork" }
  /** The scan found it, but it refused the connection. Mostly the password is wrong; sometimes it is too far away. */
  | { readonly kind: "wrongPassword" }
  /** Connected, but no address was assigned in time (DHCP). */
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
