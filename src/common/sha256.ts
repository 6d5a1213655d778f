/*
 * SHA-256: of certificates, for people who compare it with the output of openssl; of firmware images, in parts.
 * Source: FIPS 180-4, §4.1.2, §5.1.1, §6.2.
 */

const BLOCK = 64;
const LENGTH_BYTES = 8;

/** SHA-256 of bytes in parts: `write` for each, `digest` once. */
export class SHA256 {
  private readonly hash = new Uint32Array(FIRST);
  private readonly words = new Uint32Array(BLOCK);
  /** Bytes of an incomplete block. */
  private readonly block = new Uint8Array(BLOCK);
  private length = 0;

  write(bytes: Uint8Array): void {
    const { block, length } = this;
    let at = length % BLOCK;
    this.length = length + bytes.length;
    for (let from = 0; from < bytes.length; ) {
      const count = Math.min(BLOCK - at, bytes.length - from);
      block.set(bytes.subarray(from, from + count), at);
      from += count;
      at += count;
      if (at < BLOCK) return;
      digestBlock(this.hash, this.words, block);
      at = 0;
    }
  }

  /** The digest, 32 bytes. Nothing can be written afterwards, and the data is overwritten. */
  digest(): Uint8Array {
    const { hash, words, block, length } = this;
    const at = length % BLOCK;
    // A bit 1, zeros, and the length in bits.
    block.fill(0, at);
    block[at] = 0x80;
    if (at >= BLOCK - LENGTH_BYTES) {
      digestBlock(hash, words, block);
      block.fill(0);
    }
    const view = new DataView(block.buffer);
    view.setUint32(BLOCK - 8, Math.floor(length / 0x2000_0000));
    view.setUint32(BLOCK - 4, 8 * length);
    digestBlock(hash, words, block);
    block.fill(0); // the data may have been a key
    words.fill(0);
    const digest = new Uint8Array(4 * hash.length);
    const out = new DataView(digest.buffer);
    for (let i = 0; i < hash.length; i++) out.setUint32(4 * i, hash[i]);
    return digest;
  }
}

/** The digest of `bytes`: 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  const hash = new SHA256();
  hash.write(bytes);
  return hash.digest();
}

function digestBlock(hash: Uint32Array, words: Uint32Array, block: Uint8Array): void {
  const view = new DataView(block.buffer);
  for (let i = 0; i < 16; i++) words[i] = view.getUint32(4 * i);
  for (let i = 16; i < BLOCK; i++) {
    const near = words[i - 2];
    const far = words[i - 15];
    words[i] =
      (turned(near, 17) ^ turned(near, 19) ^ (near >>> 10)) +
      words[i - 7] +
      (turned(far, 7) ^ turned(far, 18) ^ (far >>> 3)) +
      words[i - 16];
  }
  let a = hash[0];
  let b = hash[1];
  let c = hash[2];
  let d = hash[3];
  let e = hash[4];
  let f = hash[5];
  let g = hash[6];
  let h = hash[7];
  for (let i = 0; i < BLOCK; i++) {
    const one = h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g)) + ROUND[i] + words[i];
    const two = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  hash[0] += a;
  hash[1] += b;
  hash[2] += c;
  hash[3] += d;
  hash[4] += e;
  hash[5] += f;
  hash[6] += g;
  hash[7] += h;
}

function turned(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}

const FIRST = Uint32Array.of(
  0x6a09e667,
  0xbb67ae85,
  0x3c6ef372,
  0xa54ff53a,
  0x510e527f,
  0x9b05688c,
  0x1f83d9ab,
  0x5be0cd19,
);

const ROUND = Uint32Array.of(
  0x428a2f98,
  0x71374491,
  0xb5c0fbcf,
  0xe9b5dba5,
  0x3956c25b,
  0x59f111f1,
  0x923f82a4,
  0xab1c5ed5,
  0xd807aa98,
  0x12835b01,
  0x243185be,
  0x550c7dc3,
  0x72be5d74,
  0x80deb1fe,
  0x9bdc06a7,
  0xc19bf174,
  0xe49b69c1,
  0xefbe4786,
  0x0fc19dc6,
  0x240ca1cc,
  0x2de92c6f,
  0x4a7484aa,
  0x5cb0a9dc,
  0x76f988da,
  0x983e5152,
  0xa831c66d,
  0xb00327c8,
  0xbf597fc7,
  0xc6e00bf3,
  0xd5a79147,
  0x06ca6351,
  0x14292967,
  0x27b70a85,
  0x2e1b2138,
  0x4d2c6dfc,
  0x53380d13,
  0x650a7354,
  0x766a0abb,
  0x81c2c92e,
  0x92722c85,
  0xa2bfe8a1,
  0xa81a664b,
  0xc24b8b70,
  0xc76c51a3,
  0xd192e819,
  0xd6990624,
  0xf40e3585,
  0x106aa070,
  0x19a4c116,
  0x1e376c08,
  0x2748774c,
  0x34b0bcb5,
  0x391c0cb3,
  0x4ed8aa4a,
  0x5b9cca4f,
  0x682e6ff3,
  0x748f82ee,
  0x78a5636f,
  0x84c87814,
  0x8cc70208,
  0x90befffa,
  0xa4506ceb,
  0xbef9a3f7,
  0xc67178f2,
);
