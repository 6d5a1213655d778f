/*
 * Verifies Ed25519 signatures of short messages. No value here is secret, so the code need not run in constant time.
 * Neither the SDK nor ESP-IDF's mbedTLS has Ed25519. The interface is `isSigned` of src/update/io.ts. Other boards use
 * boards/common/ed25519.ts.
 * Source: RFC 8032, 5.1 (parameters, decoding, verification); extended coordinates: Hisil and others, "Twisted Edwards Curves
 * Revisited", 3.1, whose addition is complete on this curve. SHA-512: FIPS 180-4.
 */
#include "xsmc.h"
#include "mc.xs.h"

#include <string.h>

#define KEY_BYTES 32
#define SIGNATURE_BYTES 64
#define BLOCK_BYTES 128
/** Half of the signature, key, message, padding and length must fit one block of SHA-512. */
#define MAX_MESSAGE_BYTES (BLOCK_BYTES - 32 - KEY_BYTES - 17)
#define LIMBS 16
#define BITS 253

/** A number modulo 2^255 - 19: limbs of 16 bits, the lowest first, with carries not yet propagated. */
typedef int64_t Field[LIMBS];
/** x = X / Z, y = Y / Z, x y = T / Z. */
typedef struct {
	Field x, y, z, t;
} Point;

/** In this order: -121665 / 121666, twice that, the base point, the root of -1, the order of the base point. */
static const Field D = {
	0x78a3, 0x1359, 0x4dca, 0x75eb, 0xd8ab, 0x4141, 0x0a4d, 0x0070,
	0xe898, 0x7779, 0x4079, 0x8cc7, 0xfe73, 0x2b6f, 0x6cee, 0x5203,
};
static const Field DOUBLE_D = {
	0xf159, 0x26b2, 0x9b94, 0xebd6, 0xb156, 0x8283, 0x149a, 0x00e0,
	0xd130, 0xeef3, 0x80f2, 0x198e, 0xfce7, 0x56df, 0xd9dc, 0x2406,
};
static const Field BASE_X = {
	0xd51a, 0x8f25, 0x2d60, 0xc956, 0xa7b2, 0x9525, 0xc760, 0x692c,
	0xdc5c, 0xfdd6, 0xe231, 0xc0a4, 0x53fe, 0xcd6e, 0x36d3, 0x2169,
};
static const Field BASE_Y = {
	0x6658, 0x6666, 0x6666, 0x6666, 0x6666, 0x6666, 0x6666, 0x6666,
	0x6666, 0x6666, 0x6666, 0x6666, 0x6666, 0x6666, 0x6666, 0x6666,
};
static const Field BASE_T = {
	0xdda3, 0xa5b7, 0x8ab3, 0x6dde, 0x52f5, 0x7751, 0x9f80, 0x20f0,
	0xe37d, 0x64ab, 0x4e8e, 0x66ea, 0x7665, 0xd78b, 0x5f0f, 0x6787,
};
static const Field ROOT = {
	0xa0b0, 0x4a0e, 0x1b27, 0xc4ee, 0xe478, 0xad2f, 0x1806, 0x2f43,
	0xd7a7, 0x3dfb, 0x0099, 0x2b4d, 0xdf0b, 0x4fc1, 0x2480, 0x2b83,
};
static const uint32_t ORDER[8] = {
	0x5cf5d3ed, 0x5812631a, 0xa2f79cd6, 0x14def9de, 0x00000000, 0x00000000, 0x00000000, 0x10000000,
};
/** FIPS 180-4, 4.2.3, 5.3.5 */
static const uint64_t ROUNDS[80] = {
	0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc,
	0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118,
	0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
	0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694,
	0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
	0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
	0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4,
	0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f, 0x142929670a0e6e70,
	0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
	0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
	0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30,
	0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
	0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8,
	0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3,
	0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
	0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b,
	0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178,
	0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
	0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c,
	0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817
};
static const uint64_t FIRST[8] = {
	0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
	0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179
};

static uint64_t turned(uint64_t value, int bits)
{
	return (value >> bits) | (value << (64 - bits));
}

/** Of one block, padded. */
static void sha512(const uint8_t *block, uint8_t *digest)
{
	uint64_t words[16], state[8];

	for (int i = 0; i < 16; i++) {
		words[i] = 0;
		for (int j = 0; j < 8; j++)
			words[i] = (words[i] << 8) | block[8 * i + j];
	}
	memcpy(state, FIRST, sizeof(state));
	for (int i = 0; i < 80; i++) {
		uint64_t e = state[4], a = state[0], near, far, one, two;
		if (i >= 16) {
			near = words[(i - 2) & 15];
			far = words[(i - 15) & 15];
			words[i & 15] += (turned(near, 19) ^ turned(near, 61) ^ (near >> 6)) + words[(i - 7) & 15]
				+ (turned(far, 1) ^ turned(far, 8) ^ (far >> 7));
		}
		one = state[7] + (turned(e, 14) ^ turned(e, 18) ^ turned(e, 41)) + ((e & state[5]) ^ (~e & state[6]))
			+ ROUNDS[i] + words[i & 15];
		two = (turned(a, 28) ^ turned(a, 34) ^ turned(a, 39)) + ((a & state[1]) ^ (a & state[2]) ^ (state[1] & state[2]));
		memmove(state + 1, state, 7 * sizeof(uint64_t));
		state[4] += one;
		state[0] = one + two;
	}
	for (int i = 0; i < 64; i++)
		digest[i] = (uint8_t)((state[i / 8] + FIRST[i / 8]) >> (56 - 8 * (i % 8)));
}

