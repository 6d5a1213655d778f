/* See engine.h. Source: RFC 5246, RFC 8446; mbedTLS's own documentation. */
#include "parts.h"
#include "refusal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mbedtls/platform.h"
#if MBEDTLS_VERSION_MAJOR >= 4
#include "psa/crypto.h"
#endif

#if MBEDTLS_VERSION_MAJOR < 3
#define BAD_VERSION MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION
#else
#define BAD_VERSION MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION
#endif

static int sendOut(void *context, const unsigned char *bytes, size_t length)
{
	TLSEngine *engine = context;
	size_t count = length < engine->outLeft ? length : engine->outLeft;

	if (count == 0)
		return MBEDTLS_ERR_SSL_WANT_WRITE;
	memcpy(engine->out, bytes, count);
	engine->out += count;
	engine->outLeft -= count;
	return (int)count;
}

static int receiveIn(void *context, unsigned char *bytes, size_t length)
{
	TLSEngine *engine = context;
	size_t count = length < engine->inLeft ? length : engine->inLeft;

	if (count == 0)
		return engine->isEnded ? 0 : MBEDTLS_ERR_SSL_WANT_READ;
	memcpy(bytes, engine->in, count);
	engine->in += count;
	engine->inLeft -= count;
	return (int)count;
}

/* Sends the bytes that mbedTLS still holds, as far as possible; returns whether nothing is left. */
static int flush(TLSEngine *engine)
{
	if (engine->ssl.out_left > 0)
		mbedtls_ssl_send_alert_message(&engine->ssl, MBEDTLS_SSL_ALERT_LEVEL_WARNING, MBEDTLS_SSL_ALERT_MSG_CLOSE_NOTIFY);
	return engine->ssl.out_left == 0;
}

static void refuse(TLSEngine *engine, TLSRefusal refusal, int error)
{
	engine->refusal = refusal;
	engine->error = error;
	engine->state = TLS_REFUSED;
	if (engine->detail[0] == 0)
		snprintf(engine->detail, sizeof(engine->detail), "mbedTLS -0x%04x", (unsigned)-error);
}

#if MBEDTLS_VERSION_MAJOR < 4
static int seed(TLSEngine *engine)
{
	int result = mbedtls_ctr_drbg_seed(&engine->random, mbedtls_entropy_func, &engine->entropy, NULL, 0);

	if (result == 0)
		mbedtls_ssl_conf_rng(&engine->config, mbedtls_ctr_drbg_random, &engine->random);
	return result;
}
#else
static int seed(TLSEngine *engine)
{
	(void)engine;
	return psa_crypto_init() == PSA_SUCCESS ? 0 : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}
#endif

static int parseKey(TLSEngine *engine, TLSBytes given)
{
#if MBEDTLS_VERSION_MAJOR == 3
	return mbedtls_pk_parse_key(&engine->key, given.bytes, given.length, NULL, 0, mbedtls_ctr_drbg_random, &engine->random);
#else
	return mbedtls_pk_parse_key(&engine->key, given.bytes, given.length, NULL, 0);
#endif
}

/* TLS 1.2 and later. Asks the server for records of at most 4 KB: a device has no memory for longer ones. */
static int limit(mbedtls_ssl_config *config)
{
#if MBEDTLS_VERSION_MAJOR < 3
	mbedtls_ssl_conf_min_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
#else
	mbedtls_ssl_conf_min_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_2);
#endif
/* mbedTLS 4 reports tickets in any case. */
#if MBEDTLS_VERSION_MAJOR == 3 && MBEDTLS_VERSION_NUMBER >= 0x03060100 && defined(MBEDTLS_SSL_PROTO_TLS1_3) && defined(MBEDTLS_SSL_SESSION_TICKETS)
	mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(config, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
#endif
#if defined(MBEDTLS_SSL_MAX_FRAGMENT_LENGTH)
	return mbedtls_ssl_conf_max_frag_len(config, MBEDTLS_SSL_MAX_FRAG_LEN_4096);
#else
	return 0;
#endif
}

