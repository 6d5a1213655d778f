/* status, identify, announce, reboot, factory-reset, version, log: commands for the whole device. */
import { LOG_LEVELS, type LogLevel } from "../host/log-levels.js";
import { type Command, Refusal, requireCount, requireName, type Shell } from "./command.js";

const ERASE = "erase"; // typed to confirm
const LABEL_COLUMN = 11;

const status = Object.freeze<Command>({
  name: "status",
  usage: "",
  help: "Sensor, link, broker, outbox, time",
  run(shell, args) {
    requireCount(status, args, 0, 0);
    shell.host.status().forEach((row) => shell.print(row[0].padEnd(LABEL_COLUMN) + row[1], LABEL_COLUMN));
  },
});

const reboot = Object.freeze<Command>({
  name: "reboot",
  usage: "",
  help: "Restarts; asks if edits are not saved",
  run(shell, args) {
    requireCount(reboot, args, 0, 0);
    const edits = shell.settings.staged();
    if (edits.length === 0) return restart(shell);
    shell.print(`not saved: ${edits.join(", ")}`);
    shell.ask({
      prompt: "save before the reboot? yes, no or cancel: ",
      echo: "shown",
      answer(text) {
        const letter = (text ?? "").trim().toLowerCase()[0];
        if (letter === "y") shell.settings.save();
        else if (letter !== "n") return shell.print("no reboot");
        restart(shell);
      },
    });
  },
});

const factoryReset = Object.freeze<Command>({
  name: "factory-reset",
  usage: "",
  help: "Erases settings and readings, and reboots",
  run(shell, args) {
    requireCount(factoryReset, args, 0, 0);
    shell.print(`erases ${shell.host.factoryResetErases?.() ?? "all settings"}; this cannot be undone`);
    shell.ask({
      prompt: `type ${ERASE} to go on: `,
      echo: "shown",
      answer(text) {
        if (text?.trim() !== ERASE) return shell.print("nothing erased");
        shell.print("erasing: about 12 s per megabyte; then the device restarts");
        shell.afterOutput((stay) => shell.host.factoryReset(stay));
      },
    });
  },
});

const version = Object.freeze<Command>({
  name: "version",
  usage: "",
  help: "Firmware and board",
  run(shell, args) {
    requireCount(version, args, 0, 0);
    shell.print(shell.host.version);
  },
});

const log = Object.freeze<Command>({
  name: "log",
  usage: "[level]",
  help: "How much is logged, in this run",
  complete: (_shell, args) => (args.length === 1 ? LOG_LEVELS : []),
  run(shell, args) {
    requireCount(log, args, 0, 1);
    if (args.length === 0) shell.print(shell.level);
    else shell.level = requireName(shell, "level", args[0], LOG_LEVELS) as LogLevel;
  },
});

const identify = Object.freeze<Command>({
  name: "identify",
  usage: "",
  help: "Shows which device this is",
  run(shell, args) {
    requireCount(identify, args, 0, 0);
    if (shell.host.identify === undefined) throw new Refusal("this board cannot show it");
    shell.print(shell.host.identify());
  },
});

const announce = Object.freeze<Command>({
  name: "announce",
  usage: "",
  help: "Announces the device to Home Assistant again",
  run(shell, args) {
    requireCount(announce, args, 0, 0);
    if (shell.host.announce?.() !== true) throw new Refusal("no connection to the broker: see status");
    shell.print("announced");
  },
});

/** status, identify, announce, reboot, factory-reset, version, log. */
export const deviceCommands: readonly Command[] = Object.freeze([
  status,
  identify,
  announce,
  reboot,
  factoryReset,
  version,
  log,
]);

function restart(shell: Shell): void {
  shell.print("rebooting");
  shell.afterOutput(() => shell.host.reboot());
}
