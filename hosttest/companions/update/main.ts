/* Sends a firmware image over the broker to one device or to all: then first to one, and to the rest when it has confirmed. */
import { randomBytes } from "node:crypto";
import { counted } from "../../../src/thermometer/agreement.js";
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
    does: "Replaces the firmware of a device over its broker. An image that is not confirmed within ten minutes is rolled back.",
    notes: [
      "After an interruption, start it again: it continues where it stopped.",
      "Exit: 0 confirmed (or, with --dry-run, would be sent); 1 not; 2 usage.",
    ],
  },
  {
    ...BROKER_OPTIONS,
    device: text("ID", "client id of the device"),
    room: text("NAME", "the device's room, with --device: RabbitMQ finds the device only with it"),
    all: flag("all devices that the image is for: first one, the rest when that one has confirmed"),
    image: text("FILE", "the firmware: xs_esp32.bin of the build, or a desktop's image"),
    version: text("X.Y.Z", "of an ESP32's image: its version"),
    board: text("NAME", "of an ESP32's image: its board, as shown by `status`"),
    key: preset("update-key.pem", text("FILE", "the private key")),
    force: flag("even if the version is not newer"),
    wait: preset("5", positive("SECONDS", "for the retained states of the devices", 3_600, "seconds")),
    "wait-for-install": flag("offer it in Home Assistant, and send it when someone presses Install"),
    "dry-run": flag("print the updates that would be sent, and send nothing"),
    keygen: flag("create a key pair: --key, and beside it the public key for the build"),
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
if (wanted === undefined && options.room !== undefined) misused("--room NAME: expected with --device ID");
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
  options.room,
);
/** Devices to which an image is announced at the moment, by topic. */
const announced = new Map<string, Device>();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => void end(1));
await end((await updateAll()) ? 0 : 1);

async function updateAll(): Promise<boolean> {
  const devices = await find();
  if (devices.length === 0) {
    const who = wanted === undefined ? "no device" : `${wanted}: no state`;
    const room = options.room === undefined ? " With RabbitMQ, give --device and --room." : "";
    progress.line(
      `${who} was found within ${options.wait} s at ${place}: is it connected, and can it be updated (status, row update)?${room}`,
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
        progress.line(`the other devices (${due.length - 1}) are not updated`);
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
    progress.show(
      () =>
        trouble ||
        `${image.version}: ${counted(announced.size, "device")} ${announced.size === 1 ? "waits" : "wait"} for Install in Home Assistant`,
    );
    const device = link.takeWanted();
    if (device === undefined) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    else if (!(await updateOne(device))) isGood = false;
  }
  return isGood;
}

/** The devices found within the waiting time; a single wanted device, as soon as it is found. */
async function find(): Promise<Device[]> {
  const endMs = performance.now() + options.wait * 1_000;
  while (performance.now() < endMs && !(wanted !== undefined && link.devices.has(wanted))) {
    progress.show(() => `looking for ${wanted ?? "devices"} ...`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return [...link.devices.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** With --all: devices that have the version, or accept no updates. A device given by name decides itself. */
function isSkipped({ id, state }: Device): boolean {
  if (wanted !== undefined) return false;
  const isCurrent = rankOf(state.version) >= rankOf(image.version) && !options.force;
  if (isCurrent) progress.line(`${id}: has ${state.version}`);
  else if (state.state === "off") progress.line(`${id}: its build has no public key: it accepts no updates`);
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
    `${device.id}: ${{ confirmed: `runs ${image.version}`, refused: "refused", failed: "failed", rolledBack: "rolled back" }[outcome]}${reason}`,
  );
  return outcome === "confirmed";
}

function offerOf(): Offer {
  return signedOffer(image, key, randomBytes(4).toString("hex"), options.force);
}

function keygen(): never {
  const { publicPath, hex } = orMisused(() => makeKey(options.key));
  progress.line(
    `${options.key}: the private key. Anyone who has it can replace the firmware: keep it secret, and do not lose it`,
  );
  progress.line(`${publicPath}: the public key, for the build: mcconfig ... updatekey=${hex}`);
  process.exit(0);
}

async function end(code: number): Promise<never> {
  for (const device of announced.values()) await link.takeBack(device).catch(() => {});
  progress.end();
  await link.close().catch(() => {});
  process.exit(code);
}