static int configure(TLSEngine *engine, const TLSDemand *demand)
{
	int result = seed(engine);

	if (result == 0)
		result = mbedtls_ssl_config_defaults(&engine->config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
			MBEDTLS_SSL_PRESET_DEFAULT);
	if (result == 0)
		result = limit(&engine->config);
	if (result == 0)
		result = tlsParseCertificates(&engine->ca, demand->ca);
	if (result == 0)
		result = tlsParseCertificates(&engine->certificate, demand->certificate);
	if (result == 0 && demand->key.length > 0) {
		result = parseKey(engine, demand->key);
		if (result == 0)
			result = mbedtls_ssl_conf_own_cert(&engine->config, &engine->certificate, &engine->key);
	}
	if (result == 0)
		result = tlsBind(engine, demand);
	if (result != 0)
		return result;
	mbedtls_ssl_conf_ca_chain(&engine->config, &engine->ca, NULL);
	/* With only a pin, the chain is verified but does not decide; `tlsLookAt` does. */
	mbedtls_ssl_conf_authmode(&engine->config, engine->hasPin && !engine->hasCA ? MBEDTLS_SSL_VERIFY_OPTIONAL : MBEDTLS_SSL_VERIFY_REQUIRED);
	mbedtls_ssl_conf_verify(&engine->config, tlsLookAt, engine);
	result = mbedtls_ssl_setup(&engine->ssl, &engine->config);
	if (result == 0)
		result = mbedtls_ssl_set_hostname(&engine->ssl, demand->name);
	if (result == 0)
		tlsOffer(engine, demand->session);
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
#if MBEDTLS_VERSION_MAJOR < 4
	mbedtls_entropy_init(&engine->entropy);
	mbedtls_ctr_drbg_init(&engine->random);
#endif
	mbedtls_x509_crt_init(&engine->ca);
	mbedtls_x509_crt_init(&engine->certificate);
	mbedtls_pk_init(&engine->key);
	engine->hasCA = demand->ca.length > 0;
	engine->hasPin = demand->pin != NULL;
	if (engine->hasPin)
		memcpy(engine->pin, demand->pin, PIN_BYTES);
	engine->hasAddress = (unsigned)tlsParseAddress(demand->name, engine->address);
	result = strlen(demand->name) > MAX_NAME || (!engine->hasCA && !engine->hasPin) ? MBEDTLS_ERR_SSL_BAD_INPUT_DATA : configure(engine, demand);
	if (result != 0)
		refuse(engine, tlsIsMemory(result) ? TLS_NO_MEMORY : TLS_UNUSABLE, result);
	else
		engine->state = TLS_WORKS;
	return engine;
}

/* Frees memory that only the handshake needs: a third of all that the engine uses on a device. */
static void freeCredentials(TLSEngine *engine)
{
	mbedtls_x509_crt_free(&engine->ca);
	mbedtls_x509_crt_free(&engine->certificate);
	mbedtls_pk_free(&engine->key);
}

void tlsFree(TLSEngine *engine)
{
	if (engine == NULL)
		return;
	mbedtls_ssl_free(&engine->ssl);
	mbedtls_ssl_config_free(&engine->config);
#if MBEDTLS_VERSION_MAJOR < 4
	mbedtls_ctr_drbg_free(&engine->random);
	mbedtls_entropy_free(&engine->entropy);
#endif
	freeCredentials(engine);
	memset(engine, 0, sizeof(*engine));
	free(engine);
}

