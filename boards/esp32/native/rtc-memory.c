/*
 * Memory that keeps its contents in deep sleep. Any other reset, also a restart, finds zeros: what was remembered of flash may be
 * out of date then.
 */
#include "xsmc.h"
#include "mc.xs.h"

#include <string.h>

#include "esp_attr.h"

#define MEMORY_BYTES 2048

static RTC_DATA_ATTR uint8_t gMemory[MEMORY_BYTES];

/* Where in the memory, by argument 1, so many bytes lie; NULL: they are more than there is. */
static uint8_t *placeOf(xsMachine *the, xsUnsignedValue count)
{
	int at = xsmcToInteger(xsArg(1));

	return at < 0 || at > MEMORY_BYTES || count > MEMORY_BYTES - (xsUnsignedValue)at ? NULL : gMemory + at;
}

/** Arguments: a buffer, which is filled; where in the memory to begin. @throws where there is less */
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

/** Arguments: bytes; where in the memory they begin. The rest stays. @throws where there is less */
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
