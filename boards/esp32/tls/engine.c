/* See engine.h. Source: RFC 5246, RFC 8446, RFC 5280; mbedTLS's own documentation. */
#define MBEDTLS_ALLOW_PRIVATE_ACCESS
#include "engine.h"
#include "refusal.h"

#include <stdlib.h>
#include <string.h>

#include "mbedtls/ctr_drbg.h"
#include "mbedtls/entropy.h"
#include "mbedtls/md.h"
#include "mbedtls/ssl.h"
#include "mbedtls/version.h"
#include "mbedtls/x509_crt.h"

#define IN_BYTES 1024
#define OUT_BYTES 4096
#define RECORD_OVERHEAD 100 /* header, nonce, tag or padding, of any cipher */
#define PIN_BYTES 32
#define MAX_NAME 128

#if MBEDTLS_VERSION_MAJOR < 3
#define BAD_VERSION MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION
#else
#define BAD_VERSION MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION
#endif

enum { OPEN_HANDSHAKE, OPEN_DATA, OVER };

struct TLSEngine {
	mbedtls_ssl_context ssl;
	mbedtls_ssl_config config;
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context random;
	mbedtls_x509_crt ca, certificate;
	mbedtls_pk_context key;
	uint8_t in[IN_BYTES], out[OUT_BYTES];
	size_t inFrom, inTo, outTo;
	uint8_t pin[PIN_BYTES];
	uint8_t address[4];
	int hasPin, hasCA, hasAddress, isPinMet, isSeen, isIssuerNoCA, isEnded, isHeard, isAsked, state;
	TLSRefusal refusal;
	int error;
};

static int sendOut(void *context, const unsigned char *bytes, size_t length)
{
	TLSEngine *engine = context;
	size_t space = OUT_BYTES - engine->outTo;
	size_t count = length < space ? length : space;

	if (count == 0)
		return MBEDTLS_ERR_SSL_WANT_WRITE;
	memcpy(engine->out + engine->outTo, bytes, count);
	engine->outTo += count;
	return (int)count;
}

static int receiveIn(void *context, unsigned char *bytes, size_t length)
{
	TLSEngine *engine = context;
	size_t there = engine->inTo - engine->inFrom;
	size_t count = length < there ? length : there;

	if (count == 0)
		return engine->isEnded ? 0 : MBEDTLS_ERR_SSL_WANT_READ;
	memcpy(bytes, engine->in + engine->inFrom, count);
	engine->inFrom += count;
	return (int)count;
}

/* Is one of the certificate's alternative names this address? mbedTLS 2.28 looks at host names alone. */
static int hasAddress(const mbedtls_x509_crt *certificate, const uint8_t *address)
{
	const mbedtls_x509_sequence *name;

	for (name = &certificate->subject_alt_names; name != NULL; name = name->next) {
		if ((name->buf.tag & 0x1f) == 7 && name->buf.len == 4 && memcmp(name->buf.p, address, 4) == 0)
			return 1;
	}
	return 0;
}

/* mbedTLS passes over an issuer that is no CA, and knows none then. */
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

static int onCertificate(void *context, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
	TLSEngine *engine = context;
	uint8_t digest[PIN_BYTES];

	if (depth != 0)
		return 0;
	engine->isSeen = 1;
	if (engine->hasAddress && (*flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) && hasAddress(certificate, engine->address))
		*flags &= ~(uint32_t)MBEDTLS_X509_BADCERT_CN_MISMATCH;
	engine->isIssuerNoCA = (*flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) && isIssuerNoCA(certificate);
	if (engine->hasPin) {
		const mbedtls_md_info_t *sha256 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
		int result = mbedtls_md(sha256, certificate->pk_raw.p, certificate->pk_raw.len, digest);
		engine->isPinMet = result == 0 && memcmp(digest, engine->pin, PIN_BYTES) == 0;
		if (!engine->isPinMet)
			return MBEDTLS_ERR_X509_FATAL_ERROR; /* here and now: a client certificate must not follow */
	}
	return 0;
}

static int refuse(TLSEngine *engine, TLSRefusal refusal, int error)
{
	engine->refusal = refusal;
	engine->error = error;
	engine->state = OVER;
	return -1;
}

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

static int parseCertificates(mbedtls_x509_crt *into, TLSBytes given)
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

static int parseKey(TLSEngine *engine, TLSBytes given)
{
#if MBEDTLS_VERSION_MAJOR < 3
	return mbedtls_pk_parse_key(&engine->key, given.bytes, given.length, NULL, 0);
#else
	return mbedtls_pk_parse_key(&engine->key, given.bytes, given.length, NULL, 0, mbedtls_ctr_drbg_random, &engine->random);
#endif
}