/* Whether the record's header states more than the buffer holds. mbedTLS then reports an invalid record, or BAD_INPUT_DATA before it fetches it. */
static int isTooLarge(const TLSEngine *engine, int error)
{
	const unsigned char *length = engine->ssl.in_len;

	if (error == MBEDTLS_ERR_SSL_FEATURE_UNAVAILABLE || error == MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL)
		return 1; /* a handshake message in several records (2.28), or one that does not fit */
	return (error == MBEDTLS_ERR_SSL_INVALID_RECORD || error == MBEDTLS_ERR_SSL_BAD_INPUT_DATA) && engine->isAsked && length != NULL &&
		(length[0] << 8 | length[1]) > MBEDTLS_SSL_IN_CONTENT_LEN;
}

static TLSRefusal refusalOf(const TLSEngine *engine, int error)
{
	uint32_t flags = engine->hasPin && !engine->hasCA ? 0 : mbedtls_ssl_get_verify_result(&engine->ssl);

	if (engine->hasPin && engine->isSeen && !engine->isPinMet)
		return TLS_WRONG_KEY;
	if (error == MBEDTLS_ERR_SSL_CONN_EOF)
		return engine->isHeard ? TLS_CLOSED : TLS_NO_TLS;
	if (error == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE)
		return tlsAlertRefusal(engine->ssl.in_msg[1], engine->isAsked);
	if (error == BAD_VERSION)
		return TLS_NO_COMMON;
	if (error == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED || (flags != 0 && flags != 0xffffffff))
		return tlsChainRefusal(flags, engine->isIssuerNoCA);
	if (tlsIsMemory(error))
		return TLS_NO_MEMORY;
	if (isTooLarge(engine, error))
		return TLS_TOO_LARGE;
	return error == MBEDTLS_ERR_SSL_INVALID_RECORD && engine->state < TLS_OPEN && !engine->isAsked ? TLS_NO_TLS : TLS_BROKEN;
}

static void fail(TLSEngine *engine, int error)
{
	TLSRefusal refusal = refusalOf(engine, error);

	if (refusal > TLS_WRONG_USAGE && refusal != TLS_NO_CA && refusal != TLS_WEAK)
		engine->detail[0] = 0; /* it describes a certificate, which is not the cause */
	if (refusal == TLS_WRONG_USAGE && engine->detail[0] == 0)
		snprintf(engine->detail, sizeof(engine->detail), "%s", engine->name); /* mbedTLS finds this fault after `tlsLookAt` */
	refuse(engine, refusal, error);
}

/* The server is verified. Frees the memory that only the handshake needed, including the certificate, which a session would keep. */
static void secured(TLSEngine *engine)
{
	engine->state = TLS_OPEN;
	engine->isSessionNew = mbedtls_ssl_get_version(&engine->ssl)[6] == '2'; /* "TLSv1.2"; in TLS 1.3 a ticket follows later */
	engine->detail[0] = 0;
	freeCredentials(engine);
#if defined(MBEDTLS_SSL_KEEP_PEER_CERTIFICATE)
	if (engine->ssl.session->peer_cert != NULL) {
		mbedtls_x509_crt_free(engine->ssl.session->peer_cert);
		mbedtls_free(engine->ssl.session->peer_cert);
		engine->ssl.session->peer_cert = NULL;
	}
#endif
}

static void stepHandshake(TLSEngine *engine)
{
	int result = mbedtls_ssl_handshake_step(&engine->ssl);
	int isOver = engine->ssl.state == MBEDTLS_SSL_HANDSHAKE_OVER;

	if (engine->ssl.state > MBEDTLS_SSL_SERVER_HELLO)
		engine->isAsked = 1;
	if (result == MBEDTLS_ERR_SSL_WANT_READ || result == MBEDTLS_ERR_SSL_WANT_WRITE) {
		engine->state = engine->inLeft > 0 ? TLS_WORKS : TLS_WAITS;
		return;
	}
	if (result != 0)
		fail(engine, result);
	else if (!isOver)
		engine->state = TLS_WORKS;
	/* A resumed session has no certificate: the session was made when the certificate was verified. */
	else if (engine->isSeen ? engine->hasPin && !engine->isPinMet : !engine->hasSession)
		fail(engine, MBEDTLS_ERR_X509_FATAL_ERROR);
	else
		secured(engine);
}