static void carry(Field n)
{
	int64_t over = 0;

	for (int i = 0; i < LIMBS; i++) {
		n[i] += over;
		over = n[i] >> 16;
		n[i] -= over * 65536;
	}
	n[0] += 38 * over; // 2^256 is 38
}

static void add(Field sum, const Field a, const Field b)
{
	for (int i = 0; i < LIMBS; i++)
		sum[i] = a[i] + b[i];
}

static void subtract(Field difference, const Field a, const Field b)
{
	for (int i = 0; i < LIMBS; i++)
		difference[i] = a[i] - b[i];
}

static void multiply(Field product, const Field a, const Field b)
{
	int64_t all[2 * LIMBS] = { 0 };

	for (int i = 0; i < LIMBS; i++)
		for (int j = 0; j < LIMBS; j++)
			all[i + j] += a[i] * b[j];
	for (int i = 0; i < LIMBS; i++)
		product[i] = all[i] + 38 * all[i + LIMBS];
	carry(product);
	carry(product);
}

/** To the power of 2^top - 1 without the bits of `zeros`. */
static void power(Field result, const Field base, int top, uint32_t zeros)
{
	Field value;

	memcpy(value, base, sizeof(Field));
	for (int bit = top - 2; bit >= 0; bit--) {
		multiply(value, value, value);
		if (bit >= 32 || 0 == ((zeros >> bit) & 1))
			multiply(value, value, base);
	}
	memcpy(result, value, sizeof(Field));
}

/** The 32 bytes of the number below 2^255 - 19. */
static void pack(uint8_t *bytes, const Field n)
{
	Field value, less;

	memcpy(value, n, sizeof(Field));
	for (int i = 0; i < 3; i++)
		carry(value);
	for (int i = 0; i < 2; i++) {
		int64_t borrowed = 0;
		for (int j = 0; j < LIMBS; j++) {
			less[j] = value[j] - (0 == j ? 0xffed : LIMBS - 1 == j ? 0x7fff : 0xffff) - borrowed;
			borrowed = less[j] < 0;
			less[j] += borrowed * 65536;
		}
		if (!borrowed)
			memcpy(value, less, sizeof(Field));
	}
	for (int i = 0; i < LIMBS; i++) {
		bytes[2 * i] = (uint8_t)value[i];
		bytes[2 * i + 1] = (uint8_t)(value[i] >> 8);
	}
}

static int isEqual(const Field a, const Field b)
{
	uint8_t one[32], other[32];

	pack(one, a);
	pack(other, b);
	return 0 == memcmp(one, other, sizeof(one));
}

/** The sum may be one of the two. */
static void addPoints(Point *sum, const Point *p, const Point *q)
{
	Field a, b, c, d, e;

	subtract(a, p->y, p->x);
	subtract(e, q->y, q->x);
	multiply(a, a, e);
	add(b, p->x, p->y);
	add(e, q->x, q->y);
	multiply(b, b, e);
	multiply(c, p->t, q->t);
	multiply(c, c, DOUBLE_D);
	multiply(d, p->z, q->z);
	add(d, d, d);
	subtract(e, b, a);
	add(b, b, a); // h
	subtract(a, d, c); // f
	add(c, d, c); // g
	multiply(sum->x, e, a);
	multiply(sum->y, c, b);
	multiply(sum->z, a, c);
	multiply(sum->t, e, b);
}

/** @returns 0: the bytes encode no point */
static int decodePoint(Point *p, const uint8_t *bytes)
{
	const Field none = { 0 }, one = { 1 };
	Field square, u, v, x;
	uint8_t packed[32];

	memset(p, 0, sizeof(*p));
	p->z[0] = 1;
	for (int i = 0; i < LIMBS; i++)
		p->y[i] = bytes[2 * i] | (bytes[2 * i + 1] << 8);
	p->y[LIMBS - 1] &= 0x7fff;
	pack(packed, p->y);
	packed[31] |= bytes[31] & 0x80;
	if (memcmp(packed, bytes, sizeof(packed)))
		return 0; // y is not below 2^255 - 19
	multiply(square, p->y, p->y);
	subtract(u, square, one);
	multiply(v, square, D);
	add(v, v, one);
	// x = u v^3 (u v^7)^((p - 5) / 8)
	multiply(x, v, v);
	multiply(square, x, x);
	multiply(x, x, v);
	multiply(x, x, u);
	multiply(square, square, v);
	multiply(square, square, v);
	multiply(square, square, v);
	multiply(square, square, u);
	power(square, square, 252, 1 << 1);
	multiply(x, x, square);
	multiply(square, x, x);
	multiply(square, square, v);
	if (!isEqual(square, u)) {
		subtract(u, none, u);
		if (!isEqual(square, u))
			return 0;
		multiply(x, x, ROOT);
	}
	pack(packed, x);
	if ((packed[0] & 1) != bytes[31] >> 7) {
		if (isEqual(x, none))
			return 0;
		subtract(x, none, x);
	}
	carry(x);
	memcpy(p->x, x, sizeof(Field));
	multiply(p->t, p->x, p->y);
	return 1;
}

