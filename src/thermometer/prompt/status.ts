/*
 * The device's state as text, a label and a value per row, for the prompt's `status`. It runs only on request, so strings may
 * be made here.
 */

import type { ResetCause } from "../../board.js";
import { type Sample, sampleText } from "../../channels/sample.js";
import { troubleText } from "../../network/trouble.js";
import { batteryVolts } from "../../power/battery.js";
import type { SensorStatus } from "../../sensor/sampler.js";
import { VERSION } from "../../version.js";
import { agreementText, counted } from "../agreement.js";
import { brokerPort } from "../broker/address.js";
import { refusalText } from "../broker/refusal.js";
import { NoSettings } from "../no-settings.js";
import type { Product } from "./product.js";

type Row = readonly [label: string, value: string];

/** The rows of `status`: label and value. */
export function statusRows(thermometer: Product): readonly Row[] {
  return [
    [
      "device",
      `${thermometer.id}, home-thermometer ${thermometer.board.version ?? VERSION} on ${thermometer.board.name}`,
    ],
    ...health(thermometer),
    ["sensor", sensor(thermometer)],
    ...wifi(thermometer),
    ["broker", broker(thermometer)],
    ...encryption(thermometer),
    ...agreement(thermometer),
    ...presence(thermometer),
    ...update(thermometer),
    ["outbox", outbox(thermometer)],
    ...losses(thermometer),
    ["flash", flash(thermometer)],
    ["time", time(thermometer)],
    ["uptime", uptime(thermometer)],
    ...battery(thermometer),
    ...heap(thermometer),
  ];
}

function health({ health, store }: Product): readonly Row[] {
  if (store instanceof NoSettings) return [["trouble", `${store.reason}; defaults apply, nothing can be saved`]];
  if (health.safeMode !== undefined) return [["trouble", health.safeMode]];
  return health.lastWords === "" ? [] : [["trouble", `an earlier run ended by ${health.lastWords}`]];
}

function sensor({ sampling, health }: Product): string {
  if (sampling === undefined) return health.safeMode === undefined ? "off: see the log" : "off: safe mode";
  const { sensors, sample, ageMs, failures, lastError } = sampling.status;
  if (lastError !== undefined) return `failing (${counted(failures, "time")}): ${lastError.message}`;
  if (sample === undefined || ageMs === undefined) return "no reading yet";
  const failed = failures > 0 ? `, ${counted(failures, "failure")}` : "";
  const away = sensors.map(({ lastError: error }) => (error === undefined ? "" : `; ${error.message}`)).join("");
  return `${sensors.map((one) => shareText(one, sample)).join("")}${span(ageMs)} ago${failed}${away}`;
}

/** A sensor's part of a sample: "TMP117: 21.44 °C, "; empty if it has none. */
function shareText({ opened, gives }: SensorStatus, { mask, values, decimals }: Sample): string {
  const share = mask & gives;
  if (opened === undefined || share === 0) return "";
  return `${opened.driver.name}: ${sampleText({ mask: share, values, decimals })}, `;
}

function wifi({ link }: Product): readonly Row[] {
  if (link === undefined) return [];
  const { state, ssid, rssi, address, trouble } = link.status();
  if (state === "unconfigured") return [["wifi", "not configured: set wifi.ssid, save"]];
  if (state === "up")
    return [["wifi", `"${ssid}", ${address ?? "no address"}${rssi === undefined ? "" : `, ${rssi} dBm`}`]];
  return [["wifi", `${state} "${ssid}"${trouble === undefined ? "" : `: ${troubleText(trouble, ssid)}`}`]];
}

function broker(thermometer: Product): string {
  const { uplink, safeUplink, uplinkTrouble, settings, health } = thermometer;
  if (safeUplink !== undefined) return `safe mode, for updates only: ${safeUplink.status.state}`;
  if (health.safeMode !== undefined) return "off: safe mode";
  if (settings.get("mqtt.host") === "") return "not configured: set mqtt.host, save, reboot";
  const name = `${settings.get("mqtt.host")}:${brokerPort(settings)}`;
  if (uplink === undefined) return `${name}: off: ${uplinkTrouble}`;
  const { state, connectedMs, retryMs, lastError, inFlight, delivered, refusal } = uplink.status;
  const refused = refusal === undefined ? "" : `; ${refusalText(refusal)}`;
  const guess = uplink.guess === undefined ? "" : `; ${uplink.guess}`;
  const last = `${refused}${lastError === undefined ? "" : `; last failure: ${lastError.message}${guess}`}`;
  switch (state) {
    case "connected":
      return `${name}: connected for ${span(connectedMs ?? 0)}, ${delivered} delivered, ${inFlight}${window(thermometer)} in flight${last}`;
    case "waiting":
      return `${name}: ${retryMs === undefined ? "waits for the link" : `tries again in ${span(retryMs)}`}${last}`;
    case "connecting":
      return `${name}: connecting${last}`;
    case "stopped":
      return `${name}: ${uplink.waitsFor ?? "not started yet"}${last}`;
    default:
      throw new TypeError(`state: ${JSON.stringify(state satisfies never)}`);
  }
}

