/* Shared by the parts of the TLS engine. */
#pragma once
#include "options.h"
#define MBEDTLS_ALLOW_PRIVATE_ACCESS
#include "engine.h"

#include "mbedtls/ssl.h"
#include "mbedtls/version.h"
#include "mbedtls/x509_crt.h"
#if MBEDTLS_VERSION_MAJOR < 4 /* from 4 on, random numbers come from PSA */
#include "mbedtls/ctr_drbg.h"
#include "mbedtls/entropy.h"
#endif

#define PIN_BYTES 32
#define BINDING_BYTES 16 /* the first half of a SHA-256 */
#define MAX_NAME 128

struct TLSEngine {
	mbedtls_ssl_context ssl;
	mbedtls_ssl_config config;
#if MBEDTLS_VERSION_MAJOR < 4
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context random;
#endif
	mbedtls_x509_crt ca, certificate;
	mbedtls_pk_context key;
	/* Source and destination of ciphertext, during a call. */
	const uint8_t *in;
	uint8_t *out;
	size_t inLeft, outLeft;
	TLSState state;
	uint8_t pin[PIN_BYTES], binding[BINDING_BYTES], address[4];
	unsigned hasPin : 1, hasCA : 1, hasAddress : 1, hasSession : 1; /* of the demand */
	unsigned isPinMet : 1, isSeen : 1, isIssuerNoCA : 1;            /* of the server's certificate */
	unsigned isEnded : 1, isHeard : 1, isAsked : 1, isSessionNew : 1;
	double endsMs;
	TLSRefusal refusal;
	int error;
	char name[64], detail[96], cipher[48];
};

/* certificate.c */
extern int tlsParseCertificates(mbedtls_x509_crt *into, TLSBytes given);
/* Four decimal numbers, as in the settings. */
extern int tlsParseAddress(const char *name, uint8_t *address);
/* mbedTLS's callback for each certificate of a chain, the server's last. */
extern int tlsLookAt(void *engine, mbedtls_x509_crt *certificate, int depth, uint32_t *flags);

/* session.c */
extern int tlsBind(TLSEngine *engine, const TLSDemand *demand);
/* Offers the demand's session to the server, if there is one that fits. */
extern void tlsOffer(TLSEngine *engine, TLSBytes session);
