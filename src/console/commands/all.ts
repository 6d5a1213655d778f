/*
 * All commands, in the order of help. A product may offer fewer.
 */
import type { Command } from "../command.js";
import { deviceCommands } from "./device.js";
import { help } from "./help.js";
import { settingsCommands } from "./settings.js";

export const commands: readonly Command[] = [help, ...deviceCommands, ...settingsCommands];
