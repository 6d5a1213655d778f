/*
 * Simulated flash as a firmware opens it: each opening is closed separately, so that closing one leaves the others open.
 * The store mounted on the flash is recorded on the flash itself, whichever opening was used.
 */

import { type NorFlash, PowerCut } from "../../boards/parts/flash/nor-flash.js";
import type { FlashRegion } from "../../boards/parts/key-value.js";
import type { Flash } from "../../src/outbox/flash/flash.js";

/** An opening of `flash`; `onCut` is called when its power is cut. */
export function openedFlash(flash: NorFlash, onCut: () => void): Flash & FlashRegion {
  let isOpen = true;
  const watch = <T>(call: () => T): T => {
    if (!isOpen) throw new Error("closed");
    try {
      return call();
    } catch (error) {
      if (error instanceof PowerCut) onCut();
      throw error;
    }
  };
  return {
    get mountedBy() {
      return flash.mountedBy;
    },
    set mountedBy(store) {
      flash.mountedBy = store;
    },
    read: (buffer, offset) => watch(() => flash.read(buffer, offset)),
    write: (buffer, offset) => watch(() => flash.write(buffer, offset)),
    eraseBlock: (first, end) => watch(() => flash.eraseBlock(first, end)),
    status: () => flash.status(),
    close: () => {
      isOpen = false;
    },
  };
}
