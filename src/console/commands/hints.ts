/*
 * Words that people bring from other prompts, and what to type here.
 */

const LEAVE =
  "there is nothing to leave, the device runs on: close the terminal (Ctrl-C twice ends a simulated device)";

/** What to say to a word that is no command, by the word in lower case. Inherits nothing: any word may be asked for. */
export const hints: Readonly<Record<string, string>> = Object.freeze(
  Object.assign(Object.create(null), {
    exit: LEAVE,
    quit: LEAVE,
    logout: LEAVE,
    bye: LEAVE,
    q: LEAVE,
    restart: "no such command, did you mean reboot?",
    reset: "no such command, did you mean reboot, or factory-reset?",
    list: "no such command, did you mean show?",
    ls: "no such command, did you mean show?",
    get: "no such command, did you mean show?",
    clear: "no such command: Ctrl-L clears the screen",
    cls: "no such command: Ctrl-L clears the screen",
  }),
);
