/* The reason why TLS failed, as text: the problem, and the remedy. */
import type { TLSRefusal } from "../../tls/io.js";

/** Continues after the broker's address. `name`: the name that the certificate should have. */
export function tlsRefusalText({ kind, detail }: TLSRefusal, name: string): string {
  return `TLS: ${reason(kind, detail === undefined ? "" : ` (${detail})`, name)}`;
}

function reason(kind: TLSRefusal["kind"], detail: string, name: string): string {
  switch (kind) {
    case "unknownCA":
      return `its certificate is not signed by a known CA${detail}: set mqtt.ca to the broker's CA, or mqtt.fingerprint`;
    case "wrongName":
      return `its certificate is not for "${name}"${detail}: set mqtt.host to the name in the certificate, or mqtt.name`;
    case "expired":
      return `its certificate has expired${detail}: renew it at the broker; if it is still valid, the clock is wrong: check ntp`;
    case "notYetValid":
      return `its certificate is not valid yet${detail}: if it is, the clock is wrong: check ntp`;
    case "wrongUsage":
      return `its certificate is not for servers${detail}: make one with extendedKeyUsage serverAuth`;
    case "noCA":
      return `the signer of its certificate is no CA${detail}: use one signed by a CA`;
    case "wrongKey":
      return "its key is not the pinned one: another server answers; if the broker has a new key, set mqtt.fingerprint";
    case "weak":
      return `a key or signature in its certificates is too weak${detail}: RSA of 2048 bits or P-256, with SHA-256`;
    case "noCommon":
      return `no version or cipher in common${detail}: the broker needs TLS 1.2 or 1.3`;
    case "noTLS":
      return `no TLS on that port${detail}: check mqtt.port, usually 8883`;
    case "client":
      return `the broker refuses this device's certificate, or requires one${detail}`;
    case "closed":
      return `closed by the server during the handshake${detail}: see the broker's log`;
    case "broken":
      return `received data is damaged, or was changed in transit${detail}`;
    case "unusable":
      return `the CA, certificate or key given here cannot be used${detail}`;
    case "tooLarge":
      return `it sends more than the 4,096 bytes at once that fit${detail}: use a shorter certificate chain at the broker`;
    case "noMemory":
      return "not enough memory at the moment: tried again later";
    default:
      throw new TypeError(`kind: ${kind satisfies never}`);
  }
}
