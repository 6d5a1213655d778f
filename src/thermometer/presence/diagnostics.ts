/*
 * Publishes diagnostics on `home/<room>/<id>/diagnostics`: JSON, retained, QoS 0. They are sent when a connection has lasted
 * for a while, then every quarter of an hour, and within a minute of an important change. The first are preceded by their
 * discovery messages, one at a time. A sleeper's report sends them once, after the first reading was acknowledged.
 */

import type { TimerId, Timers } from "../../board.js";
import { textHash } from "../../common/text-hash.js";
import { controlPayload, controlTopic } from "../../homeassistant/controls.js";
import { type DetailedDevice, detailMessage, detailMessages, hasDetails } from "../../homeassistant/details.js";
import { diagnosticsTopic } from "../../homeassistant/discovery.js";
import { updateEntityMessage } from "../../homeassistant/update-entity.js";
import type { ClientStatus } from "../../mqtt/client.js";
import { encodeUTF8 } from "../../mqtt/wire/utf8.js";
import { VERSION } from "../../version.js";
import { controls, extraOf, extrasOf, rangeOf, readNumbers } from "./controls.js";
import { type DiagnosticsOwner, diagnostics } from "./diagnostic-rows.js";

/** What diagnostics need of the client. */
export interface DiagnosticsClient {
  readonly status: ClientStatus;
  publish(topic: string, payload: Uint8Array, options: { readonly qos: 0 | 1; readonly retain: boolean }): boolean;
}

/** Interval at which values are compared with those last sent, in milliseconds. */
export const LOOK_MS = 60_000;
/** The message is sent at least after so many of these intervals. */
export const LOOKS = 15;
/** Time from one discovery message to the next, in milliseconds: each needs the whole buffer of the client. */
export const STEP_MS = 500;
/** Number of discovery messages for the rows. */
export const DETAIL_MESSAGES = detailMessages(diagnostics.length);
/** The same on a board that does not measure its cells, whose row is the last one. */
export const DETAILS_WITHOUT_CELLS = detailMessages(diagnostics.length - 1);
/** Messages for the rows, for the controls, and for the update entity. */
const MESSAGES = DETAIL_MESSAGES + controls.length + 1;
const RETAINED = Object.freeze<{ readonly qos: 0; readonly retain: true }>({ qos: 0, retain: true });
/** The acknowledgement shows that the broker has all messages before it, too. */
const PROVED = Object.freeze<{ readonly qos: 1; readonly retain: true }>({ qos: 1, retain: true });

/** Sends the diagnostics when they are due. */
export class Diagnostics {
  private readonly owner: DiagnosticsOwner;
  private readonly client: DiagnosticsClient;
  private timer: TimerId | undefined;
  /** Number of the next discovery message. */
  private next = 0;
  private looks = 0;
  private isProved = false;
  /** Time until the next discovery message, in milliseconds. */
  private stepMs = STEP_MS;
  /** Hash of the important values in the last message; the text itself would take more RAM. */
  private news = 0;

  constructor(owner: DiagnosticsOwner, client: DiagnosticsClient) {
    this.owner = owner;
    this.client = client;
  }

  /**
   * Sends discovery messages and diagnostics, and goes on sending when due. `prefix`: of discovery; empty: no discovery. `isProved`:
   * the first diagnostics, which follow the discovery messages, have to be acknowledged.
   */
  begin(prefix: string, isProved: boolean): void {
    this.rest();
    this.isProved = isProved;
    this.next = prefix === "" ? MESSAGES : 0;
    this.looks = LOOKS;
    this.stepMs = STEP_MS;
    this.step(prefix);
  }

  /** There is no connection, or the broker does not accept diagnostics. */
  rest(): void {
    if (this.timer !== undefined) this.timers.clear(this.timer);
    this.timer = undefined;
  }

  /** Sends the diagnostics now. `isProved`: they have to be acknowledged. Returns false if the socket did not accept them. */
  send(isProved: boolean): boolean {
    const { room, id } = this.names;
    const options = isProved ? PROVED : RETAINED;
    const isSent = this.client.publish(diagnosticsTopic(room, id), encodeUTF8(this.text()), options);
    this.looks = isSent ? 0 : LOOKS; // not accepted by the socket: sent at the next look
    this.news = textHash(this.text(true));
    return isSent;
  }

  /** All discovery messages were sent, and diagnostics after them. */
  get isAnnounced(): boolean {
    return this.next >= MESSAGES && this.looks < LOOKS;
  }

  /** Since `begin`, on this connection. */
  get isRunning(): boolean {
    return this.timer !== undefined;
  }

  private get timers(): Timers {
    return this.owner.board.timers;
  }

  private get names(): { readonly room: string; readonly id: string } {
    return { room: this.owner.settings.get("room"), id: this.owner.id };
  }

  private step(prefix: string): void {
    this.passEmpty();
    const isAnnounced = this.next >= MESSAGES;
    if (!isAnnounced) this.announce(prefix);
    else if (++this.looks >= LOOKS || textHash(this.text(true)) !== this.news) {
      if (this.send(this.isProved)) this.isProved = false;
    }
    this.timer = this.timers.set(() => this.step(prefix), isAnnounced ? LOOK_MS : this.stepMs);
  }

  /** Skips messages without a row that this board has, or that the settings do not allow. */
  private passEmpty(): void {
    while (
      this.next < DETAIL_MESSAGES
        ? !hasDetails(diagnostics.length, this.next, this.isThere())
        : this.next < MESSAGES && !(extrasOf(this.owner) & extraOf(this.next - DETAIL_MESSAGES))
    )
      this.next++;
  }

  /** Returns a function: does this board have that row? */
  private isThere(): (row: number) => boolean {
    const { owner, client } = this;
    const status = client.status;
    return (row) => diagnostics[row].read(owner, status) !== undefined;
  }

  /**
   * Sends the next discovery message. If the client does not accept it, the socket may be full: it is sent again after a time
   * that doubles. If it is not accepted at LOOK_MS either, it is longer than the broker accepts, and is left out.
   */
  private announce(prefix: string): void {
    const { topic, payload } = this.message({ ...this.names, prefix, version: VERSION }, this.next);
    const isSent = this.client.publish(topic, payload, RETAINED);
    if (isSent || this.stepMs >= LOOK_MS) this.next++;
    this.stepMs = isSent ? STEP_MS : Math.min(this.stepMs * 2, LOOK_MS);
  }

  /** Discovery message `n`. */
  private message(
    device: DetailedDevice & { readonly prefix: string },
    n: number,
  ): { topic: string; payload: Uint8Array } {
    if (n < DETAIL_MESSAGES) return detailMessage(device, diagnostics, n, this.isThere());
    const at = n - DETAIL_MESSAGES;
    if (at >= controls.length) return updateEntityMessage(device);
    const { settings } = this.owner;
    return {
      topic: controlTopic(device.id, device.prefix, at),
      payload: controlPayload(device, controls[at], (control) => rangeOf(settings, control)),
    };
  }

  /** All rows, or only the important ones; settings always count as important. */
  private text(isNews?: true): string {
    const { owner, client } = this;
    const status = client.status;
    const values: Record<string, unknown> = {};
    diagnostics.forEach((row) => {
      if (!isNews || row.isNews) values[row.key] = row.read(owner, status);
    });
    readNumbers(owner.settings, values);
    return JSON.stringify(values);
  }
}
