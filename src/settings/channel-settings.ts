/*
 * The settings that exist for each channel, made from the channel table: `offset` for temperature, `offset.humidity` for
 * humidity, and so on.
 */
import { type Channel, type ChannelName, channels, TEMPERATURE } from "../channels/channels.js";
import type { SettingRow } from "./setting.js";

/** The keys of such a setting: one per channel. */
export type ChannelKey<N extends string> = N | `${N}.${Exclude<ChannelName, "temperature">}`;

type Offset = ChannelKey<"offset">;
type Resolution = ChannelKey<"resolution">;
type Deadband = ChannelKey<"deadband">;
type Change = ChannelKey<"report.change">;

/** Digits after the decimal point. */
type ResolutionValue = "auto" | 0 | 1 | 2 | 3;

/** Values in force, in the channel's unit. */
export interface ChannelValues
  extends Record<Offset, number>,
    Record<Resolution, ResolutionValue>,
    Record<Deadband, number>,
    Record<Change, number> {}

/** The key of a channel's setting. `channel`: its index in the table. */
export function channelKey<N extends string>(name: N, channel: number): ChannelKey<N> {
  return (channel === TEMPERATURE ? name : `${name}.${channels[channel].name}`) as ChannelKey<N>;
}

/** The rows of the schema, one per channel. */
export function offsetSettings(): SettingRow<Offset, number>[] {
  return channels.map(({ name, unit, maxOffset }, channel) => ({
    key: channelKey("offset", channel),
    type: { kind: "number", unit, min: -maxOffset, max: maxOffset, decimals: 4 },
    default: 0,
    help: `Calibration: added to every ${name}`,
    inForce: "saved",
  }));
}

/** The rows `resolution` and `resolution.CHANNEL`. */
export function resolutionSettings(): SettingRow<Resolution, ResolutionValue>[] {
  return channels.map(({ name }, channel) => ({
    key: channelKey("resolution", channel),
    type: { kind: "choice", values: ["auto", 0, 1, 2, 3] },
    default: "auto",
    help: `${capitalized(name)}: digits after the decimal point; auto: as the sensor has them`,
    inForce: "saved",
  }));
}

const DEADBAND_HELP = "A smaller change is not sent; 0: ignored; all 0: every sample is sent";

/** The rows `deadband` and `deadband.CHANNEL`, in the channel's unit. */
export function deadbandSettings(): SettingRow<Deadband, number>[] {
  return channels.map((row, channel) => ({
    key: channelKey("deadband", channel),
    type: { kind: "number", unit: row.unit, min: 0, max: row.maxDeadband, decimals: 4 },
    default: 0,
    help: channel === TEMPERATURE ? DEADBAND_HELP : otherDeadbandHelp(row),
    inForce: "saved",
  }));
}

/** For a device that sleeps: changes that are not kept until the next report. */
export function changeSettings(): SettingRow<Change, number>[] {
  return channels.map(({ name, unit, maxDeadband }, channel) => ({
    key: channelKey("report.change", channel),
    type: { kind: "number", unit, min: 0, max: maxDeadband, decimals: 3 },
    default: 0,
    help: `With sleep: sends at once when ${channel === TEMPERATURE ? "the temperature" : name} has changed by this; 0: off`,
    inForce: "saved",
  }));
}

function otherDeadbandHelp({ name }: Channel): string {
  return `As deadband, for ${name}: one channel outside its deadband is enough`;
}

function capitalized(name: string): string {
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}