/** The MQTT version, and the broker's limits. */
function agreement({ uplink, settings }: Product): readonly Row[] {
  const status = uplink?.status;
  return status?.state === "connected" ? [["mqtt", agreementText(status, settings)]] : [];
}

/** How many may be in flight at QoS 2, where it matters: a broker may silently drop messages above its own limit. */
function window({ uplink, settings }: Product): string {
  return settings.get("mqtt.qos") === 2 && uplink !== undefined ? ` of at most ${uplink.status.maxQoS2} (QoS 2)` : "";
}

/** Only while connected. */
function encryption({ uplink }: Product): readonly Row[] {
  const text = uplink?.encryption?.text;
  return text === undefined ? [] : [["encryption", text]];
}

/** Only messages that the broker refuses. */
function presence({ uplink }: Product): readonly Row[] {
  const trouble = uplink?.presence.trouble;
  return trouble === undefined
    ? []
    : [["discovery", `the broker ${trouble.text}; tried again in ${span(trouble.retryMs)}`]];
}

/** Only an update that is under way, has failed, or is impossible. */
function update({ updating }: Product): readonly Row[] {
  const text = updating?.text;
  return text === undefined ? [] : [["update", text]];
}

function outbox({ outbox, flashTrouble }: Product): string {
  if (outbox === undefined) return flashTrouble ?? "not opened";
  const { entries, oldestSequence, nextSequence } = outbox.statistics();
  const oldest = entries > 0 && oldestSequence !== undefined ? `, the oldest is ${oldestSequence}` : "";
  return `${entries} waiting${oldest}, next number ${nextSequence}`;
}

/** Only counts above zero. */
function losses({ outbox, lifetime, dropped, uplink }: Product): readonly Row[] {
  const statistics = outbox?.statistics();
  const counts: (readonly [string, number])[] = [
    ["dropped, flash full", statistics?.dropped ?? 0],
    ["refused, flash full", statistics?.refused ?? 0],
    ["damaged in flash", statistics?.damaged ?? 0],
    ["dropped, not stored", dropped],
    ["dead-lettered", lifetime?.deadLetters ?? 0],
    ["possible doubles", lifetime?.possibleDoubles ?? 0],
    ["perhaps lost at the broker", uplink?.status.unconfirmed ?? 0],
  ];
  const happened = counts.filter(([, count]) => count > 0).map(([label, count]) => `${count} ${label}`);
  return happened.length === 0 ? [] : [["losses", happened.join(", ")]];
}

const AT_ONCE = "readings are sent at once, or lost while there is no connection";

function flash({ outbox, health, intake, flashRetry }: Product): string {
  if (outbox === undefined)
    return health.safeMode === undefined ? `cannot be used: ${AT_ONCE}` : "not touched: safe mode";
  if (flashRetry?.isFailing) return "cannot be read: the readings stored there wait until it can";
  if (intake?.isFlashFailing) return `fails: ${AT_ONCE}`;
  const { blocks, lifeLeft } = outbox.statistics();
  return `${counted(blocks, "block")}, ${(lifeLeft * 100).toFixed(lifeLeft > 0.999 ? 0 : 1)} % of its life left`;
}

function time({ board, time }: Product): string {
  const utcMs = board.clock.utcMs();
  const source = time?.status();
  const problems = [source?.overdue, source?.problem].filter((problem) => problem !== undefined);
  const trouble = problems.length === 0 ? "" : ` (${problems.join("; ")})`;
  return utcMs === undefined ? `not known yet${trouble}` : `${new Date(utcMs).toISOString().slice(0, 19)}Z${trouble}`;
}

function uptime({ board, lifetime }: Product): string {
  const boots = lifetime === undefined ? "" : `, boot ${lifetime.boots}`;
  return `${span(board.clock.uptimeMs())}${boots}${cause(board.resetCause)}`;
}

function cause(resetCause: ResetCause = "unknown"): string {
  switch (resetCause) {
    case "power":
      return ", switched on";
    case "brownout":
      return ", after a brown-out";
    case "restart":
      return ", restarted";
    case "crash":
      return ", after a crash";
    case "watchdog":
      return ", restarted by the watchdog";
    case "sleep":
      return ", woke up";
    case "unknown":
      return "";
    default:
      throw new TypeError(`resetCause: ${resetCause satisfies never}`);
  }
}

function battery({ board: { battery } }: Product): readonly Row[] {
  if (battery === undefined) return [];
  const volts = batteryVolts(battery);
  return [
    ["battery", volts === null ? `not measured: the input at pin ${battery.pin} fails` : `${volts.toFixed(2)} V`],
  ];
}

function heap({ board }: Product): readonly Row[] {
  const used = board.heap?.().usedBytes;
  return used === undefined ? [] : [["heap", `${Math.ceil(used / 1024)} KB in use`]];
}

/** A duration in its two largest units. */
function span(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
