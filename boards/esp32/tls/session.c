/*
 * The security of a connection, and sessions as bytes, for resumption: the first half of a SHA-256 of the connection's demand, then mbedTLS's
 * own format. A resumed session skips the check of the certificate, so it must not be offered with another CA, pin, name or client
 * certificate.
 */
#include "parts.h"

#include <stdio.h>
#include <string.h>

#include "mbedtls/md.h"

static int update(mbedtls_md_context_t *digest, TLSBytes part)
{
	const uint8_t length[] = { (uint8_t)(part.length >> 16), (uint8_t)(part.length >> 8), (uint8_t)part.length };
	int result = mbedtls_md_update(digest, length, sizeof(length));

	return result == 0 && part.length > 0 ? mbedtls_md_update(digest, part.bytes, part.length) : result;
}

int tlsBind(TLSEngine *engine, const TLSDemand *demand)
{
	const TLSBytes parts[] = {
		{ (const uint8_t *)demand->name, strlen(demand->name) }, { demand->pin, demand->pin == NULL ? 0 : PIN_BYTES }, demand->ca,
		demand->certificate
	};
	uint8_t whole[32] = { 0 };
	mbedtls_md_context_t digest;
	size_t i;
	int result;

	mbedtls_md_init(&digest);
	result = mbedtls_md_setup(&digest, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), 0);
	if (result == 0)
		result = mbedtls_md_starts(&digest);
	for (i = 0; result == 0 && i < sizeof(parts) / sizeof(parts[0]); i++)
		result = update(&digest, parts[i]);
	if (result == 0)
		result = mbedtls_md_finish(&digest, whole);
	mbedtls_md_free(&digest);
	memcpy(engine->binding, whole, BINDING_BYTES);
	return result;
}

void tlsOffer(TLSEngine *engine, TLSBytes given)
{
	mbedtls_ssl_session session;

	if (given.length <= BINDING_BYTES || memcmp(given.bytes, engine->binding, BINDING_BYTES) != 0)
		return;
	mbedtls_ssl_session_init(&session);
	engine->hasSession = mbedtls_ssl_session_load(&session, given.bytes + BINDING_BYTES, given.length - BINDING_BYTES) == 0 &&
		mbedtls_ssl_set_session(&engine->ssl, &session) == 0;
	mbedtls_ssl_session_free(&session);
}

size_t tlsSession(TLSEngine *engine, uint8_t *bytes, size_t length)
{
	mbedtls_ssl_session session;
	size_t count = 0;
	int result;

	if (engine->state != TLS_OPEN || !engine->isSessionNew || length < BINDING_BYTES)
		return 0;
	engine->isSessionNew = 0;
	mbedtls_ssl_session_init(&session);
	result = mbedtls_ssl_get_session(&engine->ssl, &session);
	if (result == 0)
		result = mbedtls_ssl_session_save(&session, bytes + BINDING_BYTES, length - BINDING_BYTES, &count);
	mbedtls_ssl_session_free(&session);
	if (result != 0)
		return 0;
	memcpy(bytes, engine->binding, BINDING_BYTES);
	return BINDING_BYTES + count;
}

void tlsFacts(TLSEngine *engine, TLSFacts *facts)
{
	const char *cipher = mbedtls_ssl_get_ciphersuite(&engine->ssl);
	char *at = engine->cipher;

	/* IANA's name. */
	if (strncmp(cipher, "TLS1-3-", 7) == 0)
		snprintf(at, sizeof(engine->cipher), "TLS-%s", cipher + 7);
	else
		snprintf(at, sizeof(engine->cipher), "%s", cipher);
	for (; *at != 0; at++) {
		if (*at == '-')
			*at = '_';
	}
	*facts = (TLSFacts){
		.version = mbedtls_ssl_get_version(&engine->ssl), .cipher = engine->cipher, .name = engine->name, .endsMs = engine->endsMs,
		.isResumed = !engine->isSeen
	};
}
