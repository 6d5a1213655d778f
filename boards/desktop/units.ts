/*
 * The devices of one process, each with its own chip file and room.
 */
import { extname } from "node:path";
import { ImageBoot } from "../common/image-boot.js";
import { Chip } from "./chip.js";
import { Configuration, type Credentials } from "./configuration.js";
import { ImageError } from "./flash/flash-file.js";
import type { Options } from "./options/options.js";
import { updateKeyOf } from "./options/update-key.js";
import { timers } from "./timers.js";

const ROOMS = Object.freeze(["kitchen", "bedroom", "bathroom", "study", "attic", "cellar", "garage"]);

export interface Unit {
  readonly chip: Chip;
  readonly configuration: Configuration;
  /** For devices with replaceable firmware images: boots them. */
  readonly images: ImageBoot | undefined;
}

/** `image`: the first one's; the others' have a number before the extension. @throws ImageError, UsageError */
export function openUnits(
  { devices, overrides, updateKey }: Options,
  image: string,
  credentials: Credentials,
  defaults: Readonly<Record<string, string>>,
): Unit[] {
  const key = updateKey === undefined ? undefined : updateKeyOf(updateKey);
  return Array.from({ length: devices }, (_, at) => {
    const chip = new Chip(at === 0 ? image : numbered(image, at + 1));
    const given = at === 0 ? overrides : { ...overrides, room: roomOf(at, overrides.room) };
    const configuration = new Configuration(chip, credentials, given, defaults);
    return { chip, configuration, images: key && imageBoot(chip, key) };
  });
}

function imageBoot(chip: Chip, key: Uint8Array): ImageBoot {
  const onNoImage = (): never => {
    throw new ImageError("no slot of the chip holds an image: it does not start");
  };
  return new ImageBoot({ ...chip.slotsFlash(), timers, chip: "desktop", key, onNoImage });
}

function roomOf(at: number, chosen: string | undefined): string {
  return chosen === undefined ? ROOMS[at - 1] : `${chosen}-${at + 1}`;
}

function numbered(image: string, number: number): string {
  const extension = extname(image);
  return `${image.slice(0, image.length - extension.length)}-${number}${extension}`;
}
