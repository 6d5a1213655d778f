/* See refusal.h. Source: RFC 5246 §7.2, RFC 8446 §6.2. */
#include "options.h"
#include "refusal.h"

#include "mbedtls/ssl.h"
#include "mbedtls/version.h"
#include "mbedtls/x509.h"

TLSRefusal tlsChainRefusal(uint32_t flags, int isIssuerNoCA)
{
	if (flags & (MBEDTLS_X509_BADCERT_BAD_KEY | MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK))
		return TLS_WEAK;
	if (flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED)
		return isIssuerNoCA ? TLS_NO_CA : TLS_UNKNOWN_CA;
	if (flags & MBEDTLS_X509_BADCERT_EXPIRED)
		return TLS_EXPIRED;
	if (flags & MBEDTLS_X509_BADCERT_FUTURE)
		return TLS_NOT_YET_VALID;
	if (flags & MBEDTLS_X509_BADCERT_CN_MISMATCH)
		return TLS_WRONG_NAME;
	if (flags & (MBEDTLS_X509_BADCERT_KEY_USAGE | MBEDTLS_X509_BADCERT_EXT_KEY_USAGE))
		return TLS_WRONG_USAGE;
	return TLS_UNKNOWN_CA;
}

/* TLS 1.2 has no separate alert for a client without a certificate. */
TLSRefusal tlsAlertRefusal(unsigned alert, int isAsked)
{
	switch (alert) {
	case MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE:
		return isAsked ? TLS_CLIENT : TLS_NO_COMMON;
	case MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION:
	case MBEDTLS_SSL_ALERT_MSG_INSUFFICIENT_SECURITY:
		return TLS_NO_COMMON;
	case MBEDTLS_SSL_ALERT_MSG_BAD_CERT:
	case MBEDTLS_SSL_ALERT_MSG_UNSUPPORTED_CERT:
	case MBEDTLS_SSL_ALERT_MSG_CERT_REVOKED:
	case MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED:
	case MBEDTLS_SSL_ALERT_MSG_CERT_UNKNOWN:
	case MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA:
	case MBEDTLS_SSL_ALERT_MSG_ACCESS_DENIED:
	case 116: /* certificate_required, RFC 8446 §6.2 */
		return TLS_CLIENT;
	default:
		return TLS_BROKEN;
	}
}

/* Before mbedTLS 4, an error is the sum of a high-level one, a multiple of 0x80, and a low-level one (error.h). Since then PSA has one error. */
int tlsIsMemory(int error)
{
#if MBEDTLS_VERSION_MAJOR < 4
	int low = -error & 0x7f, high = -error & ~0x7f;

	return high == -MBEDTLS_ERR_SSL_ALLOC_FAILED || high == -MBEDTLS_ERR_X509_ALLOC_FAILED || high == -MBEDTLS_ERR_PK_ALLOC_FAILED ||
		low == 0x10 || low == 0x6a; /* MBEDTLS_ERR_MPI_ALLOC_FAILED, MBEDTLS_ERR_ASN1_ALLOC_FAILED: not in all versions */
#else
	return error == MBEDTLS_ERR_SSL_ALLOC_FAILED;
#endif
}
