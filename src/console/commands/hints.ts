/* Words from other prompts, and the commands to type here instead. */

const LEAVE = "nothing to exit, the device keeps running: close the terminal (Ctrl-C twice ends a simulated device)";
const SHOW = "no such command, did you mean show?";

/**
 * The hint for an unknown command, in lower case; undefined: none. Compares texts and uses no object as a table: XS keeps every
 * text that was once used as a property's name, and this one may be long, or a password typed in the wrong place.
 */
export function hintFor(word: string): string | undefined {
  switch (word) {
    case "exit":
    case "quit":
    case "logout":
    case "bye":
    case "q":
      return LEAVE;
    case "restart":
      return "no such command, did you mean reboot?";
    case "reset":
      return "no such command, did you mean reboot, or factory-reset?";
    case "list":
    case "ls":
    case "get":
      return SHOW;
    case "clear":
    case "cls":
      return "no such command: Ctrl-L clears the screen";
    default:
      return undefined;
  }
}
