/*
 * TLS on Node (OpenSSL), in the shape of an ECMA-419 TCP class with one more option, `demand`.
 * Node checks the chain and the name, and continues even if they fail: the connection counts as open only when the checks
 * here have passed, and nothing is written before.
 */
import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import { connect as connectTCP, type Socket } from "node:net";
import { checkServerIdentity, connect, createSecureContext, DEFAULT_CIPHERS, type TLSSocket } from "node:tls";
import { messageOf } from "../../../src/common/message-of.js";
import type { TLSDemand, TLSRefusal, TLSRefusalKind } from "../../../src/tls/io.js";
import { derLength } from "../../../src/tls/pem.js";
import type { Address, Dial } from "./dial.js";
import { TCP, type TCPOptions } from "./tcp.js";
import { toPEM } from "./to-pem.js";

const MIN_VERSION = "TLSv1.2";
/** Keys and signatures of 112 bits of security or more: RSA of 2048 bits, no SHA-1 (SSL_CTX_set_security_level). */
const CIPHERS = `${DEFAULT_CIPHERS}:@SECLEVEL=2`;
const IS_ADDRESS = /^[\d.]+$/;

/** A record with an unencrypted alert: RFC 5246 §6.2.1 and §7.2. */
const ALERT_BYTES = 7;

/** One connection. */
export class TLS extends TCP {
  /** @throws TypeError without a demand: it must not become a plain connection */
  constructor(options: TCPOptions & { readonly demand?: TLSDemand }) {
    const { demand } = options;
    if (demand === undefined) throw new TypeError("demand: expected one");
    super(options, (address) => dialTLS(address, demand));
  }
}

/** A connection with TLS. @throws Error if the demand cannot be used */
export function dialTLS({ host, port, nodelay = true }: Address, demand: TLSDemand): Dial {
  const { name } = demand;
  const raw = connectTCP({ host, port, noDelay: nodelay });
  let socket: TLSSocket;
  try {
    socket = connect({
      socket: raw,
      servername: IS_ADDRESS.test(name) ? "" : name, // RFC 6066 §3: no addresses
      minVersion: MIN_VERSION,
      ciphers: CIPHERS,
      rejectUnauthorized: false, // by `refusalOf`, which knows more
      checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
      ...secrets(demand),
      session: demand.session as Buffer | undefined,
    });
  } catch (error) {
    raw.destroy();
    demand.onRefused({ kind: "unusable", detail: messageOf(error) });
    throw error;
  }
  let isSecured = false;
  let isRefused = false;
  const refuse = (refusal: TLSRefusal): void => {
    if (isRefused) return;
    isRefused = true;
    demand.session = undefined;
    demand.onRefused(refusal);
  };
  raw.once("connect", () => demand.onHandshake());
  raw.on("error", (error) => socket.destroy(error));
  socket.on("session", (session: Buffer) => {
    if (!isRefused) demand.session = session;
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    const refusal = failureOf(error, raw, isSecured);
    if (refusal !== undefined) refuse(refusal);
  });
  socket.once("end", () => {
    if (!isSecured) refuse(closedBy(raw));
  });
  const whenOpen = (opened: () => void): void => {
    socket.once("secureConnect", () => {
      // Read once: the first call on Node 20 removes it from the chain, and a second one returns another certificate, or none.
      const certificate = socket.getPeerX509Certificate();
      const refusal = refusalOf(socket, certificate, demand);
      if (refusal !== undefined) {
        refuse(refusal);
        socket.destroy();
        return;
      }
      isSecured = true;
      demand.onSecured({
        version: socket.getProtocol() ?? "",
        cipher: socket.getCipher().standardName,
        name: certificate === undefined ? "" : nameOf(certificate),
        endsMs: certificate === undefined ? undefined : Date.parse(certificate.validTo),
        isResumed: socket.isSessionReused(),
      });
      opened();
    });
  };
  return { socket, whenOpen };
}

type Credentials = Pick<TLSDemand, "ca" | "certificate" | "key">;

/** @throws Error with OpenSSL's message if they cannot be used */
export function checkCredentials(credentials: Credentials): void {
  createSecureContext({ ...secrets(credentials), ciphers: CIPHERS });
}

/** @throws Error if one of them is not what it should be */
function secrets({ ca, certificate, key }: Credentials): { ca?: string; cert?: string; key?: string } {
  certificatesIn(ca);
  certificatesIn(certificate);
  return {
    ...(ca === undefined ? {} : { ca: toPEM(ca) }),
    ...(certificate === undefined ? {} : { cert: toPEM(certificate) }),
    ...(key === undefined ? {} : { key: keyToPEM(key) }),
  };
}

/** @throws Error if one of them is not a CA: OpenSSL ignores such a certificate */
function certificatesIn(bytes: Uint8Array | undefined): void {
  for (let at = 0; bytes !== undefined && at < bytes.length; ) {
    const one = bytes.subarray(at, at + derLength(bytes.subarray(at)));
    new X509Certificate(one);
    at += one.length;
  }
}

