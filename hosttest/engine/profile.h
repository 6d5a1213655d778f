/*
 * Counts for each function the calls, and the computrons, slots and chunk bytes of the function itself, without its callees.
 * Included by xsRun.c of the profiling worker in place of the engine's own call trace.
 */
#ifndef WORKER_PROFILE_H
#define WORKER_PROFILE_H

enum { PROFILE_FUNCTIONS = 4096, PROFILE_DEPTH = 512, PROFILE_NAME = 56 };

typedef struct {
	txSlot* function;
	char name[PROFILE_NAME];
	unsigned calls, computrons;
	int slots, chunkBytes;
} ProfileEntry;

typedef struct {
	ProfileEntry entries[PROFILE_FUNCTIONS];
	ProfileEntry* stack[PROFILE_DEPTH];
	txSlot* frames[PROFILE_DEPTH];
	int count, depth;
	unsigned computrons; /* at the last change of function; so are the next two */
	int slots, chunkBytes;
} Profile;

extern Profile gProfile;
extern ProfileEntry* profileEntry(txMachine* the, txSlot* function);
extern void profileCharge(txMachine* the);

#ifdef mxTraceCall
/* `function`: the frame's slot on the machine's stack, which grows down: frames below it have ended, in whatever way. */
static void fxTraceCallBegin(txMachine* the, txSlot* function)
{
	Profile* profile = &gProfile;
	profileCharge(the);
	while (profile->depth > 0 && profile->frames[profile->depth - 1] <= function)
		profile->depth--;
	if (profile->depth < PROFILE_DEPTH) {
		ProfileEntry* entry = profileEntry(the, function->value.reference);
		entry->calls++;
		profile->stack[profile->depth] = entry;
		profile->frames[profile->depth++] = function;
	}
}

static void fxTraceCallEnd(txMachine* the, txSlot* function)
{
	Profile* profile = &gProfile;
	profileCharge(the);
	while (profile->depth > 0 && profile->frames[profile->depth - 1] <= function)
		profile->depth--;
}
#endif

#endif
