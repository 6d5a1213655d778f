/* The profiling worker's counters; see profile.h. Empty in the plain worker. */
#ifdef PROFILE
#include "worker.h"
#include "profile.h"

Profile gProfile;

static const char* nameOf(txMachine* the, txSlot* function)
{
	txSlot* code = mxFunctionInstanceCode(function);
	txSlot* name = mxBehaviorGetProperty(the, function, mxID(_name), 0, XS_OWN);
	if (name && (name->kind == XS_STRING_KIND || name->kind == XS_STRING_X_KIND) && name->value.string[0])
		return name->value.string;
	if (code->ID != XS_NO_ID) {
		txSlot* key = fxGetKey(the, code->ID);
		if (key && (key->kind == XS_KEY_KIND || key->kind == XS_KEY_X_KIND))
			return key->value.key.string;
	}
	return "(anonymous)";
}

/* The class that a method belongs to, or an empty string. */
static const char* ownerOf(txMachine* the, txSlot* function)
{
	txSlot* home = mxFunctionInstanceHome(function)->value.home.object;
	txSlot* property;
	if (!home)
		return "";
	if (mxIsFunction(home))
		return nameOf(the, home);
	property = mxBehaviorGetProperty(the, home, mxID(_constructor), 0, XS_OWN);
	if (property && property->kind == XS_REFERENCE_KIND && mxIsFunction(property->value.reference))
		return nameOf(the, property->value.reference);
	return "";
}

ProfileEntry* profileEntry(txMachine* the, txSlot* function)
{
	size_t at = ((size_t)function / sizeof(txSlot)) % PROFILE_FUNCTIONS;
	ProfileEntry* entry = &gProfile.entries[at];
	while (entry->function && entry->function != function) {
		at = (at + 1) % PROFILE_FUNCTIONS;
		entry = &gProfile.entries[at];
	}
	if (!entry->function && gProfile.count < PROFILE_FUNCTIONS - 1) {
		const char* owner = mxIsFunction(function) ? ownerOf(the, function) : "";
		entry->function = function;
		snprintf(entry->name, PROFILE_NAME, "%s%s%s", owner, owner[0] ? "." : "", mxIsFunction(function) ? nameOf(the, function) : "(proxy)");
		gProfile.count++;
	}
	return entry;
}

/* Adds the cost since the last change of function to the function that ran. */
void profileCharge(txMachine* the)
{
	if (gProfile.depth > 0) {
		ProfileEntry* entry = gProfile.stack[gProfile.depth - 1];
		entry->computrons += the->meterIndex - gProfile.computrons;
		entry->slots += the->currentHeapCount - gProfile.slots;
		entry->chunkBytes += the->currentChunksSize - gProfile.chunkBytes;
	}
	gProfile.computrons = the->meterIndex;
	gProfile.slots = the->currentHeapCount;
	gProfile.chunkBytes = the->currentChunksSize;
}

/* One line for each function: name, calls, computrons, slots, chunk bytes, separated by tabs; then counts from zero. The caller frees it. */
char* profileText(txMachine* the)
{
	size_t room = (size_t)(gProfile.count + 1) * (PROFILE_NAME + 60), used = 0;
	char* text = malloc(room);
	profileCharge(the);
	text[0] = 0;
	for (int i = 0; i < PROFILE_FUNCTIONS; i++) {
		ProfileEntry* entry = &gProfile.entries[i];
		if (entry->calls || entry->computrons)
			used += (size_t)snprintf(text + used, room - used, "%s\t%u\t%u\t%d\t%d\n", entry->name, entry->calls, entry->computrons, entry->slots, entry->chunkBytes);
		entry->calls = entry->computrons = 0;
		entry->slots = entry->chunkBytes = 0;
	}
	return text;
}
/* The kind of an instance: the name of its class, or what it is in parentheses. */
static const char* kindOf(txMachine* the, txSlot* instance)
{
	txSlot* prototype = instance->value.instance.prototype;
	txSlot* constructor;
	if (mxIsFunction(instance))
		return "(function)";
	if (!prototype)
		return "(environment)";
	constructor = mxBehaviorGetProperty(the, prototype, mxID(_constructor), 0, XS_OWN);
	if (constructor && constructor->kind == XS_REFERENCE_KIND && mxIsFunction(constructor->value.reference))
		return nameOf(the, constructor->value.reference);
	return "(other)";
}

/* One line for each instance in the app's own heap: its class and its number of slots, including private fields. The caller frees it. */
char* censusText(txMachine* the)
{
	size_t room = (size_t)the->currentHeapCount * 80 + 80, used = 0;
	char* text = malloc(room);
	text[0] = 0;
	for (txSlot* heap = the->firstHeap; heap; heap = heap->next) {
		for (txSlot* slot = heap + 1; slot < heap->value.reference; slot++) {
			int slots = 1;
			if (slot->kind != XS_INSTANCE_KIND)
				continue;
			for (txSlot* property = slot->next; property; property = property->next) {
				slots++;
				if (property->kind == XS_PRIVATE_KIND) {
					for (txSlot* field = property->value.private.first; field; field = field->next)
						slots++;
				}
			}
			if (room - used > 80)
				used += (size_t)snprintf(text + used, room - used, "%.60s\t%d\n", kindOf(the, slot), slots);
		}
	}
	return text;
}
#else
typedef int Nothing;
#endif
