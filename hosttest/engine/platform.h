/*
 * The platform interface that XS requires, for the test worker on a POSIX system (XSPLATFORM of the build).
 * Strings are UTF-8 as on the device: mxCESU8 stays undefined, which also brings ArrayBuffer.fromString. As on the
 * device, 0 * -1 is 0 (no mxMinusZero) and property ids have 16 bits on a 32-bit build.
 */
#ifndef WORKER_PLATFORM_H
#define WORKER_PLATFORM_H

#undef mxLittleEndian
#define mxLittleEndian 1
#if defined(__APPLE__)
	#undef mxMacOSX
	#define mxMacOSX 1
#else
	#undef mxLinux
	#define mxLinux 1
#endif

#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define mxExport extern
#define mxImport extern
#define mxUseGCCAtomics 1
#define mxUsePOSIXThreads 1
#if INTPTR_MAX == INT64_MAX
	#define mx32bitID 1
#endif

/* One arena a machine: chunks grow from its start, slots from its end, as in a device's static heap. */
#define mxMachinePlatform \
	void* waiterCondition; \
	void* waiterData; \
	void* waiterLink; \
	char* arena; \
	char* arenaEnd; \
	char* chunksEnd; \
	char* slotsStart; \
	int promiseJobs; \
	unsigned collections;

/* Byte code of preloaded scripts is kept when the engine frees the script: platform.c. */
extern void freeUnlessKept(void* memory);
#define c_free freeUnlessKept

#define mxUseDefaultBuildKeys 1
#define mxUseDefaultFindModule 1
#define mxUseDefaultLoadModule 1
#define mxUseDefaultParseScript 1
#define mxUseDefaultSharedChunks 1

#endif
