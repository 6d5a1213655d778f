/*
 * The slots for firmware images (src/update/io.ts), based on C functions. The slot that does not run is written block by block, like all
 * flash, so that an update continues after a reset.
 */
import FlashStorage from "embedded:storage/flash";
import type { SlotFlash, Slots } from "../../src/update/io.js";
import { confirmSlot, forgetSlot, rollBackSlot, runningSlot, selectSlot, slotState } from "./native/image-slots.js";

/** The SDK's name of the slot that does not run. */
const OTHER = "nextota";
// esp_ota_img_states_t
const PENDING = 1;
const INVALID = 3;
const ABORTED = 4;

export class ImageSlots implements Slots {
  get running(): 0 | 1 {
    return runningSlot();
  }

  get isTrial(): boolean {
    return slotState(false) === PENDING;
  }

  get hasFailed(): boolean {
    const state = slotState(true);
    return state === INVALID || state === ABORTED;
  }

  open(): SlotFlash {
    return FlashStorage.open({ path: OTHER }) as SlotFlash;
  }

  forget(): void {
    forgetSlot();
  }

  select(): void {
    selectSlot();
  }

  confirm(): void {
    confirmSlot();
  }

  rollBack(): void {
    rollBackSlot();
  }
}
