/* image-slots.c. */

/** The slot that runs: 0 or 1. */
export const runningSlot = native("xs_slots_running") as () => 0 | 1;
/** ESP-IDF's esp_ota_img_states_t of a slot; -1: boot selection does not know it. */
export const slotState = native("xs_slots_state") as (isOther: boolean) => number;
/** Invalidates the other slot's entry in boot selection. */
export const forgetSlot = native("xs_slots_forget") as () => void;
/** The other slot starts next, on trial. @throws if it has no valid image */
export const selectSlot = native("xs_slots_select") as () => void;
/** Confirms the running image. @throws if the flash cannot be written */
export const confirmSlot = native("xs_slots_confirm") as () => void;
/** The other slot starts next, and this one never again. @throws if there is no other */
export const rollBackSlot = native("xs_slots_roll_back") as () => void;
