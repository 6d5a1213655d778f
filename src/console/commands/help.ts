/* help: lists the commands, or describes one. */
import { type Command, requireCount, requireName } from "./command.js";

const HELP_COLUMN = 28;

/** help: the list of commands, or one of them. */
export const help = Object.freeze<Command>({
  name: "help",
  alias: "?",
  usage: "[command]",
  help: "The commands, or one of them",
  complete: (shell, args) => (args.length === 1 ? shell.commands.map((command) => command.name) : []),
  run(shell, args) {
    requireCount(help, args, 0, 1);
    if (args.length === 1) {
      const names = shell.commands.map((command) => command.name);
      const wanted = requireName(shell, "command", args[0], names);
      shell.print(rowOf(shell.commands[names.indexOf(wanted)]));
      return;
    }
    shell.commands.forEach((command) => shell.print(rowOf(command)));
    shell.print("Tab completes, ; separates commands, Ctrl-C discards a line.");
  },
});

function rowOf(command: Command): string {
  return `${`${command.name} ${command.usage}`.padEnd(HELP_COLUMN)} ${command.help}`;
}
