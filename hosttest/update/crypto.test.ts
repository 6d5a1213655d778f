/* SHA-256, SHA-512 and Ed25519 with vectors of the standards, and on Node also compared with node:crypto. */
import { describe, expect, test } from "vitest";
import { isSigned } from "../../boards/common/ed25519.js";
import { sha512 } from "../../boards/common/sha512.js";
import { fromHex, toASCII, toHex } from "../../src/common/ascii.js";
import { SHA256, sha256 } from "../../src/common/sha256.js";

/** Messages of every length around a block and its padding: vectors of NIST, and openssl's results. */
test("the digest is SHA-256", () => {
  const of = (text: string): string => toHex(sha256(toASCII(text)));
  expect(of("")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  expect(of("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  expect(of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")).toBe(
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
  );
  expect(of("a".repeat(55)).slice(0, 16)).toBe("9f4390f8d30c2dd9");
  expect(of("a".repeat(56)).slice(0, 16)).toBe("b35439a4ac6f0948");
  expect(of("a".repeat(63)).slice(0, 16)).toBe("7d3e74a05d7db15b");
  expect(of("a".repeat(64)).slice(0, 16)).toBe("ffe054fe7ae0cb6d");
  expect(of("a".repeat(65)).slice(0, 16)).toBe("635361c48bb9eab1");
  expect(of("a".repeat(119)).slice(0, 16)).toBe("31eba51c313a5c08");
  expect(of("a".repeat(120)).slice(0, 16)).toBe("2f3d335432c70b58");
  expect(of("a".repeat(1000)).slice(0, 16)).toBe("41edece42d63e8d9");
});

test("SHA-256 of pieces is that of the whole, however it is cut", () => {
  const bytes = toASCII("a".repeat(1000));
  for (const piece of [1, 7, 63, 64, 65, 256, 999]) {
    const hash = new SHA256();
    for (let at = 0; at < bytes.length; at += piece) hash.write(bytes.subarray(at, at + piece));
    expect(toHex(hash.digest()).slice(0, 16)).toBe("41edece42d63e8d9");
  }
});

test("SHA-512: the vectors of FIPS 180-4's examples", () => {
  expect(toHex(sha512(toASCII("abc")))).toBe(
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
  );
  const two =
    "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";
  expect(toHex(sha512(toASCII(two)))).toBe(
    "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909",
  );
});

describe("Ed25519", () => {
  // RFC 8032, §7.1: secret keys left out
  const vectors = [
    [
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
      "",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
      "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
      "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
      "af82",
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ],
  ].map((texts) => texts.map(fromHex));

  test.each(vectors)("a vector of RFC 8032 is good, and with any one bit changed is not", (key, message, signature) => {
    expect(isSigned(message, signature, key)).toBe(true);
    const flipped = (bytes: Uint8Array, bit: number): Uint8Array =>
      bytes.map((byte, n) => (n === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
    for (const bit of [0, 100, 254, 255, 256, 300, 511])
      expect(isSigned(message, flipped(signature, bit), key)).toBe(false);
    for (const bit of [0, 77, 255]) expect(isSigned(message, signature, flipped(key, bit))).toBe(false);
    expect(isSigned(Uint8Array.of(...message, 0), signature, key)).toBe(false);
  });

  test("s is below the order: the same signature with the order added is refused", () => {
    const [key, message, signature] = vectors[1];
    const order = fromHex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let carry = 0;
    const more = signature.map((byte, n) => {
      if (n < 32) return byte;
      carry += byte + order[n - 32];
      const low = carry & 255;
      carry >>= 8;
      return low;
    });
    expect(isSigned(message, more, key)).toBe(false);
  });

  test("keys and signatures of another length, and keys that are no point, are no good", () => {
    const [key, message, signature] = vectors[0];
    expect(isSigned(message, signature.subarray(1), key)).toBe(false);
    expect(isSigned(message, signature, key.subarray(1))).toBe(false);
    expect(isSigned(message, signature, new Uint8Array(32).fill(0xff))).toBe(false);
    expect(isSigned(message, signature, Uint8Array.of(2, ...new Uint8Array(31)))).toBe(false); // no root
  });
});
