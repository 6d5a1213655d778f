/* PEM as it is found in files: what is accepted, what is refused, and the reason. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { toPEM } from "../../boards/desktop/network/to-pem.js";
import { fromPEM, PEMError } from "../../src/tls/pem.js";
import { Certificates } from "./support/certificates.js";

const certificates = new Certificates();
const root = certificates.make("Root", { isCA: true });
const leaf = certificates.make("leaf", { by: root });
const text = readFileSync(leaf.chain, "utf8");

const refusal = (pem: string): string => {
  try {
    fromPEM(pem, "CERTIFICATE");
  } catch (error) {
    if (error instanceof PEMError) return error.message;
    throw error;
  }
  throw new Error("was accepted");
};

test("the certificates of a chain, concatenated; converted back, they equal the file of openssl", () => {
  const bytes = fromPEM(`a comment\r\n${text.replaceAll("\n", "\r\n")}\nand another`, "CERTIFICATE");
  expect(toPEM(bytes)).toBe(text);
  expect(fromPEM(toPEM(bytes), "CERTIFICATE")).toEqual(bytes);
  const [first] = text.split("-----END");
  const alone = Buffer.from(first.split("-----\n")[1], "base64");
  expect(Buffer.from(bytes.subarray(0, alone.length)).equals(alone)).toBe(true);
});

test("a key in any form; certificates beside it are ignored", () => {
  const key = readFileSync(leaf.key, "utf8");
  expect(fromPEM(text + key, "PRIVATE KEY")).toEqual(fromPEM(key, "PRIVATE KEY"));
  expect(fromPEM(key.replaceAll("PRIVATE", "EC PRIVATE"), "PRIVATE KEY")).toEqual(fromPEM(key, "PRIVATE KEY"));
});

test("what is refused, and why", () => {
  const [body] = text.split("\n-----END");
  expect(refusal("")).toBe('expected PEM: a block "-----BEGIN CERTIFICATE-----"');
  expect(refusal(readFileSync(leaf.key, "utf8"))).toBe(
    'got PRIVATE KEY, expected PEM: a block "-----BEGIN CERTIFICATE-----"',
  );
  expect(refusal(body)).toBe("-----BEGIN CERTIFICATE: has no end");
  expect(refusal(text.replace("MII", "M*I"))).toBe("the PEM block is not valid Base64");
  expect(refusal(text.replace(/\n.{64}\n/, "\n"))).toBe("the PEM block is damaged");
  const encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n";
  expect(refusal(encrypted)).toMatch(/^the key is encrypted/);
});

test("any text is accepted, or refused with a message of one line", () => {
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.nat(text.length), fc.string(), (at, length, other) => {
      const changed = text.slice(0, at) + other + text.slice(at + length);
      try {
        const bytes = fromPEM(changed, "CERTIFICATE");
        expect(fromPEM(toPEM(bytes), "CERTIFICATE")).toEqual(bytes);
      } catch (error) {
        if (!(error instanceof PEMError)) throw error;
        expect(error.message).not.toContain("\n");
      }
    }),
    { numRuns: 300 },
  );
});
