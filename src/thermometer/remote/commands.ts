/*
 * Remote commands: a message on `home/<room>/<id>/command` is a line as at the prompt, or JSON, {"command": "sample", "id":
 * "17"}. The answer has the prompt's text: {"id": "17", "ok": true, "answer": "21.44 °C"}, on `.../answer` at QoS 1 and, in
 * MQTT 5, on the response topic with the correlation data. The setting `remote` decides which commands are allowed:
 * permission.ts.
 * Each command of QoS 1 or 2 is executed once, even if the broker sends it again or the power is cut: record.ts. A command
 * whose effect is stored in the settings is executed first and then recorded; after a power cut between the two it is executed
 * again, which changes nothing. A command that must not be executed twice (`reboot`, `identify`) is recorded first; a power cut
 * before it is executed is a reboot, too. `sample` takes longer than its acknowledgement may wait: it is recorded as pending and
 * then taken, after a reboot if necessary.
 * The text of a command is never repeated in an answer or in the log, because it may contain a password.
 */
import type { Board } from "../../board.js";
import type { LineLevel } from "../../common/log-levels.js";
import { messageOf } from "../../common/message-of.js";
import type { RemoteAnswer } from "../../console/shell/remote.js";
import { answerTopic } from "../../homeassistant/discovery.js";
import type { InboundMessage, Message } from "../../mqtt/client.js";
import { version5 } from "../../mqtt/v5/version5.js";
import { decodeUTF8, encodeUTF8 } from "../../mqtt/wire/utf8.js";
import type { Settings } from "../../settings/settings.js";
import type { KeyValueStore } from "../../settings/store.js";
import { permit } from "./permission.js";
import { CommandRecord, commandHash, isOnRecord, type Queue } from "./record.js";

/** What commands need of the device. */
export interface RemoteOwner {
  readonly board: Board;
  readonly settings: Settings;
  readonly store: KeyValueStore;
  readonly id: string;
  readonly outbox: Queue | undefined;
  /** Runs a line as the prompt does. */
  runCommand(line: string, done: (answer: RemoteAnswer) => void): void;
  log(level: LineLevel, text: string): void;
}

/** What commands need of the client. */
export interface RemoteClient {
  /** Everything sent beside readings has been acknowledged, on this connection or an earlier one. */
  readonly hasAnswered: boolean;
  /** The connection has lasted so long that the broker has repeated all unacknowledged messages on it, and it has sent something since. */
  readonly isProven: boolean;
  publish(topic: string, payload: Uint8Array, options: { readonly qos: 0 | 1; readonly retain: boolean }): boolean;
  publishNow(message: Message): boolean;
}

/** Largest message of a command, in bytes. */
export const MAX_COMMAND = 256;
/** Number of commands that may wait, for example for a slow sensor. */
export const MAX_WAITING = 16;
const MAX_ID = 64;
const LOOK_MS = 100;
/** Number of checks, LOOK_MS apart, whether an answer has arrived. A reboot waits that long, for example. */
const LOOKS = 20;
/** Time after which a record of a sample that the store refused is written again for the first time, in milliseconds. */
const AMEND_MS = 60_000;

/** Value of `connection` after `close`. */
const CLOSED = -1;

/** Where the answer is sent beside `.../answer`, and how the sender recognizes it. */
interface Sender {
  id: string | undefined;
  responseTopic: string | undefined;
  readonly correlationData: Uint8Array | undefined;
}

interface Waiting {
  /** See `Permitted`. */
  readonly run: string;
  readonly name: string;
  /** undefined: the request is from before the boot. */
  readonly sender: Sender | undefined;
  /** A sample that is recorded as pending. */
  readonly isPending: boolean;
}

/** Receives commands from the broker, executes and answers them. */
export class RemoteCommands {
  private readonly owner: RemoteOwner;
  private readonly client: RemoteClient;
  /** Read with the first command, or in `begin` if commands from before the boot are recorded. */
  private _record: CommandRecord | undefined;
  /** The message that is being received. */
  private bytes: Uint8Array | undefined;
  /** Slow commands, which run one after the other; the first one is running. */
  private waiting: Waiting[] | undefined;
  /** Number of the current connection, from 1; or CLOSED. */
  private connection = 0;

  constructor(owner: RemoteOwner, client: RemoteClient) {
    this.owner = owner;
    this.client = client;
  }

  /** A slow command is running. */
  get isBusy(): boolean {
    return this.line.length > 0;
  }

