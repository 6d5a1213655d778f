/*
 * The two application slots: which one runs, its state, and which one starts next. The SDK's `embedded:update` can select an image, but can
 * neither confirm one nor continue one that was started before a reset.
 * Source: ESP-IDF 6.0, "Over The Air Updates (OTA)", esp_ota_ops.h. CONFIG_BOOTLOADER_APP_ROLLBACK_ENABLE.
 */
#include "xsmc.h"
#include "mc.xs.h"

#include "app_update/include/esp_ota_ops.h"

static void check(xsMachine *the, esp_err_t err, char *what)
{
	if (ESP_OK != err)
		xsUnknownError(what);
}

/** @returns 0 or 1 */
void xs_slots_running(xsMachine *the)
{
	xsmcSetInteger(xsResult, esp_ota_get_running_partition()->subtype - ESP_PARTITION_SUBTYPE_APP_OTA_MIN);
}

/** Argument: whether the other slot is meant. @returns ESP-IDF's esp_ota_img_states_t; -1: boot selection does not know it */
void xs_slots_state(xsMachine *the)
{
	const esp_partition_t *slot = xsmcTest(xsArg(0)) ? esp_ota_get_next_update_partition(NULL) : esp_ota_get_running_partition();
	esp_ota_img_states_t state;

	xsmcSetInteger(xsResult, (ESP_OK == esp_ota_get_state_partition(slot, &state)) ? (int)state : -1);
}

/** Invalidates the other slot's entry in boot selection, if there is one. */
void xs_slots_forget(xsMachine *the)
{
	esp_ota_invalidate_inactive_ota_data_slot();
}

/** The other slot starts next, on trial. @throws if it has no valid image */
void xs_slots_select(xsMachine *the)
{
	check(the, esp_ota_set_boot_partition(esp_ota_get_next_update_partition(NULL)), "the slot has no valid image");
}

/** Confirms the running image. @throws if the flash cannot be written */
void xs_slots_confirm(xsMachine *the)
{
	check(the, esp_ota_mark_app_valid_cancel_rollback(), "the flash fails");
}

/** The other slot starts next, and this one never again. @throws if there is no other */
void xs_slots_roll_back(xsMachine *the)
{
	check(the, esp_ota_mark_app_invalid_rollback(), "there is no other image");
}
