/* The server's certificates: checks in addition to mbedTLS's, and texts for reports. Source: RFC 5280, RFC 6125. */
#include "parts.h"

#include <stdio.h>
#include <string.h>

#include "mbedtls/md.h"

enum { TAG_DNS = 2, TAG_ADDRESS = 7 }; /* RFC 5280 §4.2.1.6 */
static const uint8_t COMMON_NAME[] = { 0x55, 4, 3 };

static size_t derLength(const uint8_t *bytes, size_t length)
{
	size_t count, i, body = 0;

	if (length < 2 || bytes[0] != 0x30)
		return 0;
	if (bytes[1] < 0x80)
		return bytes[1] + 2u <= length ? bytes[1] + 2u : 0;
	count = bytes[1] & 0x7f;
	if (count == 0 || count > 3 || length < 2 + count)
		return 0;
	for (i = 0; i < count; i++)
		body = body << 8 | bytes[2 + i];
	return 2 + count + body <= length ? 2 + count + body : 0;
}

int tlsParseCertificates(mbedtls_x509_crt *into, TLSBytes given)
{
	while (given.length > 0) {
		size_t length = derLength(given.bytes, given.length);
		int result = length == 0 ? MBEDTLS_ERR_X509_INVALID_FORMAT : mbedtls_x509_crt_parse_der(into, given.bytes, length);

		if (result != 0)
			return result;
		given.bytes += length;
		given.length -= length;
	}
	return 0;
}

int tlsParseAddress(const char *name, uint8_t *address)
{
	unsigned at = 0, value = 0, digits = 0;

	for (; ; name++) {
		if (*name >= '0' && *name <= '9' && digits < 3) {
			value = value * 10 + (unsigned)(*name - '0');
			digits++;
		} else if ((*name == '.' || *name == 0) && digits > 0 && at < 4 && value < 256) {
			address[at++] = (uint8_t)value;
			value = digits = 0;
			if (*name == 0)
				return at == 4;
		} else
			return 0;
	}
}

/* Whether one of the certificate's alternative names is this address. mbedTLS 2.28 checks only host names. */
static int hasAddress(const mbedtls_x509_crt *certificate, const uint8_t *address)
{
	const mbedtls_x509_sequence *name;

	for (name = &certificate->subject_alt_names; name != NULL; name = name->next) {
		if ((name->buf.tag & 0x1f) == TAG_ADDRESS && name->buf.len == 4 && memcmp(name->buf.p, address, 4) == 0)
			return 1;
	}
	return 0;
}

/* mbedTLS ignores an issuer that is not a CA, and then reports a missing issuer. */
static int isIssuerNoCA(const mbedtls_x509_crt *certificate)
{
	const mbedtls_x509_crt *other;

	for (other = certificate->next; other != NULL; other = other->next) {
		if (other->subject_raw.len == certificate->issuer_raw.len &&
		    memcmp(other->subject_raw.p, certificate->issuer_raw.p, other->subject_raw.len) == 0)
			return !other->ca_istrue;
	}
	return 0;
}

/* The common name; "" if there is none. */
static void commonName(const mbedtls_x509_name *name, char *into, size_t size)
{
	into[0] = 0;
	for (; name != NULL; name = name->next) {
		if (name->oid.len == sizeof(COMMON_NAME) && memcmp(name->oid.p, COMMON_NAME, sizeof(COMMON_NAME)) == 0)
			snprintf(into, size, "%.*s", (int)name->val.len, (const char *)name->val.p);
	}
}

/* "DNS:broker.test, IP Address:10.0.0.1", as much as fits. */
static void alternativeNames(const mbedtls_x509_crt *certificate, char *into, size_t size)
{
	const mbedtls_x509_sequence *name;
	size_t at = 0;

	for (name = &certificate->subject_alt_names; name != NULL && name->buf.p != NULL && at < size; name = name->next) {
		const char *comma = at == 0 ? "" : ", ";
		const uint8_t *bytes = name->buf.p;
		int tag = name->buf.tag & 0x1f;

		if (tag == TAG_DNS)
			at += (size_t)snprintf(into + at, size - at, "%sDNS:%.*s", comma, (int)name->buf.len, (const char *)bytes);
		else if (tag == TAG_ADDRESS && name->buf.len == 4)
			at += (size_t)snprintf(into + at, size - at, "%sIP Address:%u.%u.%u.%u", comma, bytes[0], bytes[1], bytes[2], bytes[3]);
	}
	if (at == 0)
		commonName(&certificate->subject, into, size);
}

/* Days since 1970-01-01. */
static long daysOf(const mbedtls_x509_time *time)
{
	long year = time->mon > 2 ? time->year : time->year - 1;
	long month = time->mon > 2 ? time->mon - 3 : time->mon + 9;

	return 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + time->day - 719469;
}

static double msOf(const mbedtls_x509_time *time)
{
	return daysOf(time) * 86400000.0 + ((time->hour * 60.0 + time->min) * 60 + time->sec) * 1000;
}

/* Describes the certificate's fault, by the flag that decides: refusal.c has the same order. */
static void describe(TLSEngine *engine, const mbedtls_x509_crt *certificate, uint32_t flags)
{
	char *into = engine->detail;
	size_t size = sizeof(engine->detail);
	const mbedtls_x509_time *from = &certificate->valid_from, *to = &certificate->valid_to;
	char name[64];

	commonName(&certificate->subject, name, sizeof(name));
	if (flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED)
		commonName(&certificate->issuer, into, size);
	else if (flags & MBEDTLS_X509_BADCERT_EXPIRED)
		snprintf(into, size, "%s: %04d-%02d-%02d", name, to->year, to->mon, to->day);
	else if (flags & MBEDTLS_X509_BADCERT_FUTURE)
		snprintf(into, size, "%s: from %04d-%02d-%02d", name, from->year, from->mon, from->day);
	else if (flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) {
		snprintf(into, size, "it is for ");
		alternativeNames(certificate, into + strlen(into), size - strlen(into));
	} else if (flags != 0)
		snprintf(into, size, "%s", name);
}

int tlsLookAt(void *context, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
	TLSEngine *engine = context;
	uint8_t digest[PIN_BYTES];

	if (depth == 0 && engine->hasAddress && hasAddress(certificate, engine->address))
		*flags &= ~(uint32_t)MBEDTLS_X509_BADCERT_CN_MISMATCH;
	describe(engine, certificate, *flags);
	if (depth != 0)
		return 0;
	engine->isSeen = 1;
	engine->endsMs = msOf(&certificate->valid_to);
	commonName(&certificate->subject, engine->name, sizeof(engine->name));
	engine->isIssuerNoCA = (*flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) && isIssuerNoCA(certificate);
	if (engine->hasPin) {
		const mbedtls_md_info_t *sha256 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
		int result = mbedtls_md(sha256, certificate->pk_raw.p, certificate->pk_raw.len, digest);

		engine->isPinMet = result == 0 && memcmp(digest, engine->pin, PIN_BYTES) == 0;
		if (!engine->isPinMet)
			return MBEDTLS_ERR_X509_FATAL_ERROR; /* ends the handshake at once: no client certificate is sent */
	}
	return 0;
}