  /** A connection was made. `isPresent`: the broker has kept the session; otherwise it repeats no earlier message. */
  connected(isPresent: boolean): void {
    this.settle();
    this.connection++;
    if (isPresent) return;
    this.begin();
    this.retire(false, true);
  }

  /** Takes samples that were requested before the boot and are still pending. Call this before the outbox is appended to. */
  begin(): void {
    if (this._record === undefined && isOnRecord(this.owner.store)) this.load();
  }

  close(): void {
    this.connection = CLOSED;
    this.waiting = undefined;
  }

  private get isClosed(): boolean {
    return this.connection === CLOSED;
  }

  private get record(): CommandRecord {
    return this._record ?? this.load();
  }

  private load(): CommandRecord {
    const record = new CommandRecord(this.owner.store, this.next);
    this._record = record;
    for (let n = 0; n < record.pending; n++)
      this.wait({ run: "sample", name: "sample", sender: undefined, isPending: true });
    return record;
  }

  /** Number of the outbox's next entry. */
  private get next(): number {
    return this.owner.outbox?.nextSequence ?? -1;
  }

  private get line(): readonly Waiting[] {
    return this.waiting ?? [];
  }

  /** Handles a part of a message. `id`: its packet id; 0 at QoS 0. An exception ends the connection. */
  take(message: InboundMessage, id: number): void {
    const { offsetBytes, totalBytes, payload, last } = message;
    if (offsetBytes === 0) this.bytes = totalBytes > MAX_COMMAND ? undefined : new Uint8Array(totalBytes);
    this.bytes?.set(payload, offsetBytes);
    if (!last) return;
    const { bytes } = this;
    this.bytes = undefined;
    const { responseTopic, correlationData } = message.properties ?? {};
    const sender: Sender = { id: undefined, responseTopic, correlationData };
    try {
      if (bytes === undefined) throw new Error(`a command has ${MAX_COMMAND} bytes at most`);
      const line = parse(bytes, sender);
      if (message.retain) throw new Error("retained commands are refused: publish it without retain");
      if (responseTopic?.endsWith("/command")) {
        sender.responseTopic = undefined;
        throw new Error("the response topic is a command topic");
      }
      this.decide(line, sender, message, id);
    } catch (error) {
      this.refuse(messageOf(error), sender);
    }
  }

  private decide(line: string, sender: Sender, { qos, dup }: InboundMessage, packetId: number): void {
    const { settings, outbox } = this.owner;
    const { record, connection } = this;
    const isOwn = sender.id !== undefined;
    const hash = commandHash(sender.id ?? `${sender.correlationData?.join() ?? packetId} ${line}`, isOwn);
    if ((isOwn || (dup && qos > 0)) && record.has(hash)) {
      // The sender has asked again, because the answer was lost. A repetition by the broker, or a command that is still
      // running, gets only one answer.
      const isAsked = isOwn && !dup && !this.isOpen(sender.id);
      const isEarlier = record.again(hash, connection);
      if (isAsked || isEarlier) this.answer({ text: "done already", isFailed: false }, sender);
      return;
    }
    const { run, name, isOnce, isSlow, isIdle } = permit(line, settings);
    if (isSlow && this.line.length > MAX_WAITING)
      throw new Error(`${MAX_WAITING} commands are waiting: try again later`);
    const isRecorded = !isIdle && (isOwn || qos > 0);
    // A broker repeats unacknowledged messages before it sends new ones on the topic (MQTT 5 §4.6).
    if (isRecorded && qos > 0 && !dup) record.retire(connection, false, true, false);
    // A sample that is not stored in flash is not recorded as pending either.
    const isPending = isRecorded && name === "sample" && outbox !== undefined && settings.get("mqtt.qos") > 0;
    if (isRecorded && isOnce) this.keep(hash, isPending ? 1 : 0);
    const command = { run, name, sender, isPending };
    if (isSlow) this.wait(command);
    else this.run(command);
    // If recording fails, the command was executed all the same; it would be executed again if repeated.
    if (isRecorded && !isOnce) quietly(() => record.add(hash, connection, 0));
  }

  /** The command is waiting or running: its answer has not been sent yet. */
  private isOpen(id: string | undefined): boolean {
    return this.line.some(({ sender }) => sender?.id === id);
  }

  private keep(hash: number, samples: number): void {
    try {
      this.record.add(hash, this.connection, samples);
    } catch (error) {
      throw new Error(`not done: it cannot be recorded: ${messageOf(error)}`);
    }
  }

