/*
 * All rooms of a house in the terminal, from the messages of its devices. It only subscribes, and leaves no session at the broker.
 */
import mqtt from "mqtt";
import { channels, TEMPERATURE } from "../../../src/channels/channels.js";
import { messageOf } from "../../../src/common/message-of.js";
import { counted } from "../../../src/thermometer/agreement.js";
import {
  commandLine,
  flag,
  misused,
  orMisused,
  positive,
  preset,
  text,
} from "../../support/command-line/command-line.js";
import { Progress, printVerdict } from "../../support/command-line/progress.js";
import { shownLines } from "../../support/command-line/shown.js";
import { BROKER_OPTIONS, connectOptions, fallsBack, placeOf } from "../broker-option.js";
import { messageFrom } from "../message.js";
import { House, type Taken } from "./house.js";
import { ageText, figuresOf, screenLines, valuesText } from "./screen.js";
import { TerminalScreen } from "./terminal-screen.js";

const STATUS_FILTER = "home/+/+/status";
const DRAW_MS = 1_000; // ages are shown in seconds
const REFUSED = 0x80;

const { values: options } = commandLine(
  {
    program: "npm run monitor --",
    does: "All rooms: last value and its age, trend, missing numbers, late samples, devices. Ctrl-C or q ends it.",
    notes: [
      'missing: numbers (seq) that did not arrive; "+3?": three more were sent while the monitor had no connection. With topics = each, the numbers',
      "count all topics of a device: use --filter 'home/+/+'. If the output is not a terminal: a line for each sample.",
      "Exit: 0; 1 with --once if nothing was received; 2 usage.",
    ],
  },
  {
    ...BROKER_OPTIONS,
    filter: preset("home/+/temperature", text("TOPICS", "which samples")),
    late: preset(
      "60",
      positive("SECONDS", "a sample is late if it arrives so long after its measurement", 1e9, "seconds"),
    ),
    once: flag("listen for --wait seconds, print the table once, and end"),
    wait: preset("70", positive("SECONDS", "with --once: for how long", 86_400, "seconds")),
    json: flag("with --once: figures, as one line of JSON"),
  },
);
if (options.broker === undefined) misused("--broker: expected; as in npm run monitor -- --broker mqtt://127.0.0.1");
if (options.json && !options.once) misused("--json: expected with --once");
const { broker, filter, once } = options;
const settings = orMisused(() => connectOptions(broker, options.ca));

const house = new House(options.late * 1000, channelOf(filter));
const progress = new Progress();
const screen = !once && process.stdout.isTTY ? new TerminalScreen(process.stdout, process.stdin, end) : undefined;
let state = `connecting to ${placeOf(broker)}`;
let hasConnected = false;

const client = mqtt.connect({ ...settings, clean: true });
client.on("connect", () => {
  hasConnected = true;
  report(`${placeOf(broker)}, ${filter}`);
  client.subscribe({ [filter]: { qos: 1 }, [STATUS_FILTER]: { qos: 1 } }, (error, granted) => {
    if (error) report(`the broker refuses the subscription: ${messageOf(error)}`);
    for (const { topic, qos } of granted ?? []) if (qos >= REFUSED) report(`the broker refuses ${topic}`);
  });
});
client.on("close", () => {
  if (client.disconnecting) return;
  if (client.connected || hasConnected) house.interrupt();
  if (!state.startsWith("no connection")) report(`no connection to ${placeOf(broker)}: trying again`);
});
client.on("error", (error) => {
  if (!fallsBack(client, error)) report(`no connection to ${placeOf(broker)} (${problemOf(error)}): trying again`);
});
client.on("message", (topic, payload) => {
  const message = messageFrom(topic, payload);
  if (message === undefined) return;
  const taken = house.take(message, Date.now());
  if (taken !== undefined && screen === undefined && !once) console.log(shownLines(lineOf(taken)));
  draw();
});
const drawing = setInterval(draw, DRAW_MS);
if (once) setTimeout(end, options.wait * 1000);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, end);
draw();

function draw(): void {
  const now = Date.now();
  screen?.show((shape) => screenLines(house, state, now, shape));
  if (once) progress.show(() => `${state}; ${counted(house.all.length, "room")}`);
}

function report(news: string): void {
  if (news === state) return;
  state = news;
  if (screen === undefined) progress.line(news);
  draw();
}

function end(): void {
  clearInterval(drawing);
  screen?.close();
  client.end(true, () => process.exit(once ? printOnce() : 0));
}

/** @returns the exit code */
function printOnce(): number {
  const now = Date.now();
  const rooms = house.all.length;
  progress.end();
  if (options.json) console.log(JSON.stringify(figuresOf(house, now)));
  else {
    const shape = { columns: process.stdout.columns || 160, rows: Number.POSITIVE_INFINITY, hasColours: false };
    console.log(screenLines(house, state, now, shape).join("\n"));
  }
  printVerdict(rooms > 0 ? counted(rooms, "room") : `nothing received in ${options.wait} s: ${state}`, options.json);
  return rooms > 0 ? 0 : 1;
}

function lineOf({ room, sample, atMs, isLate, arrival }: Taken): string {
  const { values, seq } = sample;
  const { missing } = room.sequence;
  const remark = arrival === undefined || arrival === "next" ? "" : arrival;
  const number = seq === undefined ? "" : `seq ${seq}`;
  const parts = [valuesText(values), `age ${ageText(Date.now() - atMs)}`, number, isLate ? "late" : "", remark];
  return [room.name, ...parts, missing > 0 ? `${missing} missing` : ""].filter((part) => part !== "").join("  ");
}

/** The channel of a filter that names one. */
function channelOf(topics: string): string {
  const last = topics.split("/").at(-1);
  return channels.find(({ name }) => name === last)?.name ?? channels[TEMPERATURE].name;
}

/** Node combines the errors of a host's addresses into one error without a message. */
function problemOf(error: Error & { readonly code?: unknown }): string {
  return error.message || String(error.code ?? error.name);
}