/** @throws Error if it is in none of the three forms */
function keyToPEM(key: Uint8Array): string {
  for (const type of ["pkcs8", "sec1", "pkcs1"] as const) {
    try {
      return createPrivateKey({ key: Buffer.from(key), format: "der", type })
        .export({ format: "pem", type: "pkcs8" })
        .toString();
    } catch {
      // another form
    }
  }
  throw new Error("the private key is none that is known here");
}

/** Why the server that completed the handshake is not the right one. */
function refusalOf(
  socket: TLSSocket,
  certificate: X509Certificate | undefined,
  { fingerprint, ca, name }: TLSDemand,
): TLSRefusal | undefined {
  if (fingerprint !== "") {
    // A resumed session has none: its server was verified, or the session would not have been kept.
    const isKnown = certificate === undefined && socket.isSessionReused();
    if (isKnown) return undefined;
    if (certificate === undefined || keyDigest(certificate) !== fingerprint) return { kind: "wrongKey" };
    if (ca === undefined) return undefined;
  }
  // Typed as an Error, but is the code.
  const code = socket.authorizationError as unknown as string | null | undefined;
  if (socket.authorized) return undefined;
  const found = CHAIN[code ?? ""] ?? "unknownCA";
  // OpenSSL checks the issuer's purposes even after it has found that the issuer is not a CA.
  const kind = found === "wrongUsage" && certificate?.issuerCertificate?.ca === false ? "noCA" : found;
  return { kind, detail: certificate === undefined ? (code ?? undefined) : detailOf(kind, code, certificate, name) };
}

/** Errors of OpenSSL for a chain (X509_V_ERR_…), and of Node for a name. */
const CHAIN: Readonly<Record<string, TLSRefusalKind>> = {
  ERR_TLS_CERT_ALTNAME_INVALID: "wrongName",
  HOSTNAME_MISMATCH: "wrongName",
  CERT_HAS_EXPIRED: "expired",
  CERT_NOT_YET_VALID: "notYetValid",
  INVALID_PURPOSE: "wrongUsage",
  INVALID_CA: "noCA",
  PATH_LENGTH_EXCEEDED: "noCA",
  CERT_SIGNATURE_FAILURE: "weak",
  UNSPECIFIED: "weak", // a digest or a key below the security level
};

function detailOf(
  kind: TLSRefusalKind,
  code: string | null | undefined,
  certificate: X509Certificate,
  name: string,
): string | undefined {
  switch (kind) {
    case "wrongName":
      return `it is for ${certificate.subjectAltName ?? nameOf(certificate)}`;
    case "expired":
      return `${nameOf(certificate)}: ${certificate.validTo}`;
    case "notYetValid":
      return `${nameOf(certificate)}: from ${certificate.validFrom}`;
    default:
      return `${code}, ${nameOf(certificate) || name}`;
  }
}

/** SHA-256 of the SubjectPublicKeyInfo, in hexadecimal. */
function keyDigest({ publicKey }: X509Certificate): string {
  return createHash("sha256")
    .update(publicKey.export({ format: "der", type: "spki" }))
    .digest("hex");
}

/** Its common name, else its first other one. */
function nameOf({ subject, subjectAltName }: X509Certificate): string {
  const [, common] = /^CN=(.*)$/m.exec(subject ?? "") ?? [];
  return common ?? subjectAltName?.split(", ")[0].replace(/^[^:]*:/, "") ?? "";
}

/** The TLS refusal that a socket's error stands for; undefined: the network failed. */
function failureOf(
  { code = "", message }: NodeJS.ErrnoException,
  raw: Socket,
  isSecured: boolean,
): TLSRefusal | undefined {
  const reason = code.replace(/^ERR_SSL_/, "");
  if (/ALERT_(BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_|UNKNOWN_CA|ACCESS_DENIED)/.test(reason))
    return { kind: "client", detail: reason };
  if (/ALERT_(PROTOCOL_VERSION|HANDSHAKE_FAILURE|INSUFFICIENT_SECURITY)|UNSUPPORTED_PROTOCOL|NO_.*SHARED/.test(reason))
    // TLS 1.2 has no separate alert for a client without a certificate: the server has then sent more than the alert before.
    return { kind: raw.bytesRead > ALERT_BYTES ? "client" : "noCommon", detail: reason };
  if (/^(WRONG_VERSION_NUMBER|HTTP_REQUEST|PACKET_LENGTH_TOO_LONG|UNKNOWN_PROTOCOL)$/.test(reason) && !isSecured)
    return { kind: "noTLS", detail: reason };
  if (/TOO_SMALL|TOO_WEAK|MD_TOO/.test(reason)) return { kind: "weak", detail: reason };
  if (reason !== code || code === "EPROTO") return { kind: "broken", detail: reason === "EPROTO" ? message : reason };
  return code === "ECONNRESET" && !isSecured && raw.bytesWritten > 0 ? closedBy(raw) : undefined;
}

/** Closed before the end of the handshake, without an alert, as by a server that does not speak TLS. */
function closedBy(raw: Socket): TLSRefusal {
  return raw.bytesRead === 0 ? { kind: "noTLS", detail: "it closed without an answer" } : { kind: "closed" };
}
