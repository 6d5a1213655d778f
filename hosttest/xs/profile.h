/*
 * Counts for each function the calls, and the computrons, slots and chunk bytes that it spent itself, callees apart.
 * Included by xsRun.c of the profiling worker in place of the engine's own call trace; calls that an exception leaves
 * are closed when an outer one ends.
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
	txSlot* functions[PROFILE_DEPTH];
	int count, depth;
	unsigned computrons; /* at the last change of function; so are the next two */
	int slots, chunkBytes;
} Profile;

extern Profile gProfile;
extern ProfileEntry* profileEntry(txMachine* the, txSlot* function);
extern void profileCharge(txMachine* the);

#ifdef mxTraceCall
static void fxTraceCallBegin(txMachine* the, txSlot* function)
{
	Profile* profile = &gProfile;
	profileCharge(the);
	if (profile->depth < PROFILE_DEPTH) {
		ProfileEntry* entry = profileEntry(the, function->value.reference);
		entry->calls++;
		profile->stack[profile->depth] = entry;
		profile->functions[profile->depth] = function->value.reference;
	}
	profile->depth++;
}

static void fxTraceCallEnd(txMachine* the, txSlot* function)
{
	Profile* profile = &gProfile;
	int depth = profile->depth < PROFILE_DEPTH ? profile->depth : PROFILE_DEPTH;
	profileCharge(the);
	while (depth > 0 && profile->functions[depth - 1] != function->value.reference)
		depth--;
	if (depth > 0)
		profile->depth = depth - 1;
}
#endif

#endif