/** Subtracts the order if the number is not below it. @returns whether it was subtracted */
static int reduce(uint32_t *n)
{
	uint32_t less[8];
	uint64_t borrowed = 0;

	for (int i = 0; i < 8; i++) {
		uint64_t difference = (uint64_t)n[i] - ORDER[i] - borrowed;
		less[i] = (uint32_t)difference;
		borrowed = difference >> 63;
	}
	if (borrowed)
		return 0;
	memcpy(n, less, sizeof(less));
	return 1;
}

/** The number in `bytes`, little-endian, modulo the order. @returns how often the order was subtracted */
static int scalar(uint32_t *n, const uint8_t *bytes, int length)
{
	int count = 0;

	memset(n, 0, 32);
	for (int bit = 8 * length - 1; bit >= 0; bit--) {
		for (int i = 7; i > 0; i--)
			n[i] = (n[i] << 1) | (n[i - 1] >> 31);
		n[0] = (n[0] << 1) | ((bytes[bit / 8] >> (bit % 8)) & 1);
		count += reduce(n);
	}
	return count;
}

/** `digest`: of the signature's first half, the key, and the message. */
static int isSigned(const uint8_t *digest, const uint8_t *signature, const uint8_t *key)
{
	uint32_t s[8], k[8];
	uint8_t found[32], x[32];
	Point base, negated, both, sum = { .y = { 1 }, .z = { 1 } };
	Field none = { 0 };

	if (!decodePoint(&negated, key) || scalar(s, signature + 32, 32))
		return 0;
	scalar(k, digest, 64);
	subtract(negated.x, none, negated.x);
	subtract(negated.t, none, negated.t);
	memset(&base, 0, sizeof(base));
	memcpy(base.x, BASE_X, sizeof(Field));
	memcpy(base.y, BASE_Y, sizeof(Field));
	memcpy(base.t, BASE_T, sizeof(Field));
	base.z[0] = 1;
	addPoints(&both, &base, &negated);
	// R = s B - k A, both products at once
	for (int bit = BITS - 1; bit >= 0; bit--) {
		int isInS = (s[bit / 32] >> (bit % 32)) & 1;
		addPoints(&sum, &sum, &sum);
		if ((k[bit / 32] >> (bit % 32)) & 1)
			addPoints(&sum, &sum, isInS ? &both : &negated);
		else if (isInS)
			addPoints(&sum, &sum, &base);
	}
	power(sum.z, sum.z, 255, (1 << 2) | (1 << 4)); // its inverse
	multiply(sum.x, sum.x, sum.z);
	multiply(sum.y, sum.y, sum.z);
	pack(x, sum.x);
	pack(found, sum.y);
	found[31] |= (uint8_t)(x[0] << 7);
	return 0 == memcmp(found, signature, sizeof(found));
}

/** Arguments: message, signature, key, each a buffer. @returns whether the signature is valid; false for a message above 47 bytes */
void xs_is_signed(xsMachine *the)
{
	uint8_t block[BLOCK_BYTES] = { 0 }, signature[SIGNATURE_BYTES], key[KEY_BYTES], digest[64];
	void *bytes;
	xsUnsignedValue length, count;
	int result = 0;

	xsmcGetBufferReadable(xsArg(1), &bytes, &count);
	if (SIGNATURE_BYTES != count)
		goto end;
	memcpy(signature, bytes, SIGNATURE_BYTES);
	xsmcGetBufferReadable(xsArg(2), &bytes, &count);
	if (KEY_BYTES != count)
		goto end;
	memcpy(key, bytes, KEY_BYTES);
	xsmcGetBufferReadable(xsArg(0), &bytes, &length);
	if (length > MAX_MESSAGE_BYTES)
		goto end;
	memcpy(block, signature, 32);
	memcpy(block + 32, key, KEY_BYTES);
	memcpy(block + 64, bytes, length);
	length += 64;
	block[length] = 0x80;
	block[BLOCK_BYTES - 2] = (uint8_t)(length >> 5);
	block[BLOCK_BYTES - 1] = (uint8_t)(length << 3);
	sha512(block, digest);
	result = isSigned(digest, signature, key);
end:
	xsmcSetInteger(xsResult, result);
}
