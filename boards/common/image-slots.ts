/*
 * The io class for the slots of a simulated device, which boards/parts/flash/boot-slots.ts stores.
 */
import type { Slots, SlotsConstructor } from "../../src/update/io.js";
import type { BootSlots } from "../parts/flash/boot-slots.js";

/** The io class of `slots`, for `UpdatePort.io`. */
export function slotsClass(slots: BootSlots): SlotsConstructor {
  return class implements Slots {
    get running() {
      return slots.running;
    }
    get isTrial() {
      return slots.isTrial;
    }
    get hasFailed() {
      return slots.hasFailed;
    }
    open() {
      const region = slots.other;
      return {
        read: (buffer: Uint8Array, offsetBytes: number) => region.read(buffer, offsetBytes),
        write: (buffer: Uint8Array, offsetBytes: number) => region.write(buffer, offsetBytes),
        eraseBlock: (first: number, end?: number) => region.eraseBlock(first, end),
        status: () => region.status(),
        close() {},
      };
    }
    forget() {
      slots.forget();
    }
    select() {
      slots.select();
    }
    confirm() {
      slots.confirm();
    }
    rollBack() {
      slots.rollBack();
    }
  };
}
