/*
 * Why TLS refused, or was refused, in words: what is wrong, and what helps.
 */
import type { TLSRefusal } from "../../tls/io.js";

/** Reads on after the broker's address. `name`: the one that the certificate was to have. */
export function tlsRefusalText({ kind, detail }: TLSRefusal, name: string): string {
  return `TLS: ${reason(kind, detail === undefined ? "" : ` (${detail})`, name)}`;
}

function reason(kind: TLSRefusal["kind"], detail: string, name: string): string {
  switch (kind) {
    case "unknownCA":
      return `its certificate is signed by no CA that is known here${detail}: give the broker's CA, or set mqtt.fingerprint`;
    case "wrongName":
      return `its certificate is not for "${name}"${detail}: set mqtt.host to the name in the certificate, or mqtt.name`;
    case "expired":
      return `its certificate has expired${detail}: renew it at the broker; if it has not, the clock is wrong: check ntp`;
    case "notYetValid":
      return `its certificate is not valid yet${detail}: if it is, the clock is wrong: check ntp`;
    case "wrongUsage":
      return `its certificate is not one for servers${detail}: make one with extendedKeyUsage serverAuth`;
    case "noCA":
      return `its certificate is signed by one that is not a CA${detail}: make one that a CA has signed`;
    case "wrongKey":
      return "its key is not the pinned one: another server answers; if the broker has a new key, set mqtt.fingerprint";
    case "weak":
      return `a key or signature in its certificates is too weak${detail}: RSA of 2048 bits or P-256, with SHA-256`;
    case "noCommon":
      return `no version or cipher in common${detail}: the broker needs TLS 1.2 or 1.3`;
    case "noTLS":
      return `no TLS on that port${detail}: check mqtt.port, usually 8883`;
    case "client":
      return `the broker does not take this device's certificate, or wants one${detail}`;
    case "closed":
      return `closed by the server during the handshake${detail}: see the broker's log`;
    case "broken":
      return `what came is damaged, or was changed on its way${detail}`;
    case "unusable":
      return `the CA, certificate or key given here cannot be used${detail}`;
    case "tooLarge":
      return `what it sends is too large for this device, which takes 4,096 bytes at once${detail}: a shorter chain of certificates at the broker`;
    case "noMemory":
      return "not enough memory for it at the moment: it is tried again";
    default:
      throw new TypeError(`kind: ${kind satisfies never}`);
  }
}
