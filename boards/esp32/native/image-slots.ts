/* image-slots.c. */

/** The slot that runs: 0 or 1. */
export const runningSlot = native("xs_slots_running") as () => 0 | 1;
/** ESP-IDF's esp_ota_img_states_t of a slot; -1: boot selection does not know it. */
export const slotState = native("xs_slots_state") as (isOther: boolean) => number;
/** What boot selection knows of the other slot is void. */
export const forgetSlot = native("xs_slots_forget") as () => void;
/** The other slot starts next, on trial. @throws if what is in it is no image */
export const selectSlot = native("xs_slots_select") as () => void;
/** The trial is over. @throws if the flash does not take that */
export const confirmSlot = native("xs_slots_confirm") as () => void;
/** The other slot starts next, and this one not again. @throws if there is no other */
export const rollBackSlot = native("xs_slots_roll_back") as () => void;
