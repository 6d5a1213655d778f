/*
 * SHA-512, for Ed25519, which hashes up to a few hundred bytes, once or twice in an update. Its constants are the first 64 bits of the fractions of the
 * roots of the first primes. They are calculated at each call: as literals they would take ten times the byte code.
 * Source: FIPS 180-4, §4.2.3, §5.3.5, §6.4.
 */

const BLOCK = 128;
const LENGTH_BYTES = 16;
const ROUNDS = 80;

const word = (value: bigint): bigint => BigInt.asUintN(64, value);
const turned = (value: bigint, bits: bigint): bigint => (value >> bits) | word(value << (64n - bits));

/** The digest, 64 bytes. */
export function sha512(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  const padded = new Uint8Array(Math.ceil((length + 1 + LENGTH_BYTES) / BLOCK) * BLOCK);
  padded.set(bytes);
  padded[length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 4, 8 * length);
  const hash: bigint[] = [];
  const round: bigint[] = [];
  for (let candidate = 2; round.length < ROUNDS; candidate++) {
    if (!isPrime(candidate)) continue;
    const prime = BigInt(candidate);
    if (hash.length < 8) hash.push(word(root(prime << 128n, 2n)));
    round.push(word(root(prime << 192n, 3n)));
  }
  for (let at = 0; at < padded.length; at += BLOCK) digestBlock(hash, round, view, at);
  hash.forEach((value, n) => {
    view.setUint32(8 * n, Number(value >> 32n));
    view.setUint32(8 * n + 4, Number(value & 0xffff_ffffn));
  });
  return padded.slice(0, 64);
}

function digestBlock(hash: bigint[], round: readonly bigint[], view: DataView, at: number): void {
  const words: bigint[] = [];
  let [a, b, c, d, e, f, g, h] = hash;
  for (let n = 0; n < ROUNDS; n++) {
    if (n < 16) words.push((BigInt(view.getUint32(at + 8 * n)) << 32n) | BigInt(view.getUint32(at + 8 * n + 4)));
    else {
      const near = words[n - 2];
      const far = words[n - 15];
      words.push(
        word(
          (turned(near, 19n) ^ turned(near, 61n) ^ (near >> 6n)) +
            words[n - 7] +
            (turned(far, 1n) ^ turned(far, 8n) ^ (far >> 7n)) +
            words[n - 16],
        ),
      );
    }
    const one =
      h + (turned(e, 14n) ^ turned(e, 18n) ^ turned(e, 41n)) + ((e & f) ^ (word(~e) & g)) + round[n] + words[n];
    const two = (turned(a, 28n) ^ turned(a, 34n) ^ turned(a, 39n)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = word(d + one);
    d = c;
    c = b;
    b = a;
    a = word(one + two);
  }
  [a, b, c, d, e, f, g, h].forEach((value, n) => {
    hash[n] = word(hash[n] + value);
  });
}

function isPrime(candidate: number): boolean {
  for (let divisor = 2; divisor * divisor <= candidate; divisor++) if (candidate % divisor === 0) return false;
  return true;
}

/** The largest integer whose `power` (2 or 3) is no more than `value`. */
function root(value: bigint, power: bigint): bigint {
  let high = 1n << 72n; // above all that are needed
  for (;;) {
    const lower = power === 2n ? (high + value / high) / 2n : (2n * high + value / (high * high)) / 3n;
    if (lower >= high) return high;
    high = lower;
  }
}
