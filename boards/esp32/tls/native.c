/* The TLS engine as a host object of XS: native.ts. Compiled by the SDK for a device, and into the XS worker of the tests. */
#include "xsmc.h"
#include "mc.xs.h"

#include <stdio.h>
#include <string.h>

#include "engine.h"

#define MAX_HOST 132      /* the engine refuses what is longer than 128 */
#define MAX_SESSION 1024  /* a ticket of a few hundred bytes, and what goes with it */
#define PIN_DIGITS 64

void xs_tls_destructor(void *data)
{
	tlsFree(data);
}

static TLSEngine *engineOf(xsMachine *the)
{
	TLSEngine *engine = xsmcGetHostData(xsArg(0));

	if (NULL == engine)
		xsUnknownError("closed");
	return engine;
}

/* The argument's bytes; none if it is undefined. Valid until XS allocates. */
static TLSBytes bytesOf(xsMachine *the, int argument)
{
	TLSBytes given = { NULL, 0 };
	xsUnsignedValue length;
	void *bytes;

	if (xsmcTest(xsArg(argument))) {
		xsmcGetBufferReadable(xsArg(argument), &bytes, &length);
		given.bytes = bytes;
		given.length = length;
	}
	return given;
}

static int parsePin(const char *text, uint8_t *pin)
{
	int i;

	for (i = 0; i < PIN_DIGITS / 2; i++) {
		unsigned byte;

		if (1 != sscanf(text + 2 * i, "%2x", &byte))
			return 0;
		pin[i] = (uint8_t)byte;
	}
	return 1;
}

/** Arguments: CA, certificate, key (bytes or undefined), name, pin (hexadecimal, or empty), session. @returns undefined without memory */
void xs_tls_open(xsMachine *the)
{
	char name[MAX_HOST], text[PIN_DIGITS + 1];
	uint8_t pin[PIN_DIGITS / 2];
	TLSDemand demand = { .name = name };
	TLSEngine *engine;

	xsmcToStringBuffer(xsArg(3), name, sizeof(name));
	xsmcToStringBuffer(xsArg(4), text, sizeof(text));
	if (0 != text[0]) {
		if (!parsePin(text, pin))
			xsRangeError("pin");
		demand.pin = pin;
	}
	xsResult = xsNewHostObject(xs_tls_destructor);
	demand.ca = bytesOf(the, 0);
	demand.certificate = bytesOf(the, 1);
	demand.key = bytesOf(the, 2);
	demand.session = bytesOf(the, 5);
	engine = tlsOpen(&demand);
	if (NULL == engine)
		xsmcSetUndefined(xsResult);
	else
		xsmcSetHostData(xsResult, engine);
}

/** Frees all memory; the second call has no effect. */
void xs_tls_free(xsMachine *the)
{
	TLSEngine *engine = xsmcGetHostData(xsArg(0));

	xsmcSetHostData(xsArg(0), NULL);
	tlsFree(engine);
}

/** Arguments: bytes, from, to. @returns how much was consumed */
void xs_tls_feed(xsMachine *the)
{
	TLSEngine *engine = engineOf(the);
	size_t from = (size_t)xsmcToInteger(xsArg(2)), to = (size_t)xsmcToInteger(xsArg(3));
	TLSBytes given = bytesOf(the, 1);

	if (from > to || to > given.length)
		xsRangeError("from, to");
	xsmcSetInteger(xsResult, (xsIntegerValue)tlsFeed(engine, given.bytes + from, to - from));
}

void xs_tls_feed_end(xsMachine *the)
{
	tlsFeedEnd(engineOf(the));
}

/** Arguments: a buffer, an offset in it. @returns how much was copied */
void xs_tls_take(xsMachine *the)
{
	TLSEngine *engine = engineOf(the);
	size_t from = (size_t)xsmcToInteger(xsArg(2));
	xsUnsignedValue length;
	void *bytes;

	xsmcGetBufferWritable(xsArg(1), &bytes, &length);
	if (from > length)
		xsRangeError("from");
	xsmcSetInteger(xsResult, (xsIntegerValue)tlsTake(engine, (uint8_t *)bytes + from, length - from));
}

void xs_tls_state(xsMachine *the)
{
	xsmcSetInteger(xsResult, (xsIntegerValue)tlsState(engineOf(the)));
}

void xs_tls_readable(xsMachine *the)
{
	xsmcSetInteger(xsResult, (xsIntegerValue)tlsReadable(engineOf(the)));
}

void xs_tls_writable(xsMachine *the)
{
	xsmcSetInteger(xsResult, (xsIntegerValue)tlsWritable(engineOf(the)));
}

void xs_tls_overhead(xsMachine *the)
{
	xsmcSetInteger(xsResult, (xsIntegerValue)tlsOverhead(engineOf(the)));
}

/** Fills a buffer. @throws if there are fewer bytes */
void xs_tls_read(xsMachine *the)
{
	TLSEngine *engine = engineOf(the);
	xsUnsignedValue length;
	void *bytes;

	xsmcGetBufferWritable(xsArg(1), &bytes, &length);
	if (!tlsRead(engine, bytes, length))
		xsUnknownError("invalid");
}

/** @throws if not all of it can be accepted */
void xs_tls_write(xsMachine *the)
{
	TLSEngine *engine = engineOf(the);
	TLSBytes given = bytesOf(the, 1);

	if (!tlsWrite(engine, given.bytes, given.length))
		xsUnknownError("would block");
}

void xs_tls_close(xsMachine *the)
{
	tlsClose(engineOf(the));
}

/** @returns a new session, or undefined */
void xs_tls_session(xsMachine *the)
{
	uint8_t bytes[MAX_SESSION];
	size_t length = tlsSession(engineOf(the), bytes, sizeof(bytes));

	if (0 == length)
		return;
	xsmcSetArrayBuffer(xsResult, bytes, (xsIntegerValue)length);
	memset(bytes, 0, sizeof(bytes));
}

/** The argument chooses the text: 0 version, 1 cipher, 2 name in the certificate, 3 details of a refusal. Characters beyond ASCII become "?". */
void xs_tls_text(xsMachine *the)
{
	TLSEngine *engine = engineOf(the);
	int which = (int)xsmcToInteger(xsArg(1));
	char text[128];
	TLSFacts facts;
	char *at;

	if (3 == which)
		snprintf(text, sizeof(text), "%s", tlsDetail(engine));
	else {
		tlsFacts(engine, &facts);
		snprintf(text, sizeof(text), "%s", 0 == which ? facts.version : 1 == which ? facts.cipher : facts.name);
	}
	for (at = text; 0 != *at; at++) {
		if (*at & 0x80)
			*at = '?';
	}
	xsmcSetString(xsResult, text);
}

/** @returns when the server's certificate ends, milliseconds since 1970; 0: not known */
void xs_tls_ends(xsMachine *the)
{
	TLSFacts facts;

	tlsFacts(engineOf(the), &facts);
	xsmcSetNumber(xsResult, facts.endsMs);
}

void xs_tls_is_resumed(xsMachine *the)
{
	TLSFacts facts;

	tlsFacts(engineOf(the), &facts);
	xsmcSetBoolean(xsResult, facts.isResumed);
}

/** @returns the refusal's index */
void xs_tls_refusal(xsMachine *the)
{
	xsmcSetInteger(xsResult, (xsIntegerValue)tlsRefusal(engineOf(the)));
}
