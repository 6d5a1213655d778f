/* globalThis.host for scripts: calls to Node, and the meter. */
#include "worker.h"
#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#endif

extern txInteger _xsmcGetBuffer(txMachine* the, txSlot* slot, void** data, txUnsigned* length, txBoolean writable);

void bytesOf(txMachine* the, txSlot* slot, void** data, txUnsigned* length)
{
	_xsmcGetBuffer(the, slot, data, length, 0);
}

/* host.call(name, bytes?): asks Node and waits; an ArrayBuffer, or undefined for an empty answer. Throws what Node threw. */
static void hostCall(txMachine* the)
{
	char name[64];
	void* data = NULL;
	txUnsigned length = 0;
	if (mxArgc < 1)
		mxTypeError("host.call: name expected");
	fxToStringBuffer(the, mxArgv(0), name, sizeof(name));
	if (mxArgc > 1 && mxArgv(1)->kind != XS_UNDEFINED_KIND)
		bytesOf(the, mxArgv(1), &data, &length);
	writeFrame(HOST_CALL, name, strlen(name) + 1, data, length);
	readFrame();
	if (gFrame.kind == REFUSAL)
		mxUnknownError("%s", gFrame.bytes);
	if (gFrame.length > 0)
		fxArrayBuffer(the, mxResult, gFrame.bytes, (txInteger)gFrame.length, -1);
}

/* host.trace(text) */
static void hostTrace(txMachine* the)
{
	if (mxArgc > 0)
		writeText(TRACE, fxToString(the, mxArgv(0)));
}

static void hostCollect(txMachine* the)
{
	fxCollectGarbage(the);
}

/* host.computrons(): byte codes run so far. These three allocate nothing. */
static void hostComputrons(txMachine* the)
{
	mxResult->kind = XS_NUMBER_KIND;
	mxResult->value.number = the->meterIndex;
}

/* host.slots(): number of slots allocated now, including those that a collection would free. */
static void hostSlots(txMachine* the)
{
	mxResult->kind = XS_INTEGER_KIND;
	mxResult->value.integer = (txInteger)the->currentHeapCount;
}

/* host.chunkBytes(): the same for bytes of chunks. */
static void hostChunkBytes(txMachine* the)
{
	mxResult->kind = XS_INTEGER_KIND;
	mxResult->value.integer = (txInteger)the->currentChunksSize;
}

/* host.collections(): garbage collections since boot. */
static void hostCollections(txMachine* the)
{
	mxResult->kind = XS_INTEGER_KIND;
	mxResult->value.integer = (txInteger)the->collections;
}

/* host.keepWritable(): buffers of the preloaded script stay writable, because they stand for the memory of native classes. */
static void hostKeepWritable(txMachine* the)
{
	(void)the;
	gKeepsWritable = 1;
}

/*
 * host.count(on), host.countDone(): counting of native instructions, only under valgrind's callgrind; elsewhere they have no
 * effect. `countDone` makes callgrind write its counts since the last time to a file; returns whether callgrind runs. They
 * allocate nothing.
 */
#ifdef CALLGRIND_TOGGLE_COLLECT
static int gCounts = 0;

static void hostCount(txMachine* the)
{
	int on = mxArgc > 0 && mxArgv(0)->kind == XS_BOOLEAN_KIND && mxArgv(0)->value.boolean;
	if (on != gCounts) {
		gCounts = on;
		CALLGRIND_TOGGLE_COLLECT;
	}
}

static void hostCountDone(txMachine* the)
{
	CALLGRIND_DUMP_STATS_AT("countDone");
	mxResult->kind = XS_BOOLEAN_KIND;
	mxResult->value.boolean = RUNNING_ON_VALGRIND > 0;
}
#else
static void hostCount(txMachine* the)
{
	(void)the;
}

static void hostCountDone(txMachine* the)
{
	mxResult->kind = XS_BOOLEAN_KIND;
	mxResult->value.boolean = 0;
}
#endif

void defineHost(txMachine* the)
{
	static const struct { char* name; txCallback function; txInteger length; } FUNCTIONS[] = {
		{ "call", hostCall, 2 }, { "trace", hostTrace, 1 }, { "collect", hostCollect, 0 },
		{ "computrons", hostComputrons, 0 }, { "slots", hostSlots, 0 }, { "chunkBytes", hostChunkBytes, 0 },
		{ "collections", hostCollections, 0 }, { "keepWritable", hostKeepWritable, 0 },
		{ "count", hostCount, 1 }, { "countDone", hostCountDone, 0 },
	};
	txSlot* object;
	fxBeginHost(the);
	mxPush(mxObjectPrototype);
	fxNewObjectInstance(the);
	object = the->stack;
	for (size_t i = 0; i < sizeof(FUNCTIONS) / sizeof(FUNCTIONS[0]); i++) {
		txID id = fxID(the, FUNCTIONS[i].name);
		fxNewHostFunction(the, FUNCTIONS[i].function, FUNCTIONS[i].length, id, XS_NO_ID);
		mxPushSlot(object);
		fxSetID(the, id);
		mxPop();
	}
	mxPush(mxGlobal);
	fxSetID(the, fxID(the, "host"));
	fxNewHostFunction(the, native, 1, fxID(the, "native"), XS_NO_ID);
	mxPush(mxGlobal);
	fxSetID(the, fxID(the, "native"));
	fxEndHost(the);
}
