/*
 * Memory that keeps its contents in deep sleep. After any other reset, a restart included, it is zero, because what it says about the flash may
 * be out of date.
 */
#include "xsmc.h"
#include "mc.xs.h"

#include <string.h>

#include "esp_attr.h"

#define MEMORY_BYTES 2048

static RTC_DATA_ATTR uint8_t gMemory[MEMORY_BYTES];

/* Where `count` bytes are, from the offset in argument 1 on; NULL: they do not fit. */
static uint8_t *placeOf(xsMachine *the, xsUnsignedValue count)
{
	int at = xsmcToInteger(xsArg(1));

	return at < 0 || at > MEMORY_BYTES || count > MEMORY_BYTES - (xsUnsignedValue)at ? NULL : gMemory + at;
}

/** Arguments: a buffer, which is filled; the offset in the memory. @throws if there are fewer bytes */
void xs_rtc_memory_read(xsMachine *the)
{
	void *bytes;
	xsUnsignedValue count;
	uint8_t *place;

	xsmcGetBufferWritable(xsArg(0), &bytes, &count);
	place = placeOf(the, count);
	if (NULL == place)
		xsRangeError("more than the RTC memory has");
	memmove(bytes, place, count);
}

/** Arguments: bytes; their offset in the memory. The rest is unchanged. @throws if they do not fit */
void xs_rtc_memory_write(xsMachine *the)
{
	void *bytes;
	xsUnsignedValue count;
	uint8_t *place;

	xsmcGetBufferReadable(xsArg(0), &bytes, &count);
	place = placeOf(the, count);
	if (NULL == place)
		xsRangeError("more than the RTC memory takes");
	memmove(place, bytes, count);
}
