/*
 * What the parts of the worker share: frames on the pipes (frames.c), the platform for XS (platform.c), the functions for scripts,
 * globalThis.host (host.c) and globalThis.native (natives.c), and the commands (worker.c).
 */
#ifndef WORKER_H
#define WORKER_H

#include "xsAll.h"
#include "xsScript.h"

/* Kinds of frames; worker.ts has the same letters. */
enum {
	PRELOAD = 'P', BOOT = 'B', EVALUATE = 'E', CALL = 'C', COLLECT = 'G', PROFILED = 'F', /* in */
	ANSWER = 'R', REFUSAL = 'Z', /* in, to HOST_CALL */
	DONE = 'K', THROWN = 'X', HOST_CALL = 'H', TRACE = 'T', UNHANDLED = 'U', ABORTED = 'A' /* out */
};

/* Exit codes for errors that cannot be reported in a frame. */
enum {
	EXIT_READ = 70, EXIT_WRITE, EXIT_FRAME_MEMORY, EXIT_ARENA, EXIT_ROOT, EXIT_APP, EXIT_LATE_PRELOAD, EXIT_BOOT_OPTIONS,
	EXIT_UNKNOWN_FRAME, EXIT_SCRIPTS
};

/* The last frame read; `bytes` ends with a zero so that scripts are C strings. */
typedef struct { uint8_t kind; uint32_t length; char* bytes; } Frame;
extern Frame gFrame;

extern void readFrame(void);
extern void writeFrame(uint8_t kind, const void* head, size_t headLength, const void* body, size_t bodyLength);
extern void writeText(uint8_t kind, const char* text);

/* A command begins: its cost is counted from here. */
extern void beginMeasuring(txMachine* the);
/* Sends a frame of `kind`: the figures, then the bytes. */
extern void reply(txMachine* the, uint8_t kind, const void* body, size_t length);

/* Memory of the next machine to be created, in bytes. */
extern size_t gArenaBytes;
/* Byte code of the preloaded scripts, in bytes. */
extern uint32_t gKeptCodeBytes;
/* Preloaded buffers, maps and sets are not frozen. */
extern int gKeepsWritable;

/* The pending exception as text: its message and the frames. Valid until the next call. */
extern const char* exceptionText(txMachine* the);
/* Keeps the byte code of a script; its strings and functions are then used in place, as in the flash of a device. */
extern void keepCode(txScript* script);

extern void defineHost(txMachine* the);
/* native(name): a C function of the firmware's as a JavaScript function, as the SDK's linker has it; undefined: not compiled in. */
extern void native(txMachine* the);
/* The bytes of an ArrayBuffer, a view of bytes or a DataView; throws for anything else. Invalid after the next allocation. */
extern void bytesOf(txMachine* the, txSlot* slot, void** data, txUnsigned* length);

#ifdef PROFILE
extern char* profileText(txMachine* the);
extern char* censusText(txMachine* the);
#endif

#endif
