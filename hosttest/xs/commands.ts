/* Lines that run every command of the prompt, except those that end the firmware. */

export const COMMANDS: readonly string[] = [
  ...[
    "help",
    "help set",
    "version",
    "status",
    "show",
    "show room",
    "sensors",
    "sample",
    "identify",
    "announce",
    "queue",
    "queue peek 3",
    "log debug",
  ],
  ...[
    "set room attic",
    'set wifi.ssid "a b"; set interval 7; show interval',
    "revert",
    "save",
    "set room a/b",
    "rom",
    "scan",
  ],
];
