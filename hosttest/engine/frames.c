/*
 * Frames on descriptors 3 (in) and 4 (out): length of what follows and kind, then the bytes; numbers little-endian. Replies
 * begin with figures.
 */
#include "worker.h"

enum { FRAMES_IN = 3, FRAMES_OUT = 4, HEADER_BYTES = 5 };

/* Head of DONE, THROWN and ABORTED: the cost of the command, and the machine's memory. */
typedef struct {
	uint32_t computrons, collections;
	int32_t slotsAllocated, chunkBytesAllocated;
	uint32_t slots, chunkBytes, peakSlots, peakChunkBytes, arenaUsedBytes, slotBytes, codeBytes;
} Figures;

Frame gFrame;
static Figures gBefore;

static void readFully(void* to, size_t length)
{
	char* at = to;
	while (length > 0) {
		ssize_t count = read(FRAMES_IN, at, length);
		if (count == 0)
			_exit(0); /* the driver has gone: so do we */
		if (count < 0) {
			if (errno == EINTR)
				continue;
			_exit(EXIT_READ);
		}
		at += count;
		length -= (size_t)count;
	}
}

static void writeFully(const void* from, size_t length)
{
	const char* at = from;
	while (length > 0) {
		ssize_t count = write(FRAMES_OUT, at, length);
		if (count < 0) {
			if (errno == EINTR)
				continue;
			_exit(EXIT_WRITE);
		}
		at += count;
		length -= (size_t)count;
	}
}

void readFrame(void)
{
	uint8_t header[HEADER_BYTES];
	readFully(header, sizeof(header));
	memcpy(&gFrame.length, header, 4);
	gFrame.length -= 1;
	gFrame.kind = header[4];
	gFrame.bytes = realloc(gFrame.bytes, (size_t)gFrame.length + 1);
	if (!gFrame.bytes)
		_exit(EXIT_FRAME_MEMORY);
	readFully(gFrame.bytes, gFrame.length);
	gFrame.bytes[gFrame.length] = 0;
}

void writeFrame(uint8_t kind, const void* head, size_t headLength, const void* body, size_t bodyLength)
{
	uint8_t header[HEADER_BYTES];
	uint32_t length = (uint32_t)(1 + headLength + bodyLength);
	memcpy(header, &length, 4);
	header[4] = kind;
	writeFully(header, sizeof(header));
	writeFully(head, headLength);
	writeFully(body, bodyLength);
}

void writeText(uint8_t kind, const char* text)
{
	writeFrame(kind, NULL, 0, text, strlen(text));
}

static Figures readFigures(txMachine* the)
{
	Figures figures = {
		.computrons = the->meterIndex,
		.collections = the->collections,
		.slots = (uint32_t)the->currentHeapCount,
		.chunkBytes = (uint32_t)the->currentChunksSize,
		.peakSlots = (uint32_t)the->peakHeapCount,
		.peakChunkBytes = (uint32_t)the->peakChunksSize,
		.arenaUsedBytes = (uint32_t)((the->chunksEnd - the->arena) + (the->arenaEnd - the->slotsStart)),
		.slotBytes = sizeof(txSlot),
		.codeBytes = gKeptCodeBytes,
	};
	figures.slotsAllocated = (int32_t)(figures.slots - gBefore.slots);
	figures.chunkBytesAllocated = (int32_t)(figures.chunkBytes - gBefore.chunkBytes);
	return figures;
}

void beginMeasuring(txMachine* the)
{
	memset(&gBefore, 0, sizeof(gBefore));
	gBefore = readFigures(the);
}

void reply(txMachine* the, uint8_t kind, const void* body, size_t length)
{
	Figures figures = readFigures(the);
	figures.computrons -= gBefore.computrons;
	figures.collections -= gBefore.collections;
	writeFrame(kind, &figures, sizeof(figures), body, length);
}
