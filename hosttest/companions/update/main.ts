/* Sends a firmware image to devices over their broker: one, or all of a house, one first and the rest when it has confirmed. */
import { randomBytes } from "node:crypto";
import { type Offer, rankOf } from "../../../src/update/offer.js";
import {
  commandLine,
  flag,
  misused,
  orMisused,
  positive,
  preset,
  text,
} from "../../support/command-line/command-line.js";
import { Progress } from "../../support/command-line/progress.js";
import { BROKER_OPTIONS, connectOptions, placeOf } from "../broker-option.js";
import { barOf, Rate } from "./bar.js";
import { makeKey, readImage, readKey, signedOffer } from "./image-file.js";
import { type Device, UpdateLink } from "./link.js";

const LOOK_MS = 100;

const { values: options } = commandLine(
  {
    program: "npm run update --",
    does: "Replaces the firmware of a device over its broker. What is not confirmed within ten minutes goes back by itself.",
    notes: [
      "It goes on where it was, after whatever has interrupted it: start it again.",
      "Exit: 0 confirmed (or, with --dry-run, would be sent); 1 not; 2 usage.",
    ],
  },
  {
    ...BROKER_OPTIONS,
    device: text("ID", "which device: its client id"),
    all: flag("all devices that the image is for: one first, the rest when that has confirmed"),
    image: text("FILE", "the firmware: xs_esp32.bin of the build, or a desktop's image"),
    version: text("X.Y.Z", "of an ESP32's image: its version"),
    board: text("NAME", "of an ESP32's image: the board that it is for, as `status` names it"),
    key: preset("update-key.pem", text("FILE", "the private key")),
    force: flag("also where the version is no newer"),
    wait: preset("5", positive("SECONDS", "for what devices have said of themselves", 3_600, "seconds")),
    "wait-for-install": flag("show it as available in Home Assistant, and send it where somebody presses Install"),
    "dry-run": flag("say what would be sent to whom, and send nothing"),
    keygen: flag("make a key pair: --key, and beside it the public key for the build"),
  },
);
const progress = new Progress();
if (options.keygen) keygen();
const { broker, device: wanted } = options;
if (broker === undefined)
  misused("--broker: expected; as in npm run update -- --broker mqtt://127.0.0.1 --device ID --image FILE");
if (options["dry-run"] && options["wait-for-install"])
  misused("--dry-run and --wait-for-install: expected one of them");
if ((wanted === undefined) !== options.all) misused("--device ID or --all: expected one of them");
const { image: path } = options;
if (path === undefined) misused("--image FILE: expected");
const image = orMisused(() => readImage(path, options.version, options.board));
const key = orMisused(() => readKey(options.key));
const place = placeOf(broker);
let trouble = "";
const link = new UpdateLink(
  orMisused(() => connectOptions(broker, options.ca)),
  wanted,
  (text) => {
    if (text !== "" && text !== trouble) progress.line(`${place}: ${text}`);
    trouble = text;
  },
);
/** To whom something is announced at the moment, by topic. */
const announced = new Map<string, Device>();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => void end(1));
await end((await updateAll()) ? 0 : 1);

async function updateAll(): Promise<boolean> {
  const devices = await find();
  if (devices.length === 0) {
    const who = wanted === undefined ? "no device" : `${wanted}: nothing`;
    progress.line(
      `${who} was heard within ${options.wait} s at ${place}: is it there, and can it be updated (status, row update)?`,
    );
    return false;
  }
  const due = devices.filter((device) => !isSkipped(device));
  if (options["wait-for-install"]) return updateWanted(due);
  let isGood = wanted === undefined || due.length > 0;
  for (const device of due) {
    if (options["dry-run"])
      progress.line(
        `${device.id}: ${device.state.version} to ${image.version}, ${image.bytes.length} bytes: would be sent`,
      );
    else if (!(await updateOne(device))) {
      isGood = false;
      if (device === due[0] && due.length > 1) {
        progress.line(`the other ${due.length - 1} are left as they are`);
        break;
      }
    }
  }
  return isGood;
}

/** One after the other, as Install is pressed in Home Assistant. One that fails is not shown there again. */
async function updateWanted(due: readonly Device[]): Promise<boolean> {
  let isGood = due.length > 0;
  for (const device of due) {
    announced.set(device.topic, device);
    link.show(device, offerOf());
  }
  while (announced.size > 0) {
    progress.show(() => trouble || `${image.version} waits at ${announced.size} for Install in Home Assistant`);
    const device = link.takeWanted();
    if (device === undefined) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    else if (!(await updateOne(device))) isGood = false;
  }
  return isGood;
}

/** What has said something of itself by now; of one device, as soon as it has. */
async function find(): Promise<Device[]> {
  const endMs = performance.now() + options.wait * 1_000;
  while (performance.now() < endMs && !(wanted !== undefined && link.devices.has(wanted))) {
    progress.show(() => `looks for ${wanted ?? "devices"} ...`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return [...link.devices.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Of a house: what has the version, or takes none. The device itself has the last word, and is asked where it was named. */
function isSkipped({ id, state }: Device): boolean {
  if (wanted !== undefined) return false;
  const isCurrent = rankOf(state.version) >= rankOf(image.version) && !options.force;
  if (isCurrent) progress.line(`${id}: has ${state.version}`);
  else if (state.state === "off") progress.line(`${id}: its build has no public key: it takes no updates`);
  return isCurrent || state.state === "off";
}

async function updateOne(device: Device): Promise<boolean> {
  const rate = new Rate();
  announced.set(device.topic, device);
  const outcome = await link.update(device, offerOf(), image.bytes, (state) => {
    if (state?.at !== undefined) rate.at(state.at, performance.now());
    progress.show(() => `${device.id}: ${trouble || barOf(state, image.bytes.length, rate)}`);
  });
  await link.takeBack(device);
  announced.delete(device.topic);
  const { state } = link.devices.get(device.id) ?? device;
  const reason = state.reason === undefined ? "" : `: ${state.reason}`;
  progress.line(
    `${device.id}: ${{ confirmed: `runs ${image.version}`, refused: "refused", failed: "failed", rolledBack: "went back" }[outcome]}${reason}`,
  );
  return outcome === "confirmed";
}

function offerOf(): Offer {
  return signedOffer(image, key, randomBytes(4).toString("hex"), options.force);
}

function keygen(): never {
  const { publicPath, hex } = orMisused(() => makeKey(options.key));
  progress.line(`${options.key}: the private key: who has it can replace the firmware. Keep it, and keep it secret`);
  progress.line(`${publicPath}: for the build: mcconfig ... updatekey=${hex}`);
  process.exit(0);
}

async function end(code: number): Promise<never> {
  for (const device of announced.values()) await link.takeBack(device).catch(() => {});
  progress.end();
  await link.close().catch(() => {});
  process.exit(code);
}
