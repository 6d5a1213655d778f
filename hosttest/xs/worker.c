/*
 * The XS engine as a worker process, driven by worker.ts over two pipes.
 * Scripts that are preloaded run once in a root machine, which is then shared read-only, as the SDK's linker does it for
 * the device; `boot` makes an app machine upon it, with its own creation parameters and memory. So the slots and chunks
 * of the app machine are what a device keeps in RAM, and a second boot is a reset: nothing but the root survives.
 * Frames on descriptors 3 (in) and 4 (out): length of what follows and kind, then the bytes; numbers little-endian.
 * Out of memory and other aborts end the process, as they reset a device, after a frame that says why.
 * Source: XS in C (includes/xs.h, sources/xsAll.h of the Moddable SDK).
 */
#include "xsAll.h"
#include "xsScript.h"
#include <sys/mman.h>

enum { FRAMES_IN = 3, FRAMES_OUT = 4, HEADER_BYTES = 5 };

/* Kinds of frames; worker.ts has the same letters. */
enum {
	PRELOAD = 'P', BOOT = 'B', EVALUATE = 'E', CALL = 'C', COLLECT = 'G', PROFILED = 'F', /* in */
	ANSWER = 'R', REFUSAL = 'Z', /* in, to HOST_CALL */
	DONE = 'K', THROWN = 'X', HOST_CALL = 'H', TRACE = 'T', UNHANDLED = 'U', ABORTED = 'A' /* out */
};

/* Payload of BOOT. Bytes and counts; an arena of 0 bytes is as large as it can be. */
typedef struct {
	int32_t arenaBytes, initialChunkBytes, incrementalChunkBytes, initialSlots, incrementalSlots, stackSlots, initialKeys, incrementalKeys;
} BootOptions;

/* Head of DONE, THROWN and ABORTED: what the command cost, and what the machine holds. */
typedef struct {
	uint32_t computrons, collections;
	int32_t slotsAllocated, chunkBytesAllocated;
	uint32_t slots, chunkBytes, peakSlots, peakChunkBytes, arenaUsedBytes, slotBytes, codeBytes;
} Figures;

/* The last frame read; `bytes` ends with a zero so that scripts are C strings. */
static struct { uint8_t kind; uint32_t length; char* bytes; } gFrame;

static const BootOptions ROOMY = { 0, 4 << 20, 1 << 20, 1 << 17, 1 << 15, 1 << 14, 1 << 12, 1 << 12 };
static txMachine* gRoot;
static txMachine* gApp;
static size_t gArenaBytes; /* of the machine being created */

/* Byte code of the preloaded scripts, which functions point to for ever. */
enum { SCRIPTS_MOST = 16 };
static struct { txByte* code[SCRIPTS_MOST]; int count; uint32_t bytes; } gKept;

/* ---- pipes ---- */

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
			_exit(70);
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
			_exit(71);
		}
		at += count;
		length -= (size_t)count;
	}
}

static void readFrame(void)
{
	uint8_t header[HEADER_BYTES];
	readFully(header, sizeof(header));
	memcpy(&gFrame.length, header, 4);
	gFrame.length -= 1;
	gFrame.kind = header[4];
	gFrame.bytes = realloc(gFrame.bytes, (size_t)gFrame.length + 1);
	if (!gFrame.bytes)
		_exit(72);
	readFully(gFrame.bytes, gFrame.length);
	gFrame.bytes[gFrame.length] = 0;
}

static void writeFrame(uint8_t kind, const void* head, size_t headLength, const void* body, size_t bodyLength)
{
	uint8_t header[HEADER_BYTES];
	uint32_t length = (uint32_t)(1 + headLength + bodyLength);
	memcpy(header, &length, 4);
	header[4] = kind;
	writeFully(header, sizeof(header));
	writeFully(head, headLength);
	writeFully(body, bodyLength);
}

static void writeText(uint8_t kind, const char* text)
{
	writeFrame(kind, NULL, 0, text, strlen(text));
}

/* ---- figures ---- */

static Figures gBefore;

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
		.codeBytes = gKept.bytes,
	};
	figures.slotsAllocated = (int32_t)(figures.slots - gBefore.slots);
	figures.chunkBytesAllocated = (int32_t)(figures.chunkBytes - gBefore.chunkBytes);
	return figures;
}

static void beginMeasuring(txMachine* the)
{
	memset(&gBefore, 0, sizeof(gBefore));
	gBefore = readFigures(the);
}

