/* The firmware's own C functions, by name, where they are compiled in. */
#include "worker.h"

#ifdef TLS
#define FUNCTIONS(DO) \
	DO(xs_tls_open) DO(xs_tls_free) DO(xs_tls_feed) DO(xs_tls_feed_end) \
	DO(xs_tls_take) DO(xs_tls_state) DO(xs_tls_readable) DO(xs_tls_writable) \
	DO(xs_tls_overhead) DO(xs_tls_read) DO(xs_tls_write) DO(xs_tls_close) \
	DO(xs_tls_session) DO(xs_tls_text) DO(xs_tls_ends) DO(xs_tls_is_resumed) \
	DO(xs_tls_refusal)
#define DECLARE(NAME) extern void NAME(txMachine* the);
#define ROW(NAME) { #NAME, NAME },
FUNCTIONS(DECLARE)
#else
#define FUNCTIONS(DO)
#define ROW(NAME)
#endif

void native(txMachine* the)
{
	static const struct { const char* name; txCallback function; } ROWS[] = { FUNCTIONS(ROW) { NULL, NULL } };
	char name[64] = "";
	if (mxArgc > 0)
		fxToStringBuffer(the, mxArgv(0), name, sizeof(name));
	for (size_t i = 0; ROWS[i].name; i++) {
		if (strcmp(ROWS[i].name, name) == 0) {
			fxNewHostFunction(the, ROWS[i].function, 0, XS_NO_ID, XS_NO_ID);
			mxPullSlot(mxResult);
		}
	}
}
