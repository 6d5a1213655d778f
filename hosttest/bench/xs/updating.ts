/*
 * An update for measurements: two slots that use no heap, like native ones; a signature that is not checked here, because on an
 * ESP32 that is done in C; and the messages of the sender, in pieces as the client passes them on.
 */
import { toASCII } from "../../../src/common/ascii.js";
import type { Thermometer } from "../../../src/thermometer.js";
import type { SlotFlash, Slots, UpdatePort } from "../../../src/update/io.js";
import { PlainFlash } from "./harness.js";

const BLOCK = 4_096;
const PIECE = 256;
const HEAD = 8;
/** Number of blocks of the image. Its hash is never the announced one. */
export const BLOCKS = 8;
const TOPIC = "home/livingroom/thermometer0123456789ab/update";
const OFFER = toASCII(
  JSON.stringify({
    id: "00000001",
    version: "9.0.0",
    chip: "bench",
    size: BLOCKS * BLOCK,
    sha256: "0".repeat(64),
    signature: "0".repeat(128),
  }),
);
const chunk = new Uint8Array(HEAD + BLOCK);
const flash: SlotFlash = new PlainFlash(BLOCKS);

class BenchSlots implements Slots {
  readonly running = 0;
  readonly isTrial = false;
  readonly hasFailed = false;
  open(): SlotFlash {
    return flash;
  }
  forget(): void {}
  select(): void {}
  confirm(): void {}
  rollBack(): void {}
}

/** The board's functions. */
export const update: UpdatePort = { io: BenchSlots, chip: "bench", key: chunk.subarray(0, 32), isSigned: () => true };

/** Announces an image. */
export function announce(thermometer: Thermometer): void {
  hear(thermometer, "offer", OFFER, OFFER.length);
}

/** Delivers block `n` of it, or only the first `bytes` bytes of the message. */
export function sendBlock(thermometer: Thermometer, n: number, bytes = HEAD + BLOCK): void {
  chunk[3] = 1;
  new DataView(chunk.buffer).setUint32(4, n * BLOCK, true);
  hear(thermometer, "chunk", chunk, bytes);
}

/** The state of the update, as the device reports it. */
export function progress({ updating }: Thermometer): string {
  return updating?.text ?? "";
}

function hear({ uplink }: Thermometer, name: string, bytes: Uint8Array, end: number): void {
  const totalBytes = bytes.length;
  for (let offsetBytes = 0; offsetBytes < end; offsetBytes += PIECE) {
    const payload = bytes.subarray(offsetBytes, Math.min(offsetBytes + PIECE, end));
    const last = offsetBytes + payload.length === totalBytes;
    const message = {
      topic: `${TOPIC}/${name}`,
      qos: 1,
      retain: false,
      dup: false,
      totalBytes,
      offsetBytes,
      payload,
      last,
    };
    uplink?.onMessage(message as Parameters<typeof uplink.onMessage>[0], 1);
  }
}
