/*
 * Boot selection and the slots for firmware images, for a machine on XS: the board on Node executes the operations.
 */
import type { SlotFlash, UpdatePort } from "../../src/update/io.js";
import { type Answer, type Call, number } from "./wire.js";

/** The slot that does not run, opened. */
export function otherSlot(update: UpdatePort): SlotFlash {
  return new update.io(update).open();
}

/** Answers a `slots` operation. @throws what the slots throw */
export function onSlots(update: UpdatePort, operation: string, { first, second, rest }: Call): Answer {
  const slots = new update.io(update);
  switch (operation) {
    case "slots.running":
      return number(slots.running);
    case "slots.isTrial":
      return number(slots.isTrial ? 1 : 0);
    case "slots.hasFailed":
      return number(slots.hasFailed ? 1 : 0);
    case "slots.isSigned": {
      const [message, signature] = [rest.subarray(0, first), rest.subarray(first, first + second)];
      return number(update.isSigned(message, signature, rest.subarray(first + second)) ? 1 : 0);
    }
    case "slots.forget":
      slots.forget();
      break;
    case "slots.select":
      slots.select();
      break;
    case "slots.confirm":
      slots.confirm();
      break;
    case "slots.rollBack":
      slots.rollBack();
  }
  return undefined;
}
