/* rtc-memory.c: 1,536 bytes. Both take a part of it, `at` first, and throw where there is less. */

/** Fills the buffer. */
export const readMemory = native("xs_rtc_memory_read") as (buffer: Uint8Array, at: number) => void;
/** Stores the bytes. */
export const writeMemory = native("xs_rtc_memory_write") as (bytes: Uint8Array, at: number) => void;
