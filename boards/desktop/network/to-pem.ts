/* DER to PEM, as Node takes it. Source: RFC 7468. */
import { derLength } from "../../../src/tls/pem.js";

/** The certificates in `bytes`, DER one behind the other. @throws PEMError if they are none */
export function toPEM(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const end = at + derLength(bytes.subarray(at));
    const lines =
      Buffer.from(bytes.subarray(at, end))
        .toString("base64")
        .match(/.{1,64}/g) ?? [];
    text += ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
    at = end;
  }
  return text;
}