/* Four decimal numbers, as the settings take an address. */
static int parseAddress(const char *name, uint8_t *address)
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

static int configure(TLSEngine *engine, const TLSDemand *demand)
{
	int result = mbedtls_ctr_drbg_seed(&engine->random, mbedtls_entropy_func, &engine->entropy, NULL, 0);

	if (result == 0)
		result = mbedtls_ssl_config_defaults(&engine->config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
			MBEDTLS_SSL_PRESET_DEFAULT);
	if (result == 0)
		result = parseCertificates(&engine->ca, demand->ca);
	if (result == 0)
		result = parseCertificates(&engine->certificate, demand->certificate);
	if (result == 0 && demand->key.length > 0) {
		result = parseKey(engine, demand->key);
		if (result == 0)
			result = mbedtls_ssl_conf_own_cert(&engine->config, &engine->certificate, &engine->key);
	}
	if (result != 0)
		return result;
#if MBEDTLS_VERSION_MAJOR < 3
	mbedtls_ssl_conf_min_version(&engine->config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
#else
	mbedtls_ssl_conf_min_tls_version(&engine->config, MBEDTLS_SSL_VERSION_TLS1_2);
#endif
	mbedtls_ssl_conf_rng(&engine->config, mbedtls_ctr_drbg_random, &engine->random);
	mbedtls_ssl_conf_ca_chain(&engine->config, &engine->ca, NULL);
	/* With a pin alone the chain is looked at, and does not decide; `onCertificate` does. */
	mbedtls_ssl_conf_authmode(&engine->config, engine->hasPin && !engine->hasCA ? MBEDTLS_SSL_VERIFY_OPTIONAL : MBEDTLS_SSL_VERIFY_REQUIRED);
	mbedtls_ssl_conf_verify(&engine->config, onCertificate, engine);
	result = mbedtls_ssl_setup(&engine->ssl, &engine->config);
	if (result == 0)
		result = mbedtls_ssl_set_hostname(&engine->ssl, demand->name);
	mbedtls_ssl_set_bio(&engine->ssl, engine, sendOut, receiveIn, NULL);
	return result;
}

TLSEngine *tlsOpen(const TLSDemand *demand)
{
	TLSEngine *engine = calloc(1, sizeof(*engine));
	int result;

	if (engine == NULL)
		return NULL;
	mbedtls_ssl_init(&engine->ssl);
	mbedtls_ssl_config_init(&engine->config);
	mbedtls_entropy_init(&engine->entropy);
	mbedtls_ctr_drbg_init(&engine->random);
	mbedtls_x509_crt_init(&engine->ca);
	mbedtls_x509_crt_init(&engine->certificate);
	mbedtls_pk_init(&engine->key);
	engine->hasCA = demand->ca.length > 0;
	engine->hasPin = demand->pin != NULL;
	if (engine->hasPin)
		memcpy(engine->pin, demand->pin, PIN_BYTES);
	engine->hasAddress = parseAddress(demand->name, engine->address);
	result = strlen(demand->name) > MAX_NAME || (!engine->hasCA && !engine->hasPin) ? MBEDTLS_ERR_SSL_BAD_INPUT_DATA : configure(engine, demand);
	if (result != 0)
		refuse(engine, TLS_UNUSABLE, result);
	return engine;
}

void tlsFree(TLSEngine *engine)
{
	if (engine == NULL)
		return;
	mbedtls_ssl_free(&engine->ssl);
	mbedtls_ssl_config_free(&engine->config);
	mbedtls_ctr_drbg_free(&engine->random);
	mbedtls_entropy_free(&engine->entropy);
	mbedtls_x509_crt_free(&engine->ca);
	mbedtls_x509_crt_free(&engine->certificate);
	mbedtls_pk_free(&engine->key);
	memset(engine, 0, sizeof(*engine));
	free(engine);
}

size_t tlsFeed(TLSEngine *engine, const uint8_t *bytes, size_t length)
{
	size_t space;

	memmove(engine->in, engine->in + engine->inFrom, engine->inTo - engine->inFrom);
	engine->inTo -= engine->inFrom;
	engine->inFrom = 0;
	space = IN_BYTES - engine->inTo;
	if (length > space)
		length = space;
	memcpy(engine->in + engine->inTo, bytes, length);
	engine->inTo += length;
	if (length > 0)
		engine->isHeard = 1;
	return length;
}

void tlsFeedEnd(TLSEngine *engine)
{
	engine->isEnded = 1;
}

size_t tlsTake(TLSEngine *engine, uint8_t *bytes, size_t length)
{
	if (length > engine->outTo)
		length = engine->outTo;
	memcpy(bytes, engine->out, length);
	memmove(engine->out, engine->out + length, engine->outTo - length);
	engine->outTo -= length;
	return length;
}

static TLSStep failed(TLSEngine *engine, int error)
{
	uint32_t flags = engine->hasPin && !engine->hasCA ? 0 : mbedtls_ssl_get_verify_result(&engine->ssl);
	TLSRefusal refusal = TLS_BROKEN;

	if (engine->hasPin && engine->isSeen && !engine->isPinMet)
		refusal = TLS_WRONG_KEY;
	else if (error == MBEDTLS_ERR_SSL_CONN_EOF)
		refusal = engine->isHeard ? TLS_CLOSED : TLS_NO_TLS;
	else if (error == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE)
		refusal = tlsAlertRefusal(engine->ssl.in_msg[1], engine->isAsked);
	else if (error == BAD_VERSION)
		refusal = TLS_NO_COMMON;
	else if (error == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED || (flags != 0 && flags != 0xffffffff))
		refusal = tlsChainRefusal(flags, engine->isIssuerNoCA);
	else if (error == MBEDTLS_ERR_SSL_INVALID_RECORD && engine->state == OPEN_HANDSHAKE && !engine->isAsked)
		refusal = TLS_NO_TLS;
	refuse(engine, refusal, error);
	return TLS_REFUSED;
}

static TLSStep stepHandshake(TLSEngine *engine)
{
	int result = mbedtls_ssl_handshake(&engine->ssl);

	if (engine->ssl.state > MBEDTLS_SSL_SERVER_HELLO)
		engine->isAsked = 1;
	if (result == MBEDTLS_ERR_SSL_WANT_READ || result == MBEDTLS_ERR_SSL_WANT_WRITE)
		return TLS_WAITS;
	if (result != 0)
		return failed(engine, result);
	if (engine->hasPin && !engine->isPinMet)
		return failed(engine, MBEDTLS_ERR_X509_FATAL_ERROR);
	engine->state = OPEN_DATA;
	return TLS_DONE;
}

TLSStep tlsStep(TLSEngine *engine)
{
	unsigned char none;
	int result;

	if (engine->state == OVER)
		return TLS_REFUSED;
	if (engine->state == OPEN_HANDSHAKE)
		return stepHandshake(engine);
	if (tlsReadable(engine) > 0)
		return TLS_DATA;
	result = mbedtls_ssl_read(&engine->ssl, &none, 0);
	if (tlsReadable(engine) > 0)
		return TLS_DATA;
	if (result == MBEDTLS_ERR_SSL_WANT_READ || result == MBEDTLS_ERR_SSL_WANT_WRITE)
		return TLS_WAITS;
	return result == 0 || result == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY || result == MBEDTLS_ERR_SSL_CONN_EOF ? TLS_ENDED : failed(engine, result);
}

size_t tlsReadable(TLSEngine *engine)
{
	return engine->state == OPEN_DATA ? mbedtls_ssl_get_bytes_avail(&engine->ssl) : 0;
}

size_t tlsWritable(TLSEngine *engine)
{
	size_t space = OUT_BYTES - engine->outTo;

	return engine->state == OPEN_DATA && space > RECORD_OVERHEAD ? space - RECORD_OVERHEAD : 0;
}

int tlsRead(TLSEngine *engine, uint8_t *bytes, size_t length)
{
	return length > 0 && length <= tlsReadable(engine) && mbedtls_ssl_read(&engine->ssl, bytes, length) == (int)length;
}

int tlsWrite(TLSEngine *engine, const uint8_t *bytes, size_t length)
{
	return length > 0 && length <= tlsWritable(engine) && mbedtls_ssl_write(&engine->ssl, bytes, length) == (int)length;
}

void tlsClose(TLSEngine *engine)
{
	if (engine->state == OPEN_DATA)
		mbedtls_ssl_close_notify(&engine->ssl);
	engine->state = OVER;
}

TLSRefusal tlsRefusal(const TLSEngine *engine)
{
	return engine->refusal;
}

int tlsError(const TLSEngine *engine)
{
	return engine->error;
}

const char *tlsVersion(const TLSEngine *engine)
{
	return mbedtls_ssl_get_version(&engine->ssl);
}

const char *tlsCipher(const TLSEngine *engine)
{
	return mbedtls_ssl_get_ciphersuite(&engine->ssl);
}