static void reply(txMachine* the, uint8_t kind, const void* body, size_t length)
{
	Figures figures = readFigures(the);
	figures.computrons -= gBefore.computrons;
	figures.collections -= gBefore.collections;
	writeFrame(kind, &figures, sizeof(figures), body, length);
}

/* Called in every collection: how measurements learn that one fell into them. */
static void countCollection(txMachine* the, void* data, txMarkRoot markRoot)
{
	(void)data;
	(void)markRoot;
	the->collections++;
}

static const txHostHooks COUNT_COLLECTIONS = { NULL, countCollection };

/* ---- what XS asks of a platform ---- */

void fxCreateMachinePlatform(txMachine* the)
{
	the->arena = mmap(NULL, gArenaBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON | MAP_NORESERVE, -1, 0);
	if (the->arena == MAP_FAILED)
		_exit(73);
	the->chunksEnd = the->arena;
	the->slotsStart = the->arenaEnd = the->arena + gArenaBytes;
}

void fxDeleteMachinePlatform(txMachine* the)
{
	(void)the; /* fxFree comes after this and still reads the arena: `boot` unmaps it */
}

void* fxAllocateChunks(txMachine* the, txSize size)
{
	char* chunks = the->chunksEnd;
	if (size > the->slotsStart - chunks)
		return NULL;
	the->chunksEnd += size;
	return chunks;
}

txSlot* fxAllocateSlots(txMachine* the, txSize count)
{
	size_t size = (size_t)count * sizeof(txSlot);
	if (size > (size_t)(the->slotsStart - the->chunksEnd))
		return NULL;
	the->slotsStart -= size;
	return (txSlot*)the->slotsStart;
}

void fxFreeChunks(txMachine* the, void* chunks)
{
	(void)the, (void)chunks;
}

void fxFreeSlots(txMachine* the, void* slots)
{
	(void)the, (void)slots;
}

void fxQueuePromiseJobs(txMachine* the)
{
	the->promiseJobs = 1;
}

static const char* exceptionText(txMachine* the)
{
	static char text[4096];
	strcpy(text, "exception without a message");
	mxTry(the) {
		mxPush(mxException);
		if (the->stack->kind == XS_REFERENCE_KIND) {
			mxDub();
			mxGetID(mxID(_stack)); /* "Error: message" and the frames */
			if (the->stack->kind == XS_UNDEFINED_KIND)
				mxPop();
		}
		fxToStringBuffer(the, the->stack, text, sizeof(text));
	}
	mxCatch(the) {
	}
	return text;
}

void fxAbort(txMachine* the, int status)
{
	static const char* const REASONS[] = {
		[XS_NOT_ENOUGH_MEMORY_EXIT] = "memory full",
		[XS_STACK_OVERFLOW_EXIT] = "stack overflow",
		[XS_FATAL_CHECK_EXIT] = "fatal check",
		[XS_DEAD_STRIP_EXIT] = "dead strip",
		[XS_UNHANDLED_EXCEPTION_EXIT] = "unhandled exception",
		[XS_NO_MORE_KEYS_EXIT] = "not enough keys",
		[XS_TOO_MUCH_COMPUTATION_EXIT] = "too much computation",
	};
	const char* reason = status > 0 && status < (int)(sizeof(REASONS) / sizeof(REASONS[0])) ? REASONS[status] : NULL;
	if (status == XS_UNHANDLED_REJECTION_EXIT) {
		writeText(UNHANDLED, exceptionText(the));
		return; /* a rejection is reported; the machine goes on */
	}
	if (status == XS_UNHANDLED_EXCEPTION_EXIT)
		writeText(TRACE, exceptionText(the));
	if (!reason)
		reason = "abort";
	reply(the, ABORTED, reason, strlen(reason));
	_exit(1);
}

/* ---- what scripts find under globalThis.host ---- */

extern txInteger _xsmcGetBuffer(txMachine* the, txSlot* slot, void** data, txUnsigned* length, txBoolean writable);

/* The bytes of an ArrayBuffer, a view of bytes or a DataView; throws for anything else. Void after the next allocation. */
static void bytesOf(txMachine* the, txSlot* slot, void** data, txUnsigned* length)
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

/* host.slots(): allocated now, also those a collection would free. */
static void hostSlots(txMachine* the)
{
	mxResult->kind = XS_INTEGER_KIND;
	mxResult->value.integer = (txInteger)the->currentHeapCount;
}

/* host.chunkBytes(): likewise. */
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