static void stepData(TLSEngine *engine)
{
	unsigned char none;
	int result = mbedtls_ssl_read(&engine->ssl, &none, 0);

	if (tlsReadable(engine) > 0 || result == MBEDTLS_ERR_SSL_WANT_READ || result == MBEDTLS_ERR_SSL_WANT_WRITE)
		return;
#if defined(MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
	if (result == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) {
		engine->isSessionNew = 1;
		return;
	}
#endif
	if (result == 0 || result == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY || result == MBEDTLS_ERR_SSL_CONN_EOF)
		engine->state = TLS_ENDED;
	else
		fail(engine, result);
}

size_t tlsFeed(TLSEngine *engine, const uint8_t *bytes, size_t length)
{
	if (engine->state >= TLS_ENDED || tlsReadable(engine) > 0)
		return 0;
	if (!flush(engine)) {
		if (engine->state == TLS_WORKS)
			engine->state = TLS_WAITS;
		return 0;
	}
	engine->in = bytes;
	engine->inLeft = length;
	if (length > 0)
		engine->isHeard = 1;
	if (engine->state == TLS_OPEN)
		stepData(engine);
	else
		stepHandshake(engine);
	length -= engine->inLeft;
	engine->in = NULL;
	engine->inLeft = 0;
	return length;
}

void tlsFeedEnd(TLSEngine *engine)
{
	engine->isEnded = 1;
}

size_t tlsTake(TLSEngine *engine, uint8_t *bytes, size_t length)
{
	if (engine->ssl.out_left == 0)
		return 0;
	engine->out = bytes;
	engine->outLeft = length;
	if (flush(engine) && engine->state == TLS_WAITS)
		engine->state = TLS_WORKS;
	length -= engine->outLeft;
	engine->out = NULL;
	engine->outLeft = 0;
	return length;
}

TLSState tlsState(const TLSEngine *engine)
{
	return engine->state;
}

size_t tlsReadable(TLSEngine *engine)
{
	return engine->state == TLS_OPEN ? mbedtls_ssl_get_bytes_avail(&engine->ssl) : 0;
}

size_t tlsWritable(TLSEngine *engine)
{
	int most = engine->state == TLS_OPEN && engine->ssl.out_left == 0 ? mbedtls_ssl_get_max_out_record_payload(&engine->ssl) : 0;

	return most > 0 ? (size_t)most : 0;
}

size_t tlsOverhead(TLSEngine *engine)
{
	int most = mbedtls_ssl_get_record_expansion(&engine->ssl);

	return most > 0 ? (size_t)most : 0;
}

int tlsRead(TLSEngine *engine, uint8_t *bytes, size_t length)
{
	return length > 0 && length <= tlsReadable(engine) && mbedtls_ssl_read(&engine->ssl, bytes, length) == (int)length;
}

int tlsWrite(TLSEngine *engine, const uint8_t *bytes, size_t length)
{
	int result;

	if (length == 0 || length > tlsWritable(engine))
		return 0;
	result = mbedtls_ssl_write(&engine->ssl, bytes, length);
	/* It is encrypted, and waits to be sent. */
	return result == (int)length || (result == MBEDTLS_ERR_SSL_WANT_WRITE && engine->ssl.out_left > 0);
}

void tlsClose(TLSEngine *engine)
{
	if (engine->state == TLS_OPEN && flush(engine))
		mbedtls_ssl_close_notify(&engine->ssl);
	if (engine->state != TLS_REFUSED)
		engine->state = TLS_ENDED;
}

TLSRefusal tlsRefusal(const TLSEngine *engine)
{
	return engine->refusal;
}

const char *tlsDetail(const TLSEngine *engine)
{
	return engine->detail;
}

int tlsError(const TLSEngine *engine)
{
	return engine->error;
}
