/*
 * The XS engine as a worker process, driven by worker.ts over two pipes.
 * Preloaded scripts run once in a root machine, which is then shared read-only, as the SDK's linker does for the device. `boot`
 * makes an app machine on top of it, with its own creation parameters and memory. The slots and chunks of the app machine are
 * therefore those that a device has in RAM, and a second boot is a reset: only the root survives.
 * Frames on descriptors 3 (in) and 4 (out): length of what follows and kind, then the bytes; numbers little-endian.
 * Out of memory and other aborts end the process, as they reset a device, after a frame with the reason.
 * Source: XS in C (includes/xs.h, sources/xsAll.h of the Moddable SDK).
 */
#include "worker.h"
#include <sys/mman.h>

/* Payload of BOOT. Bytes and counts; arenaBytes 0: 512 MiB. */
typedef struct {
	int32_t arenaBytes, initialChunkBytes, incrementalChunkBytes, initialSlots, incrementalSlots, stackSlots, initialKeys, incrementalKeys;
} BootOptions;

static const BootOptions ROOMY = { 0, 4 << 20, 1 << 20, 1 << 17, 1 << 15, 1 << 14, 1 << 12, 1 << 12 };
static txMachine* gRoot;
static txMachine* gApp;
int gKeepsWritable = 0;

/* Called in every collection, so that measurements can detect one. */
static void countCollection(txMachine* the, void* data, txMarkRoot markRoot)
{
	(void)data;
	(void)markRoot;
	the->collections++;
}

static const txHostHooks COUNT_COLLECTIONS = { NULL, countCollection };

static void runJobs(txMachine* the)
{
	while (the->promiseJobs) {
		the->promiseJobs = 0;
		fxRunPromiseJobs(the);
	}
	fxCheckUnhandledRejections(the, 1);
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

/* Replies with the bytes of an ArrayBuffer, no bytes for undefined, or the string of any other value. */
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

/* Runs one command and the jobs that it queued, then replies with the result, or with the exception. */
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
		_exit(EXIT_ROOT);
	defineHost(gRoot);
}

/* fxRemember makes the watcher a root of the collector. Only one machine exists at a time, so one slot is enough. */
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

static int staysAsItIs(txSlot* instance)
{
	for (txSlot* slot = instance->next; slot && (slot->flag & XS_INTERNAL_FLAG); slot = slot->next) {
		switch (slot->kind) {
		case XS_ARRAY_BUFFER_KIND:
		case XS_TYPED_ARRAY_KIND:
		case XS_DATA_VIEW_KIND:
		case XS_MAP_KIND:
		case XS_SET_KIND:
		case XS_REGEXP_KIND:
			return 1;
		}
	}
	return 0;
}

/*
 * Objects of the root that the app machine changes are copied on write, but not the content of a buffer, map, set or regular
 * expression: writing to that throws, as after the SDK's linker (fxPrepareInstance in tools/xslSlot.c).
 */
static void freezeContainers(void)
{
	for (txSlot* heap = gRoot->firstHeap; heap; heap = heap->next) {
		for (txSlot* slot = heap + 1; slot < heap->value.reference; slot++) {
			if (slot->kind != XS_INSTANCE_KIND || !staysAsItIs(slot))
				continue;
			slot->flag |= XS_DONT_PATCH_FLAG;
			for (txSlot* property = slot->next; property; property = property->next)
				property->flag |= property->kind == XS_ACCESSOR_KIND ? XS_DONT_DELETE_FLAG : XS_DONT_DELETE_FLAG | XS_DONT_SET_FLAG;
		}
	}
}

/*
 * The collector of an app machine would write through pointers into the root's chunks, which must not move. They do not change,
 * because each chunk is marked as its own destination. (On a device they are in flash.)
 */
static void petrifyRoot(void)
{
	if (gRoot->shared)
		return;
	fxShareMachine(gRoot);
	if (!gKeepsWritable)
		freezeContainers();
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
		_exit(EXIT_APP);
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
				_exit(EXIT_LATE_PRELOAD);
			perform(gRoot, preloadFrame);
			break;
		case BOOT:
			if (gFrame.length != sizeof(BootOptions))
				_exit(EXIT_BOOT_OPTIONS);
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
			_exit(EXIT_UNKNOWN_FRAME);
		}
	}
}
