/*
 * Certificates for tests, made by the openssl command when they are needed: CAs, and certificates that they sign. They are files
 * in a temporary folder, and are never trusted elsewhere.
 */
import { execFileSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../support/temporary.js";

export type KeyKind = "rsa2048" | "rsa4096" | "p256" | "rsa1024";

/** A certificate with its key, as files in PEM. `chain`: the certificates that a server sends, its own first. */
export interface Identity {
  readonly certificate: string;
  readonly key: string;
  readonly chain: string;
}

export interface Wanted {
  readonly key?: KeyKind;
  /** The signer; undefined: self-signed. */
  readonly by?: Identity;
  readonly isCA?: boolean;
  /** subjectAltName, in the syntax of openssl. */
  readonly names?: string;
  readonly usage?: "serverAuth" | "clientAuth";
  /** Valid from and to, in days from now. */
  readonly from?: number;
  readonly to?: number;
}

const DAY_MS = 86_400_000;

const KEY_OPTIONS: Readonly<Record<KeyKind, readonly string[]>> = {
  rsa1024: ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
  rsa2048: ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
  rsa4096: ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096"],
  p256: ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
};

export class Certificates {
  readonly folder = temporaryFolder("certificates-");
  #count = 0;

  /** `common`: the subject's common name. */
  make(common: string, wanted: Wanted = {}): Identity {
    const { key: kind = "p256", by, isCA = false, names, usage, from = -1, to = 365 } = wanted;
    const at = (suffix: string): string => join(this.folder, `${this.#count}.${suffix}`);
    this.#count++;
    const key = at("key");
    const certificate = at("crt");
    this.#openssl("genpkey", ...KEY_OPTIONS[kind], "-out", key);
    this.#openssl("req", "-new", "-key", key, "-subj", `/CN=${common}`, "-out", at("csr"));
    const extensions = [
      `basicConstraints = critical,CA:${isCA ? "TRUE" : "FALSE"}`,
      ...(isCA ? ["keyUsage = critical,keyCertSign,cRLSign"] : []),
      ...(names === undefined ? [] : [`subjectAltName = ${names}`]),
      ...(usage === undefined ? [] : [`extendedKeyUsage = ${usage}`]),
    ];
    writeFileSync(at("index"), "");
    writeFileSync(
      at("cnf"),
      `[ca]\ndefault_ca = it\n[it]\ndatabase = ${at("index")}\nrand_serial = yes\ndefault_md = sha256\nunique_subject = no\n` +
        `new_certs_dir = ${this.folder}\npolicy = any\n[any]\ncommonName = supplied\n[ext]\n${extensions.join("\n")}\n`,
    );
    const signer = by === undefined ? ["-selfsign", "-keyfile", key] : ["-cert", by.certificate, "-keyfile", by.key];
    const dates = ["-startdate", stamp(from), "-enddate", stamp(to)];
    const options = ["-batch", "-notext", "-config", at("cnf"), "-extensions", "ext", "-in", at("csr")];
    this.#openssl("ca", ...options, ...dates, ...signer, "-out", certificate);
    writeFileSync(
      at("chain"),
      readFileSync(certificate, "utf8") + (by === undefined ? "" : readFileSync(by.chain, "utf8")),
    );
    return { certificate, key, chain: at("chain") };
  }

  #openssl(...options: string[]): void {
    execFileSync("openssl", options, { stdio: ["ignore", "ignore", "pipe"] });
  }
}

/** SHA-256 of the public key in hexadecimal, as in `mqtt.fingerprint`. */
export function fingerprintOf({ certificate }: Identity): string {
  const { publicKey } = new X509Certificate(readFileSync(certificate));
  return createHash("sha256")
    .update(publicKey.export({ format: "der", type: "spki" }))
    .digest("hex");
}

/** The time in `days` from now, for example 20270131120000Z. */
function stamp(days: number): string {
  return `${new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 19).replace(/\D/g, "")}Z`;
}
