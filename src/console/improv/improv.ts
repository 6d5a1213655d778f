/*
 * Improv Wi-Fi over serial: a browser asks for the state, the device and the networks, and sends the credentials. Commands
 * arrive as frames and go to the product; answers are sent as frames. One attempt to join at a time: a newer one replaces the
 * older one. Nothing is stored here; passwords pass through and are never logged.
 * Source: https://www.improv-wifi.com/serial/, packet and RPC sections.
 */
import type { ConsoleHost, ImprovPort } from "../host/host.js";
import { strongest } from "../host/networks.js";
import type { TimerId, Timers } from "../port/serial.js";
import { decodeText, encodeText } from "../port/utf8.js";
import { FRAME_TYPE, frameOf, MAX_DATA } from "./frames.js";

/** A little less than the time that clients wait for an answer. */
const JOIN_MS = 28_000;

/**
 * Published clients look for a line feed before they recognize a frame, and so lose a frame whose length is 10
 * (improv-wifi-serial-sdk, _processInput). No frame of ours has that length.
 */
const LINE_FEED = 10;

const STATE = Object.freeze({ ready: 2, provisioning: 3, provisioned: 4 } as const);
const ERROR = Object.freeze({
  none: 0,
  badFrame: 1,
  unknownCommand: 2,
  unableToConnect: 3,
  badHostname: 5,
  unknown: 0xff,
} as const);
const COMMAND = Object.freeze({
  join: 1,
  state: 2,
  device: 3,
  scan: 4,
  hostname: 5,
  deviceName: 6,
  network: 7,
} as const);
const NETWORK = Object.freeze({ online: 1, wifi: 2 } as const); // flags of the network state
const STRINGS_AT = 2; // in the data of commands and results: command, length, strings

/** What the protocol needs of its owner. */
export interface ImprovOwner {
  readonly host: Pick<ConsoleHost, "improv" | "scan">;
  readonly timers: Timers;
  /** Sends a complete frame, which does not change any more. */
  sendFrame(frame: Uint8Array): void;
}

/** Answers the RPC commands of Improv Wi-Fi. An attempt to join that takes too long ends with Improv's error 3. */
export class Improv {
  private readonly owner: ImprovOwner;
  private readonly port: ImprovPort;
  private joining: { readonly timer: TimerId } | undefined;
  private lastError = 0;

  constructor(owner: ImprovOwner, port: ImprovPort) {
    this.owner = owner;
    this.port = port;
  }

  /** A frame was received. Others than commands are ignored: they may be our own, echoed. */
  receive(type: number, data: Uint8Array, length: number): void {
    if (type !== FRAME_TYPE.command) return;
    // While showing that a join failed, published clients scan again: the error must stay.
    const isUnderMessage = data[0] === COMMAND.scan && this.lastError === ERROR.unableToConnect;
    if (this.lastError !== ERROR.none && !isUnderMessage) this.error(ERROR.none);
    this.run(data[0], data, length);
  }

  /** A damaged frame was received. */
  receiveDamage(): void {
    this.error(ERROR.badFrame);
  }

  /** Drops an attempt to join. */
  close(): void {
    if (this.joining !== undefined) this.owner.timers.clear(this.joining.timer);
    this.joining = undefined;
  }

  private run(command: number, data: Uint8Array, length: number): void {
    switch (command) {
      case COMMAND.join:
        this.join(data, length);
        break;
      case COMMAND.state:
        this.sendState();
        if (this.state() === STATE.provisioned) this.result(command, this.urls());
        break;
      case COMMAND.device: {
        const { firmware, version, hardware } = this.port;
        this.result(command, [firmware, version, hardware, this.port.deviceName()]);
        break;
      }
      case COMMAND.scan:
        this.scan();
        break;
      case COMMAND.hostname:
        this.edit(command, data, length, ERROR.badHostname);
        break;
      case COMMAND.deviceName:
        this.edit(command, data, length, ERROR.unknown);
        break;
      case COMMAND.network:
        this.result(command, [String(this.network()), ...this.urls()]);
        break;
      default:
        this.error(ERROR.unknownCommand);
    }
  }