  private wait(command: Waiting): void {
    this.waiting ??= [];
    if (this.waiting.push(command) === 1) this.goOn();
  }

  /** Runs the next slow command. */
  private goOn(): void {
    const next = this.line[0];
    if (next === undefined) return;
    this.run(next, () => {
      this.owner.board.timers.set(() => {
        if (this.isClosed) return;
        const { outbox } = this.owner;
        if (next.isPending && outbox !== undefined) this.amend(() => this.record.appended(outbox));
        this.waiting?.shift();
        this.goOn();
      }, 0);
    });
  }

  /**
   * Writes again until the store has the record: otherwise the sample would be taken again after a reboot. Each attempt may wear the
   * flash, so the time between attempts doubles. `waitMs`: time to the next one.
   */
  private amend(write: () => void, waitMs = AMEND_MS): void {
    quietly(write);
    const { record, owner } = this;
    if (record.isStale)
      owner.board.timers.set(() => {
        if (!this.isClosed && record.isStale) this.amend(() => record.write(), 2 * waitMs);
      }, waitMs);
  }

  private run({ run, name, sender, isPending }: Waiting, whenDone?: () => void): void {
    this.owner.runCommand(run, (answer) => {
      if (this.isClosed) return;
      if (isPending) quietly(() => (answer.isFailed ? this.record.cancel() : this.record.append(this.next)));
      this.owner.log("info", `command ${name}: ${answer.isFailed ? answer.text : "done"}`);
      if (sender !== undefined) this.answer(answer, sender);
      whenDone?.();
    });
  }

  private refuse(why: string, sender: Sender): void {
    this.owner.log("warn", `command refused: ${why}`);
    this.answer({ text: `error: ${why}`, isFailed: true }, sender);
  }

  /** Sent after the acknowledgement of the command: when the broker acknowledges the answer, it has received that acknowledgement, too. */
  private answer({ text, isFailed, last }: RemoteAnswer, { id, responseTopic, correlationData }: Sender): void {
    const { owner, client } = this;
    const payload = encodeUTF8(JSON.stringify({ id, ok: !isFailed, answer: text }));
    owner.board.timers.set(() => {
      if (this.isClosed) return;
      const topic = answerTopic(owner.settings.get("room"), owner.id);
      if (client.publish(topic, payload, { qos: 1, retain: false })) this._record?.follow(this.connection);
      if (responseTopic !== undefined) {
        const properties = correlationData && version5.properties({ correlationData });
        const topic = encodeUTF8(responseTopic);
        client.publishNow({ topic, payload, payloadLength: payload.length, retain: false, properties });
      }
      this.awaitArrival(LOOKS, last);
    }, 0);
  }

  /** Waits until the answer has arrived, for a limited time. */
  private awaitArrival(looks: number, last: (() => void) | undefined): void {
    if (this.isClosed) return;
    if (looks > 0 && !this.client.hasAnswered) {
      this.owner.board.timers.set(() => this.awaitArrival(looks - 1, last), LOOK_MS);
      return;
    }
    this.settle();
    last?.();
  }

  /**
   * Removes commands that are known not to be repeated. Otherwise a later command with the same packet id and text could be
   * taken for a repetition. Called before the device leaves, and when the broker has answered.
   */
  settle(): void {
    this.retire(this.client.hasAnswered, this.client.isProven);
  }

  private retire(hasArrived: boolean, hasAll: boolean): void {
    const { _record } = this;
    if (_record?.retire(this.connection, hasArrived, hasAll)) quietly(() => _record.write());
  }
}

/** Ignores a failure of the store: the next record will contain this one, too. */
function quietly(write: () => void): void {
  try {
    write();
  } catch {}
}

/** Returns the command's line, and stores its id in `sender`. @throws Error if the message is not a command */
function parse(bytes: Uint8Array, sender: Sender): string {
  const text = decodeUTF8(bytes)?.trim();
  if (text === undefined) throw new Error("not UTF-8");
  if (!text.startsWith("{")) return text;
  let json: { readonly command?: unknown; readonly id?: unknown };
  try {
    json = JSON.parse(text);
  } catch {
    throw new Error("not JSON");
  }
  const { command, id } = json;
  if (typeof command !== "string") throw new Error('expected {"command": "…", "id": "…"}');
  if (id !== undefined && (typeof id !== "string" || id === "" || id.length > MAX_ID))
    throw new Error(`id: expected a text of 1 to ${MAX_ID} characters`);
  sender.id = id;
  return command.trim();
}
