/* All commands, in the order of `help`. A product may offer fewer. */
import type { Command } from "./command.js";
import { deviceCommands } from "./device.js";
import { help } from "./help.js";
import { lookCommands } from "./look.js";
import { queue } from "./queue.js";
import { settingsCommands } from "./settings.js";
import { setup } from "./setup.js";

/** All commands of the prompt, in the order in which `help` lists them. */
export const commands: readonly Command[] = Object.freeze([
  help,
  setup,
  ...settingsCommands,
  ...lookCommands,
  queue,
  ...deviceCommands,
]);
