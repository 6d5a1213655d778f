/*
 * Memory that keeps its contents in deep sleep. Any other reset, also a restart, finds zeros: what was remembered of flash may be
 * out of date then.
 */
#include "xsmc.h"
#include "mc.xs.h"

#include <string.h>

#include "esp_attr.h"

#define MEMORY_BYTES 512

static RTC_DATA_ATTR uint8_t gMemory[MEMORY_BYTES];

/** Argument: a buffer, which is filled from the beginning of the memory. @throws where it is larger */
void xs_rtc_memory_read(xsMachine *the)
{
	void *bytes;
	xsUnsignedValue count;

	xsmcGetBufferWritable(xsArg(0), &bytes, &count);
	if (count > MEMORY_BYTES)
		xsRangeError("more than the RTC memory has");
	memmove(bytes, gMemory, count);
}

/** Argument: bytes, for its beginning; the rest stays. @throws where they are too many */
void xs_rtc_memory_write(xsMachine *the)
{
	void *bytes;
	xsUnsignedValue count;

	xsmcGetBufferReadable(xsArg(0), &bytes, &count);
	if (count > MEMORY_BYTES)
		xsRangeError("more than the RTC memory takes");
	memmove(gMemory, bytes, count);
}
