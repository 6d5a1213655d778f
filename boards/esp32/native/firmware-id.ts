/** The beginning of the SHA-256 of the firmware's ELF file: 8 bytes. firmware-id.c. */
export const firmwareId = native("xs_firmware_id") as () => ArrayBuffer;