static void defineHost(txMachine* the)
{
	static const struct { char* name; txCallback function; txInteger length; } FUNCTIONS[] = {
		{ "call", hostCall, 2 }, { "trace", hostTrace, 1 }, { "collect", hostCollect, 0 },
		{ "computrons", hostComputrons, 0 }, { "slots", hostSlots, 0 }, { "chunkBytes", hostChunkBytes, 0 },
		{ "collections", hostCollections, 0 },
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
	fxEndHost(the);
}

/* ---- commands ---- */

static void runJobs(txMachine* the)
{
	while (the->promiseJobs) {
		the->promiseJobs = 0;
		fxRunPromiseJobs(the);
	}
	fxCheckUnhandledRejections(the, 1);
}

void freeUnlessKept(void* memory)
{
	for (int i = 0; i < gKept.count; i++) {
		if (gKept.code[i] == memory)
			return;
	}
	free(memory);
}

/* The operand of an instruction that carries its length, of `width` bytes. */
static uint32_t operandOf(const txByte* at, int width)
{
	uint32_t value = 0;
	memcpy(&value, at, (size_t)width);
	return value;
}

/* Strings and functions are taken from where the byte code lies, not copied to the heap: so it is for code in flash. */
static void keepCode(txScript* script)
{
	txByte* at = script->codeBuffer;
	txByte* end = at + script->codeSize;
	if (gKept.count == SCRIPTS_MOST)
		_exit(79);
	gKept.code[gKept.count++] = script->codeBuffer;
	gKept.bytes += (uint32_t)script->codeSize;
	while (at < end) {
		txU1* code = (txU1*)at;
		int size = gxCodeSizes[*code];
		if (*code >= XS_CODE_STRING_1 && *code <= XS_CODE_STRING_4)
			*code += XS_CODE_STRING_ARCHIVE_1 - XS_CODE_STRING_1;
		else if (*code >= XS_CODE_CODE_1 && *code <= XS_CODE_CODE_4)
			*code += XS_CODE_CODE_ARCHIVE_1 - XS_CODE_CODE_1;
		if (size > 0)
			at += size;
		else if (size == 0)
			at += 1 + sizeof(txID);
		else
			at += 1 - size + operandOf(at + 1, -size);
	}
}

static void runScript(txMachine* the, txScript* script)
{
	txSlot* program = mxProgram.value.reference;
	txSlot* realm = mxModuleInstanceInternal(program)->value.module.realm;
	fxRunScript(the, script, mxRealmGlobal(realm), C_NULL, mxRealmClosures(realm)->value.reference, C_NULL, program);
	mxPullSlot(mxResult);
}

static txScript* parseFrame(txMachine* the)
{
	txStringCStream stream = { gFrame.bytes, 0, (txSize)gFrame.length };
	return fxParseScript(the, &stream, fxStringCGetter, mxProgramFlag);
}

static void evaluateFrame(txMachine* the)
{
	runScript(the, parseFrame(the));
}

static void preloadFrame(txMachine* the)
{
	txScript* script = parseFrame(the);
	if (script)
		keepCode(script);
	runScript(the, script);
}

/* globalThis.onMessage(bytes) */
static void deliverFrame(txMachine* the)
{
	mxPush(mxGlobal);
	mxDub();
	mxGetID(fxID(the, "onMessage"));
	mxCall();
	mxPushUndefined();
	fxArrayBuffer(the, the->stack, gFrame.bytes, (txInteger)gFrame.length, -1);
	mxRunCount(1);
	mxPullSlot(mxResult);
}

static int isArrayBuffer(txSlot* slot)
{
	return slot->kind == XS_REFERENCE_KIND && slot->value.reference->next
		&& slot->value.reference->next->kind == XS_ARRAY_BUFFER_KIND;
}

/* An ArrayBuffer goes back as its bytes, undefined as none, anything else as its string. */
static void replyResult(txMachine* the)
{
	void* data = NULL;
	txUnsigned length = 0;
	if (mxResult->kind == XS_UNDEFINED_KIND)
		reply(the, DONE, NULL, 0);
	else if (isArrayBuffer(mxResult)) {
		bytesOf(the, mxResult, &data, &length);
		reply(the, DONE, data, length);
	}
	else {
		txString text = fxToString(the, mxResult);
		reply(the, DONE, text, strlen(text));
	}
}

/* Runs one command and the jobs that it queued, then replies: with the result, or with what it threw. */
static void perform(txMachine* the, void (*command)(txMachine*))
{
	beginMeasuring(the);
	fxBeginHost(the);
	{
		volatile int thrown = 0;
		mxTry(the) {
			(*command)(the);
			runJobs(the);
		}
		mxCatch(the) {
			const char* text = exceptionText(the);
			thrown = 1;
			mxException = mxUndefined;
			runJobs(the);
			reply(the, THROWN, text, strlen(text));
		}
		if (!thrown)
			replyResult(the);
		mxResult->kind = XS_UNDEFINED_KIND;
	}
	fxEndHost(the);
}

static txCreation creationOf(const BootOptions* options)
{
	txCreation creation = {
		.initialChunkSize = options->initialChunkBytes,
		.incrementalChunkSize = options->incrementalChunkBytes,
		.initialHeapCount = options->initialSlots,
		.incrementalHeapCount = options->incrementalSlots,
		.stackCount = options->stackSlots,
		.initialKeyCount = options->initialKeys,
		.incrementalKeyCount = options->incrementalKeys,
		.nameModulo = 1993, /* these two: the same in the root and in what is cloned from it */
		.symbolModulo = 127,
		.parserBufferSize = 1 << 18,
		.parserTableModulo = 1993,
	};
	gArenaBytes = options->arenaBytes > 0 ? (size_t)options->arenaBytes : (size_t)512 << 20;
	return creation;
}

static void createRoot(void)
{
	txCreation creation = creationOf(&ROOMY);
	gRoot = fxCreateMachine(&creation, "root", NULL, XS_NO_ID);
	if (!gRoot)
		_exit(74);
	defineHost(gRoot);
}

/* fxRemember keeps it: a root of the collector. Machines come one after another, so one slot will do. */
static void watchCollections(txMachine* the)
{
	static txSlot watcher;
	memset(&watcher, 0, sizeof(watcher));
	fxBeginHost(the);
	fxNewHostObject(the, NULL);
	fxSetHostData(the, the->stack, &watcher);
	fxSetHostHooks(the, the->stack, &COUNT_COLLECTIONS);
	watcher.kind = the->stack->kind;
	watcher.value = the->stack->value;
	fxRemember(the, &watcher);
	fxEndHost(the);
}

/*
 * The collector of an app machine writes through pointers into the root's chunks, which do not move: that each chunk is
 * its own destination, and has no room to grow into, leaves them as they are. (On a device they are in flash.)
 */
static void petrifyRoot(void)
{
	if (gRoot->shared)
		return;
	fxShareMachine(gRoot);
	for (txBlock* block = gRoot->firstBlock; block; block = block->nextBlock) {
		txByte* at = (txByte*)(block + 1);
		while (at < block->current) {
			txChunk* chunk = (txChunk*)at;
			at = chunk->temporary;
			chunk->temporary = (txByte*)chunk;
		}
	}
}

static void boot(const BootOptions* options)
{
	txCreation creation = creationOf(options);
	if (gApp) {
		char* arena = gApp->arena;
		size_t length = (size_t)(gApp->arenaEnd - arena);
		gApp->cRoot = NULL;
		fxDeleteMachine(gApp);
		munmap(arena, length);
	}
	petrifyRoot();
	gApp = fxCloneMachine(&creation, gRoot, "app", NULL);
	if (!gApp) {
		writeText(TRACE, "boot: the machine does not fit its memory");
		_exit(75);
	}
	watchCollections(gApp);
	beginMeasuring(gApp);
	reply(gApp, DONE, NULL, 0);
}

static void collect(txMachine* the)
{
	beginMeasuring(the);
	fxCollectGarbage(the);
	fxCollectGarbage(the);
	reply(the, DONE, NULL, 0);
}

#ifdef PROFILE
extern char* profileText(txMachine* the);

extern char* censusText(txMachine* the);

static void sendProfile(txMachine* the)
{
	char* text = gFrame.length > 0 ? censusText(the) : profileText(the);
	reply(the, DONE, text, strlen(text));
	free(text);
}
#endif

int main(void)
{
	createRoot();
	for (;;) {
		txMachine* the = gApp ? gApp : gRoot;
		readFrame();
		switch (gFrame.kind) {
		case PRELOAD:
			if (gRoot->shared)
				_exit(76);
			perform(gRoot, preloadFrame);
			break;
		case BOOT:
			if (gFrame.length != sizeof(BootOptions))
				_exit(77);
			boot((const BootOptions*)gFrame.bytes);
			break;
		case EVALUATE:
			perform(the, evaluateFrame);
			break;
		case CALL:
			perform(the, deliverFrame);
			break;
		case COLLECT:
			collect(the);
			break;
#ifdef PROFILE
		case PROFILED:
			sendProfile(the);
			break;
#endif
		default:
			_exit(78);
		}
	}
}
