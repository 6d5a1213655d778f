/* `--update-key`: the public key of firmware images. */
import { readFileSync } from "node:fs";
import { fromHex } from "../../../src/common/ascii.js";
import { messageOf } from "../../../src/common/message-of.js";
import { UsageError } from "./command-line.js";

const FORM = /^[\da-f]{64}$/;

/** The key's 32 bytes. `given`: 64 hexadecimal digits, or the name of a file with them. @throws UsageError */
export function updateKeyOf(given: string): Uint8Array {
  if (FORM.test(given)) return fromHex(given);
  let text: string;
  try {
    text = readFileSync(given, "utf8").trim();
  } catch (error) {
    throw new UsageError(`--update-key ${given}: ${messageOf(error)}`);
  }
  if (FORM.test(text)) return fromHex(text);
  throw new UsageError(`--update-key ${given}: expected 64 hexadecimal digits: npm run update -- --keygen`);
}
