/*
 * The device's own state on `home/<room>/<id>/diagnostics`: JSON, retained, at QoS 0. With each connection, once that has proved itself;
 * every quarter of an hour; and within a minute of a change that is news. Before the first of them, what Home Assistant has to know of
 * them, a message at a time. A report of a sleeper has it once, when the first reading has arrived.
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

/** What diagnostics ask of the client. */
export interface DiagnosticsClient {
  readonly status: ClientStatus;
  publish(topic: string, payload: Uint8Array, options: { readonly qos: 0 | 1; readonly retain: boolean }): boolean;
}

/** How often changes are looked for. */
export const LOOK_MS = 60_000;
/** The message is due after so many looks. */
export const LOOKS = 15;
/** From one message to Home Assistant to the next: each has the client's buffer for itself. */
export const STEP_MS = 500;
/** In so many messages Home Assistant gets the rows. */
export const DETAIL_MESSAGES = detailMessages(diagnostics.length);
/** The rows, the controls, and the firmware. */
const MESSAGES = DETAIL_MESSAGES + controls.length + 1;
const RETAINED = Object.freeze<{ readonly qos: 0; readonly retain: true }>({ qos: 0, retain: true });

/** Sends the rows when they are due. */
export class Diagnostics {
  private readonly owner: DiagnosticsOwner;
  private readonly client: DiagnosticsClient;
  private timer: TimerId | undefined;
  /** The next message for Home Assistant. */
  private next = 0;
  private looks = 0;
  /** Until the next message for Home Assistant. */
  private stepMs = STEP_MS;
  /** A hash of what may be news in the message that was sent last: the text would be kept for a minute otherwise. */
  private news = 0;

  constructor(owner: DiagnosticsOwner, client: DiagnosticsClient) {
    this.owner = owner;
    this.client = client;
  }

  /** Says it, and from now on. `prefix`: of discovery; empty: there is none. */
  begin(prefix: string): void {
    this.rest();
    this.next = prefix === "" ? MESSAGES : 0;
    this.looks = LOOKS;
    this.stepMs = STEP_MS;
    this.step(prefix);
  }

  /** There is no connection, or the broker does not take it. */
  rest(): void {
    if (this.timer !== undefined) this.timers.clear(this.timer);
    this.timer = undefined;
  }

  /** Says it now. */
  send(): void {
    const { room, id } = this.names;
    const isSent = this.client.publish(diagnosticsTopic(room, id), encodeUTF8(this.text()), RETAINED);
    this.looks = isSent ? 0 : LOOKS; // what the socket does not take is sent at the next look
    this.news = textHash(this.text(true));
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
    else if (++this.looks >= LOOKS || textHash(this.text(true)) !== this.news) this.send();
    this.timer = this.timers.set(() => this.step(prefix), isAnnounced ? LOOK_MS : this.stepMs);
  }

  /** A message of which this board has nothing is left out, and so is what the settings do not allow. */
  private passEmpty(): void {
    while (
      this.next < DETAIL_MESSAGES
        ? !hasDetails(diagnostics.length, this.next, this.isThere())
        : this.next < MESSAGES && !(extrasOf(this.owner) & extraOf(this.next - DETAIL_MESSAGES))
    )
      this.next++;
  }

  /** Says of a row whether this board has it. */
  private isThere(): (row: number) => boolean {
    const { owner, client } = this;
    const status = client.status;
    return (row) => diagnostics[row].read(owner, status) !== undefined;
  }

  /**
   * What the client does not take is tried again, after twice as long each time: the socket may be full. One that it does not take for as
   * long as a look is longer than the broker takes: it is left out.
   */
  private announce(prefix: string): void {
    const { topic, payload } = this.message({ ...this.names, prefix, version: VERSION }, this.next);
    const isSent = this.client.publish(topic, payload, RETAINED);
    if (isSent || this.stepMs >= LOOK_MS) this.next++;
    this.stepMs = isSent ? STEP_MS : Math.min(this.stepMs * 2, LOOK_MS);
  }

  /** Message `n` for Home Assistant. */
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

  /** All rows, or those alone that are news; of settings, each is. */
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
