/*
 * The two application slots: which one runs, in what state, which one starts next. The SDK's `embedded:update` selects, and can neither
 * confirm an image nor go on with one that was begun before a reset.
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

/** Argument: whether of the other slot. @returns ESP-IDF's esp_ota_img_states_t; -1: boot selection does not know it */
void xs_slots_state(xsMachine *the)
{
	const esp_partition_t *slot = xsmcTest(xsArg(0)) ? esp_ota_get_next_update_partition(NULL) : esp_ota_get_running_partition();
	esp_ota_img_states_t state;

	xsmcSetInteger(xsResult, (ESP_OK == esp_ota_get_state_partition(slot, &state)) ? (int)state : -1);
}

/** What boot selection knows of the other slot is void. Where it knows nothing, that is so. */
void xs_slots_forget(xsMachine *the)
{
	esp_ota_invalidate_inactive_ota_data_slot();
}

/** The other slot starts next. @throws if what is in it is no image */
void xs_slots_select(xsMachine *the)
{
	check(the, esp_ota_set_boot_partition(esp_ota_get_next_update_partition(NULL)), "the chip does not take it for an image");
}

/** @throws if the flash does not take it */
void xs_slots_confirm(xsMachine *the)
{
	check(the, esp_ota_mark_app_valid_cancel_rollback(), "not confirmed: the flash fails");
}

/** The other slot starts next, and this one not again. @throws if there is no other */
void xs_slots_roll_back(xsMachine *the)
{
	check(the, esp_ota_mark_app_invalid_rollback(), "there is no other image");
}
