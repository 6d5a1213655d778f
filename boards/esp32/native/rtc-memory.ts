/* rtc-memory.c: 2,048 bytes. Both functions access a part of it, from offset `at`, and throw if it does not fit. */

/** Fills the buffer. */
export const readMemory = native("xs_rtc_memory_read") as (buffer: Uint8Array, at: number) => void;
/** Stores the bytes. */
export const writeMemory = native("xs_rtc_memory_write") as (bytes: Uint8Array, at: number) => void;
