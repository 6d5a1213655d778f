/* Identifies the firmware: the start of the SHA-256 of its ELF file, which the build writes into the image. */
#include "xsmc.h"
#include "mc.xs.h"

#include "esp_app_desc.h"

#define ID_BYTES 8

/** @returns an ArrayBuffer of 8 bytes */
void xs_firmware_id(xsMachine *the)
{
	xsmcSetArrayBuffer(xsResult, (void *)esp_app_get_description()->app_elf_sha256, ID_BYTES);
}
