/*
 * The device's TLS engine, if this computer has mbedTLS's headers (Debian: libmbedtls-dev); otherwise stubs, and the board has no TLS.
 * One file, because the SDK compiles the same files with and without the headers.
 */
#include "xsmc.h"
#include "mc.xs.h"

#if defined(__linux__) && __has_include("mbedtls/ssl.h")
#include "../../esp32/tls/certificate.c"
#include "../../esp32/tls/engine.c"
#include "../../esp32/tls/refusal.c"
#include "../../esp32/tls/session.c"
enum { HAS_TLS = 1 };
#else
#include "../../esp32/tls/engine.h"
enum { HAS_TLS = 0 };
/* Stubs for native.c. No connection is ever opened, so no other function is called. */
#define ABSENT(type, name, value, ...) type name(__VA_ARGS__) { return value; }
ABSENT(TLSEngine *, tlsOpen, NULL, const TLSDemand *demand)
ABSENT(void, tlsFree, , TLSEngine *engine)
ABSENT(size_t, tlsFeed, 0, TLSEngine *engine, const uint8_t *bytes, size_t length)
ABSENT(void, tlsFeedEnd, , TLSEngine *engine)
ABSENT(size_t, tlsTake, 0, TLSEngine *engine, uint8_t *bytes, size_t length)
ABSENT(TLSState, tlsState, TLS_REFUSED, const TLSEngine *engine)
ABSENT(size_t, tlsReadable, 0, TLSEngine *engine)
ABSENT(size_t, tlsWritable, 0, TLSEngine *engine)
ABSENT(size_t, tlsOverhead, 0, TLSEngine *engine)
ABSENT(int, tlsRead, 0, TLSEngine *engine, uint8_t *bytes, size_t length)
ABSENT(int, tlsWrite, 0, TLSEngine *engine, const uint8_t *bytes, size_t length)
ABSENT(void, tlsClose, , TLSEngine *engine)
ABSENT(size_t, tlsSession, 0, TLSEngine *engine, uint8_t *bytes, size_t length)
ABSENT(void, tlsFacts, , TLSEngine *engine, TLSFacts *facts)
ABSENT(TLSRefusal, tlsRefusal, TLS_UNUSABLE, const TLSEngine *engine)
ABSENT(const char *, tlsDetail, "", const TLSEngine *engine)
#endif

/** @returns whether the engine was built in */
void xs_has_tls(xsMachine *the)
{
	xsmcSetBoolean(xsResult, HAS_TLS);
}
