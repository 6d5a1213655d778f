/* sample, sensors, scan: what the device finds around it. Each takes a while, and the prompt waits for the answer. */
import type { Answer } from "../host/host.js";
import { strongest } from "../host/networks.js";
import { type Command, Refusal, requireCount, type Shell } from "./command.js";

const sample = Object.freeze<Command>({
  name: "sample",
  usage: "",
  help: "Takes a reading now",
  run(shell, args) {
    requireCount(sample, args, 0, 0);
    const host = shell.host;
    if (host.sampleNow === undefined) throw new Refusal("no sensor to read");
    host.sampleNow(answerTo(shell));
  },
});

const sensors = Object.freeze<Command>({
  name: "sensors",
  usage: "",
  help: "Lists what answers on the I2C bus",
  run(shell, args) {
    requireCount(sensors, args, 0, 0);
    const host = shell.host;
    if (host.sensors === undefined) throw new Refusal("no I2C bus on this board");
    host.sensors(answerTo(shell));
  },
});

const scan = Object.freeze<Command>({
  name: "scan",
  usage: "",
  help: "Wi-Fi networks, the strongest first",
  run(shell, args) {
    requireCount(scan, args, 0, 0);
    const host = shell.host;
    if (host.scan === undefined) throw new Refusal("no Wi-Fi on this board");
    const finish = shell.later();
    host.scan((networks) =>
      finish(() => {
        if ("failed" in networks) throw new Refusal(networks.failed);
        if (networks.length === 0) shell.print("no network heard");
        strongest(networks).forEach(({ ssid, rssi, secured }) =>
          shell.print(`${`${rssi}`.padStart(4)} dBm  ${secured ? "      " : "open  "}${ssid}`),
        );
      }),
    );
  },
});

/** sample, sensors, scan. */
export const lookCommands: readonly Command[] = Object.freeze([sample, sensors, scan]);

/** Keeps the command open until the answer is there, then shows it. */
function answerTo(shell: Shell): (answer: Answer) => void {
  const finish = shell.later();
  return (answer) =>
    finish(() => {
      if ("failed" in answer) throw new Refusal(answer.failed);
      answer.lines.forEach((line) => shell.print(line));
    });
}
