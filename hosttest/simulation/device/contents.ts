/*
 * Contents of a simulated device's flash before its first boot.
 */
import type { NorFlash } from "../../../boards/parts/flash/nor-flash.js";
import { Outbox } from "../../../src/outbox/outbox.js";

const UNUSED_TAG = 7;

/** An outbox whose next entry has this number. "drained": a backlog had filled it, and has been delivered. */
export function fill(flash: NorFlash, firstSequence: number, contents: "nothing" | "drained"): void {
  const outbox = new Outbox({ flash, firstSequence });
  outbox.note(UNUSED_TAG, Uint8Array.of(1)); // from now on the flash knows its first number
  if (contents === "drained") drain(outbox);
  outbox.close();
  flash.powerOn();
}

/** A backlog that fills the ring, and is settled to the last. */
function drain(outbox: Outbox): void {
  const payload = new Uint8Array(12);
  const { blocks } = outbox.statistics();
  while (outbox.statistics().blocksUsed < blocks - 1) outbox.append(payload, 1);
  for (let entry = outbox.seek(0); entry !== undefined; entry = outbox.seek(0)) outbox.settle(entry.sequence);
}
