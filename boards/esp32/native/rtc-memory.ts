/* rtc-memory.c: 512 bytes. Both take the beginning of it, and throw where the buffer is larger. */

/** Fills the buffer. */
export const readMemory = native("xs_rtc_memory_read") as (buffer: Uint8Array) => void;
/** Stores the bytes. */
export const writeMemory = native("xs_rtc_memory_write") as (bytes: Uint8Array) => void;
