/* queue: counts, shows or drops the readings that wait in flash. */
import type { QueuePort } from "../host/host.js";
import { type Command, Refusal, requireCount, requireName, type Shell } from "./command.js";

const ACTIONS = Object.freeze(["count", "peek", "drop"]);
const PEEK_DEFAULT = 5;
const MAX_PEEK = 50;
const CONFIRMATION = "drop"; // typed out
const A_LINE = 5_000; // number of readings dropped after which the progress is printed

/** queue: counts, shows or drops waiting readings. */
export const queue = Object.freeze<Command>({
  name: "queue",
  usage: "[count|peek [n]|drop]",
  help: "Shows the readings that wait to be sent",
  complete: (_shell, args) => (args.length === 1 ? ACTIONS : []),
  run(shell, args) {
    const waiting = shell.host.queue;
    if (waiting === undefined) throw new Refusal("no outbox: see status");
    const action = requireName(shell, "action", args[0] ?? "count", ACTIONS);
    requireCount(queue, args, 0, action === "peek" ? 2 : 1);
    if (action === "peek") peek(shell, waiting, args[1] ?? `${PEEK_DEFAULT}`);
    else if (action === "drop") drop(shell, waiting);
    else shell.print(wait(waiting.count()));
  },
});

function peek(shell: Shell, waiting: QueuePort, text: string): void {
  const limit = Number(text);
  if (!(limit >= 1 && limit <= MAX_PEEK)) throw new Refusal(`queue peek "${text}": expected 1 to ${MAX_PEEK}`);
  const next = waiting.peek();
  let shown = 0;
  let isOver = false;
  shell.list(() => {
    if (isOver) return undefined;
    const line = shown < Math.floor(limit) ? next() : undefined;
    if (line !== undefined) {
      shown += 1;
      return line;
    }
    isOver = true;
    return rest(shown, waiting.count());
  });
}

/** The line after the entries shown; undefined: none. Of `count`, which wait now, some may have been added meanwhile. */
function rest(shown: number, count: number): string | undefined {
  if (count > shown) return `and ${count - shown} more`;
  return shown === 0 ? wait(0) : undefined;
}

function drop(shell: Shell, waiting: QueuePort): void {
  const count = waiting.count();
  const end = waiting.end();
  if (count === 0) {
    shell.print(wait(0));
    return;
  }
  shell.print(`${wait(count)}; ${count === 1 ? "it" : "they"} would never be delivered`);
  shell.ask({
    prompt: `type ${CONFIRMATION} to drop ${count === 1 ? "it" : "them"}: `,
    echo: "shown",
    answer(text) {
      if (text?.trim() === CONFIRMATION) dropAll(shell, waiting, count, end);
      else shell.print("nothing dropped");
    },
  });
}

/** `count` waited when the question was asked. Later ones, from the number `end` on, stay. */
function dropAll(shell: Shell, waiting: QueuePort, count: number, end: number): void {
  let finish = shell.later();
  let before = 0;
  waiting.drop(end, (dropped, isOver) => {
    let isHeard = false;
    finish(() => {
      isHeard = true;
      if (isOver) {
        const settled = dropped < count ? `; ${readings(count - dropped)} settled before` : "";
        shell.print(`${readings(dropped)} dropped${settled}`);
        return;
      }
      if (Math.floor(dropped / A_LINE) > Math.floor(before / A_LINE)) shell.print(`${dropped} of ${count} dropped`);
      before = dropped;
      finish = shell.later();
    });
    return isHeard; // otherwise Ctrl-C was pressed
  });
}

function wait(count: number): string {
  return count === 0 ? "no reading waits" : `${readings(count)} ${count === 1 ? "waits" : "wait"}`;
}

function readings(count: number): string {
  return `${count} ${count === 1 ? "reading" : "readings"}`;
}
