/* Stands in for the SDK's header: a machine that is one result, four arguments and one error. */
#pragma once
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef unsigned int xsUnsignedValue;
typedef struct {
	double number;
	char text[64];
	uint8_t bytes[2048];
	xsUnsignedValue count;
	enum { kNumber, kText, kBytes, kNothing } kind;
} xsSlot;
typedef struct {
	xsSlot result;
	xsSlot args[4];
	const char *error;
	jmp_buf end;
} xsMachine;

#define xsResult (the->result)
#define xsArg(i) (the->args[i])
#define xsmcSetString(slot, value) ((slot).kind = kText, snprintf((slot).text, sizeof((slot).text), "%s", value))
#define xsmcSetInteger(slot, value) ((slot).kind = kNumber, (slot).number = (value))
#define xsmcSetNumber(slot, value) ((slot).kind = kNumber, (slot).number = (value))
#define xsmcToNumber(slot) ((slot).number)
#define xsmcTest(slot) ((slot).number != 0)
#define xsmcToInteger(slot) ((int)(slot).number)
#define xsmcSetArrayBuffer(slot, data, size) ((slot).kind = kBytes, (slot).count = (size), memcpy((slot).bytes, data, size))
#define xsmcGetBufferReadable(slot, data, size) (*(data) = (slot).bytes, *(size) = (slot).count)
#define xsmcGetBufferWritable xsmcGetBufferReadable
#define xsUnknownError(text) (the->error = (text), longjmp(the->end, 1))
#define xsRangeError(text) (the->error = (text), longjmp(the->end, 1))
