/*
 * Runs our C functions one after the other: machine RESET_REASON CAUSES RTC_US HAS_ADDRESS FUNCTION[,ARGUMENT ...] ...
 * An argument is a number, or bytes as x and hexadecimal digits. Prints the calls to the chip, and the results.
 */
#include "xsmc.h"
#include "esp.h"

#include <stdlib.h>

typeof(chip) chip;
static xsMachine machine;

#define FUNCTIONS(each) each(xs_mac_address) each(xs_wake_cause) each(xs_deep_sleep) each(xs_slow_clock) \
	each(xs_rtc_memory_read) each(xs_rtc_memory_write) each(xs_firmware_id) \
	each(xs_slots_running) each(xs_slots_state) each(xs_slots_forget) each(xs_slots_select) each(xs_slots_confirm) each(xs_slots_roll_back) \
	each(xs_is_signed)
#define DECLARE(name) void name(xsMachine *the);
FUNCTIONS(DECLARE)

static const struct { const char *name; void (*run)(xsMachine *); } functions[] = {
	#define ROW(name) {#name, name},
	FUNCTIONS(ROW)
};

void asleep(void) { longjmp(machine.end, 2); }

static void setArgument(xsSlot *slot, const char *text)
{
	unsigned byte;

	if (*text++ != 'x') {
		slot->number = atof(text - 1);
		slot->kind = kNumber;
		return;
	}
	slot->kind = kBytes;
	for (slot->count = 0; sscanf(text, "%2x", &byte) == 1; text += 2) slot->bytes[slot->count++] = byte;
}

static void show(const xsSlot *slot)
{
	switch (slot->kind) {
		case kNumber: printf("= %.15g\n", slot->number); break;
		case kText: printf("= \"%s\"\n", slot->text); break;
		case kBytes:
			printf("= %u bytes ", slot->count);
			for (xsUnsignedValue i = 0; i < slot->count && i < 8; i++) printf("%02x", slot->bytes[i]);
			printf("\n");
			break;
		case kNothing:
			show(&machine.args[0]); // where a function has filled its argument
			break;
	}
}

int main(int count, char **words)
{
	chip.resetReason = atoi(words[1]);
	chip.causes = strtoul(words[2], NULL, 0);
	chip.rtcUs = strtoull(words[3], NULL, 0);
	chip.hasAddress = atoi(words[4]);
	for (int i = 5; i < count; i++) {
		const char *name = strtok(words[i], ",");
		const char *text;
		memset(&machine.result, 0, sizeof(machine.result));
		machine.result.kind = kNothing;
		for (int a = 0; a < 4 && (text = strtok(NULL, ",")) != NULL; a++) setArgument(&machine.args[a], text);
		switch (setjmp(machine.end)) {
			case 0:
				for (size_t f = 0; f < sizeof(functions) / sizeof(*functions); f++)
					if (strcmp(functions[f].name, name) == 0) functions[f].run(&machine);
				show(&machine.result);
				break;
			case 1: printf("throws: %s\n", machine.error); break;
			default: return 0;
		}
	}
	return 0;
}
