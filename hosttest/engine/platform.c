/*
 * What XS needs of a platform: memory for slots and chunks, the queue of promise jobs, and the end of the machine. Also keeps the
 * byte code of preloaded scripts.
 */
#include "worker.h"
#include <sys/mman.h>

enum { MAX_SCRIPTS = 16 };

size_t gArenaBytes;
uint32_t gKeptCodeBytes;

static struct { txByte* code[MAX_SCRIPTS]; int count; } gKept;

void fxCreateMachinePlatform(txMachine* the)
{
	the->arena = mmap(NULL, gArenaBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON | MAP_NORESERVE, -1, 0);
	if (the->arena == MAP_FAILED)
		_exit(EXIT_ARENA);
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

const char* exceptionText(txMachine* the)
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

void freeUnlessKept(void* memory)
{
	for (int i = 0; i < gKept.count; i++) {
		if (gKept.code[i] == memory)
			return;
	}
	free(memory);
}

/* The operand of `width` bytes with the length of an instruction. */
static uint32_t operandOf(const txByte* at, int width)
{
	uint32_t value = 0;
	memcpy(&value, at, (size_t)width);
	return value;
}

void keepCode(txScript* script)
{
	txByte* at = script->codeBuffer;
	txByte* end = at + script->codeSize;
	if (gKept.count == MAX_SCRIPTS)
		_exit(EXIT_SCRIPTS);
	gKept.code[gKept.count++] = script->codeBuffer;
	gKeptCodeBytes += (uint32_t)script->codeSize;
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