  private join(data: Uint8Array, length: number): void {
    const passwordAt = STRINGS_AT + 1 + data[STRINGS_AT];
    // Two strings, and nothing behind them; anything else is malformed.
    if (length < STRINGS_AT + 2 || passwordAt >= length || passwordAt + 1 + data[passwordAt] !== length) {
      this.error(ERROR.badFrame);
      return;
    }
    const ssid = decodeText(data, STRINGS_AT + 1, passwordAt);
    const password = decodeText(data, passwordAt + 1, length);
    this.close();
    const joining = { timer: this.owner.timers.set(() => ended(false), JOIN_MS) };
    const ended = (joined: boolean): void => {
      if (this.joining !== joining) return;
      this.close();
      if (joined) {
        this.sendState();
        this.result(COMMAND.join, this.urls());
      } else {
        this.error(ERROR.unableToConnect);
        this.sendState();
      }
    };
    this.joining = joining;
    this.sendState();
    try {
      this.port.join(ssid, password, ended);
    } catch {
      ended(false);
    }
  }

  private scan(): void {
    const host = this.owner.host;
    if (host.scan === undefined) {
      this.error(ERROR.unknownCommand);
      return;
    }
    host.scan((networks) => {
      if ("failed" in networks) {
        this.error(ERROR.unknown);
        return;
      }
      strongest(networks).forEach(({ ssid, rssi, secured }) =>
        this.result(COMMAND.scan, [ssid, String(rssi), secured ? "YES" : "NO"]),
      );
      this.result(COMMAND.scan, []); // the end of the list
    });
  }

  /** Reads the name, or changes it if there is data. */
  private edit(command: 5 | 6, data: Uint8Array, length: number, refused: number): void {
    const isHostname = command === COMMAND.hostname;
    try {
      if (length > STRINGS_AT) {
        const name = decodeText(data, STRINGS_AT, length);
        if (isHostname) this.port.setHostname(name);
        else this.port.setDeviceName(name);
      }
      this.result(command, [isHostname ? this.port.hostname() : this.port.deviceName()]);
    } catch {
      this.error(refused);
    }
  }

  /** State of the Wi-Fi: a board without it is never provisioned, even if it has another network. */
  private state(): number {
    if (this.joining !== undefined) return STATE.provisioning;
    return this.port.hasWiFi && this.port.isOnline() ? STATE.provisioned : STATE.ready;
  }

  private network(): number {
    return (this.port.isOnline() ? NETWORK.online : 0) | (this.port.hasWiFi ? NETWORK.wifi : 0);
  }

  private urls(): readonly string[] {
    const url = this.port.url?.();
    return url === undefined ? [] : [url];
  }

  private sendState(): void {
    this.owner.sendFrame(frameOf(FRAME_TYPE.state, Uint8Array.of(this.state()), 1));
  }

  private error(code: number): void {
    this.lastError = code;
    this.owner.sendFrame(frameOf(FRAME_TYPE.error, Uint8Array.of(code), 1));
  }

  /** Strings that do not fit are cut, because a result is one frame. */
  private result(command: number, strings: readonly string[]): void {
    const data = new Uint8Array(MAX_DATA);
    let at = STRINGS_AT;
    for (let i = 0; i < strings.length && at < MAX_DATA; i++) {
      const end = encodeText(data, at + 1, MAX_DATA, strings[i]);
      data[at] = end - at - 1;
      at = end;
    }
    if (at === LINE_FEED) data[at++] = 0; // an additional empty string: see LINE_FEED
    data[0] = command;
    data[1] = at - STRINGS_AT;
    this.owner.sendFrame(frameOf(FRAME_TYPE.result, data, at));
  }
}
